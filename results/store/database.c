// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/database.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

/* The texts of results/store/schema*.sql, NUL-terminated, as the assembler finds them. */
__asm__(".pushsection .rodata\n"
	"schema_1: .incbin \"results/store/schema.sql\"\n"
	".byte 0\n"
	"schema_2: .incbin \"results/store/schema_bisect.sql\"\n"
	".byte 0\n"
	".popsection\n");
extern const char schema_1[] __attribute__((visibility("hidden")));
extern const char schema_2[] __attribute__((visibility("hidden")));

/* Step i takes a database from version i to i + 1. A new version is a new file and a new row. */
static const char *const steps[] = {schema_1, schema_2};
const int database_version = ARRAY_SIZE(steps);

static const struct {
	int code;
	int errnum;
	const char *remedy;
} sqlite_errors[] = {
	{SQLITE_FULL, -ENOSPC, "make room on that disk; nothing of this was stored"},
	{SQLITE_BUSY, -EBUSY, "another program holds it; try again when that has ended"},
	{SQLITE_LOCKED, -EBUSY, "another program holds it; try again when that has ended"},
	{SQLITE_CORRUPT, -EBADMSG,
	 "the file is damaged: put a copy back, or name another with --db"},
	{SQLITE_NOTADB, -EINVAL, "this is not a nestlab database: name another with --db"},
	{SQLITE_READONLY, -EROFS, "the file or its folder cannot be written"},
	{SQLITE_CANTOPEN, -EACCES, "see whether the path and its permissions are right"},
};

/* SQLite has one code for all that keeps it from opening or writing a file. Which limit of this machine it
 * was says the errno of the system call; 0: none. */
static int find_limit(const struct results_db *db, int code)
{
	int cause;

	if (code != SQLITE_CANTOPEN && code != SQLITE_IOERR)
		return 0;
	cause = sqlite3_system_errno(db->sql);
	if (cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOSPC ||
	    cause == EDQUOT)
		return -cause;
	return 0;
}

int database_error(const struct results_db *db, const char *what, struct error *err)
{
	int code = sqlite3_errcode(db->sql) & 0xff;
	int limit = find_limit(db, code);

	if (limit)
		return error_set(err, limit, "%s: %s: %s (%s)", db->path, what,
				 sqlite3_errmsg(db->sql), strerror(-limit));
	for (size_t i = 0; i < ARRAY_SIZE(sqlite_errors); i++)
		if (sqlite_errors[i].code == code)
			return error_set(err, sqlite_errors[i].errnum, "%s: %s: %s (%s)", db->path,
					 what, sqlite3_errmsg(db->sql), sqlite_errors[i].remedy);
	return error_set(err, -EIO, "%s: %s: %s", db->path, what, sqlite3_errmsg(db->sql));
}

int database_exec(struct results_db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_error(db, "cannot write", err);
	return 0;
}

int database_end(struct results_db *db, int ret, struct error *err)
{
	if (!ret)
		ret = database_exec(db, "COMMIT", err);
	if (ret)
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

int database_prepare(struct results_db *db, const char *sql, sqlite3_stmt **stmt, struct error *err)
{
	if (sqlite3_prepare_v2(db->sql, sql, -1, stmt, NULL) != SQLITE_OK)
		return database_error(db, "cannot be queried", err);
	return 0;
}

int database_step(struct results_db *db, sqlite3_stmt *stmt, struct error *err)
{
	int ret = sqlite3_step(stmt);

	if (ret == SQLITE_ROW)
		return 1;
	if (ret == SQLITE_DONE)
		return 0;
	return database_error(db, "cannot be read or written", err);
}

void database_bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

const char *database_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	if (!text)
		return "";
	return text;
}

int database_int(struct results_db *db, const char *sql, int64_t fallback, int64_t *out,
		 struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	*out = fallback;
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	return 0;
}

/* ---- opening ---- */

/* An empty file is a new database; anything else must be ours, and not newer than we are. */
static int check_identity(struct results_db *db, int64_t *version, struct error *err)
{
	int64_t application = 0, objects = 0;
	int ret = database_int(db, "PRAGMA application_id", 0, &application, err);

	if (ret)
		return ret;
	ret = database_int(db, "PRAGMA user_version", 0, version, err);
	if (ret)
		return ret;
	ret = database_int(db, "SELECT count(*) FROM sqlite_master", 0, &objects, err);
	if (ret)
		return ret;
	if (application != DATABASE_APPLICATION_ID && (objects || application || *version))
		return error_set(
			err, -EINVAL,
			"%s: an SQLite file, but not a nestlab database: name another with --db",
			db->path);
	if (*version > database_version)
		return error_set(
			err, -EINVAL,
			"%s: written by a newer nestlab (schema %lld, this one knows %d): update "
			"nestlab, or name another file with --db",
			db->path, (long long)*version, database_version);
	return 0;
}

static int run_steps(struct results_db *db, int64_t version, struct error *err)
{
	for (; version < database_version; version++) {
		__cleanup_free char *mark =
			xasprintf("PRAGMA user_version = %lld", (long long)version + 1);
		int ret = database_exec(db, steps[version], err);

		if (ret)
			return ret;
		ret = database_exec(db, mark, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Reads the version again under the write lock: two nestlabs may open the same old file at once. */
static int migrate(struct results_db *db, struct error *err)
{
	int64_t version;
	int ret = database_exec(db, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = check_identity(db, &version, err);
	if (!ret)
		ret = run_steps(db, version, err);
	return database_end(db, ret, err);
}

/* In one transaction, because another nestlab may be creating this very file between two queries. */
static int read_identity(struct results_db *db, int64_t *version, struct error *err)
{
	int ret = database_exec(db, "BEGIN", err);

	if (ret)
		return ret;
	ret = check_identity(db, version, err);
	sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
	return ret;
}

/* SQLite does not wait for a lock when it changes the journal mode, so we wait here. */
static int set_modes(struct results_db *db, struct error *err)
{
	int ret = -EBUSY;

	for (int waited = 0; ret == -EBUSY && waited < DATABASE_BUSY_MS; waited += 10) {
		ret = database_exec(db,
				    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				    "PRAGMA foreign_keys = ON",
				    err);
		if (ret == -EBUSY)
			poll(NULL, 0, 10);
	}
	return ret;
}

static int prepare_file(struct results_db *db, struct error *err)
{
	int64_t version;
	int ret = read_identity(db, &version, err);

	if (ret)
		return ret;
	ret = set_modes(db, err);
	if (ret || version == database_version)
		return ret;
	return migrate(db, err);
}

static int make_folder(const char *path, struct error *err)
{
	__cleanup_free char *copy = xstrdup(path);

	return fs_mkdir_p(dirname(copy), err);
}

static int open_file(struct results_db *db, int flags, struct error *err)
{
	if (sqlite3_open_v2(db->path, &db->sql, flags, NULL) != SQLITE_OK)
		return database_error(db, "cannot be opened", err);
	sqlite3_busy_timeout(db->sql, DATABASE_BUSY_MS);
	return prepare_file(db, err);
}

int results_open(const char *path, bool create, struct results_db **db, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE, ret;

	*db = NULL;
	if (!create && !fs_exists(path))
		return error_set(err, -ENOENT, "%s: no such database; `nestlab run` makes one",
				 path);
	if (create) {
		flags |= SQLITE_OPEN_CREATE;
		ret = make_folder(path, err);
		if (ret)
			return ret;
	}
	*db = xcalloc(1, sizeof(**db));
	(*db)->path = xstrdup(path);
	ret = open_file(*db, flags, err);
	if (ret) {
		results_close(*db);
		*db = NULL;
	}
	return ret;
}

void results_close(struct results_db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->sql);
	free(db->path);
	free(db);
}
