// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a database: for writing, which migrates it, or for reading alone, which leaves no trace.
 */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/shell.h"
#include "common/sqlite.h"
#include "results/store/chain.h"
#include "results/store/columns.h"
#include "results/store/database.h"

/* The texts of results/store/schema*.sql, NUL-terminated, as the assembler finds them. */
__asm__(".pushsection .rodata\n"
	"schema_1: .incbin \"results/store/schema.sql\"\n"
	".byte 0\n"
	"schema_2: .incbin \"results/store/schema_bisect.sql\"\n"
	".byte 0\n"
	"schema_3: .incbin \"results/store/schema_chain.sql\"\n"
	".byte 0\n"
	"schema_4: .incbin \"results/store/schema_l1.sql\"\n"
	".byte 0\n"
	".popsection\n");
extern const char schema_1[] __attribute__((visibility("hidden")));
extern const char schema_2[] __attribute__((visibility("hidden")));
extern const char schema_3[] __attribute__((visibility("hidden")));
extern const char schema_4[] __attribute__((visibility("hidden")));

/* Step i takes a database from version i to i + 1. A new version is a new file and a new row. */
static const struct {
	const char *sql;
	int (*finish)(struct results_db *db, struct error *err); /* what SQL cannot do; or NULL */
} steps[] = {{schema_1, NULL}, {schema_2, NULL}, {schema_3, chain_begin}, {schema_4, NULL}};
const int database_version = ARRAY_SIZE(steps);

/* ---- what is it? ---- */

/* Of a file without any table: is it none of ours, or not filled yet? */
static int refuse_foreign(const struct results_db *db, struct error *err)
{
	return error_set(err, -EINVAL,
			 "%s: an SQLite file, but not a nestlab database: name another with --db",
			 db->path);
}

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
		return refuse_foreign(db, err);
	if (*version > database_version)
		return error_set(
			err, -EINVAL,
			"%s: written by a newer nestlab (schema %lld, this one knows %d): update "
			"nestlab, or name another file with --db",
			db->path, (long long)*version, database_version);
	return 0;
}

/* ---- migration ---- */

static int take_step(struct results_db *db, int64_t from, struct error *err)
{
	__cleanup_free char *mark = xasprintf("PRAGMA user_version = %lld", (long long)from + 1);
	int ret = database_exec(db, steps[from].sql, err);

	if (ret)
		return ret;
	db->version = from + 1;
	if (steps[from].finish) {
		ret = steps[from].finish(db, err);
		if (ret)
			return ret;
	}
	return database_exec(db, mark, err);
}

static int take_steps(struct results_db *db, int64_t from, int64_t to, struct error *err)
{
	for (; from < to; from++) {
		int ret = take_step(db, from, err);

		if (ret)
			return ret;
	}
	return 0;
}

int database_make(struct results_db *db, int64_t version, struct error *err)
{
	return take_steps(db, 0, version, err);
}

/* Reads the version again under the write lock: two nestlabs may open the same old file at once. */
static int migrate(struct results_db *db, struct error *err)
{
	int ret = database_begin(db, err);

	if (ret)
		return ret;
	ret = check_identity(db, &db->version, err);
	if (!ret)
		ret = take_steps(db, db->version, database_version, err);
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

/* ---- for writing ---- */

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

static int prepare_for_writing(struct results_db *db, struct error *err)
{
	int ret = read_identity(db, &db->version, err);

	if (ret)
		return ret;
	ret = set_modes(db, err);
	if (ret || db->version == database_version)
		return ret;
	return migrate(db, err);
}

static int make_folder(const char *path, struct error *err)
{
	__cleanup_free char *copy = xstrdup(path);

	return fs_mkdir_p(dirname(copy), err);
}

static int connect_file(struct results_db *db, const char *name, int flags, struct error *err)
{
	if (sqlite3_open_v2(name, &db->sql, flags, NULL) != SQLITE_OK)
		return database_error(db, "cannot be opened", err);
	sqlite3_busy_timeout(db->sql, DATABASE_BUSY_MS);
	sqlite_obey_bound(db->sql);
	return 0;
}

static struct results_db *new_database(const char *path)
{
	struct results_db *db = xcalloc(1, sizeof(*db));

	db->path = xstrdup(path);
	return db;
}

/* Hands @db out, or closes it where there is an error. */
static int finish_opening(struct results_db *db, int ret, struct results_db **out)
{
	if (ret) {
		results_close(db);
		db = NULL;
	}
	*out = db;
	return ret;
}

/* Is there a file with something in it? */
static int check_file(const char *path, struct stat *st, struct error *err)
{
	if (stat(path, st)) {
		if (errno == ENOENT)
			return error_set(err, -ENOENT,
					 "%s: no such database; `nestlab run` makes one", path);
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (!S_ISREG(st->st_mode))
		return error_set(
			err, -EINVAL,
			"%s: not a file, so not a nestlab database: name another with --db", path);
	if (!st->st_size)
		return error_set(err, -EINVAL,
				 "%s: an empty file, not a nestlab database: name another with "
				 "--db, or let `nestlab run` fill it",
				 path);
	return 0;
}

int results_open(const char *path, bool create, struct results_db **db, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE, ret;
	struct results_db *opening;
	struct stat st;

	*db = NULL;
	if (create) {
		flags |= SQLITE_OPEN_CREATE;
		ret = make_folder(path, err);
	} else {
		ret = check_file(path, &st, err);
	}
	if (ret)
		return ret;
	opening = new_database(path);
	ret = connect_file(opening, path, flags, err);
	if (!ret)
		ret = prepare_for_writing(opening, err);
	return finish_opening(opening, ret, db);
}

void results_close(struct results_db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->sql);
	free(db->path);
	free(db);
}

/* ---- for reading alone ---- */

/* Is there something in the file beside the database? */
static bool has_beside(const char *file, const char *suffix)
{
	__cleanup_free char *path = xasprintf("%s%s", file, suffix);
	struct stat st;

	return !stat(path, &st) && st.st_size;
}

/* "file:/a%20b.db?...": SQLite decodes the path. */
static char *make_uri(const char *file, const char *parameters)
{
	struct strbuf uri = STRBUF_INIT;

	strbuf_addstr(&uri, "file:");
	for (; *file; file++) {
		if (strchr("%?#", *file))
			strbuf_addf(&uri, "%%%02x", *file);
		else
			strbuf_addch(&uri, *file);
	}
	strbuf_addf(&uri, "?%s", parameters);
	return strbuf_detach(&uri);
}

/* A log holds the newest results, so a file that has one cannot be read without it. */
static int explain_log(const struct results_db *db, int ret, struct error *err)
{
	if (ret != -EACCES && ret != -EROFS && ret != -EIO)
		return ret;
	return error_set(
		err, -EACCES,
		"%s: the newest results are in a log beside it (-wal or -journal), which cannot be "
		"used here (%s). Whoever may write to that folder can fold the log in: %s db "
		"migrate --db %s",
		db->path, sqlite3_errmsg(db->sql), shell_program(), db->path);
}

/* With SQLite's locks. If FILE-shm is there, it is used, not written. */
static int open_with_log(struct results_db *db, const char *file, struct error *err)
{
	const char *parameters = "mode=ro";
	__cleanup_free char *uri = NULL;
	int ret;

	if (has_beside(file, "-shm"))
		parameters = "mode=ro&readonly_shm=1";
	uri = make_uri(file, parameters);
	ret = connect_file(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
	if (!ret)
		ret = read_identity(db, &db->version, err);
	return explain_log(db, ret, err);
}

/*
 * Without locks, for these would need a file beside the database. A writer who comes now first writes
 * to a log, which this does not see; only when it folds that in does it change what is read here.
 */
static int open_unlocked(struct results_db *db, const char *file, struct error *err)
{
	__cleanup_free char *uri = make_uri(file, "immutable=1");
	int ret = connect_file(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);

	db->is_unlocked = true;
	if (ret)
		return ret;
	return read_identity(db, &db->version, err);
}

/* An older schema is read through a view, which lives in this connection alone: the columns that came later
 * are NULL there, so that no query has to know versions. */
static int add_later_columns(struct results_db *db, struct error *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret = 0;

	strbuf_addstr(&sql, "PRAGMA temp_store = MEMORY; CREATE TEMP VIEW run AS SELECT *");
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].since > db->version)
			strbuf_addf(&sql, ", NULL AS %s", boot_columns[i].name);
	strbuf_addstr(&sql, " FROM main.run");
	if (db->version < database_version)
		ret = database_exec(db, sql.buf, err);
	strbuf_release(&sql);
	return ret;
}

static int open_for_reading(struct results_db *db, struct error *err)
{
	__cleanup_free char *file =
		realpath(db->path, NULL); /* the log lies beside the real file */
	int ret;

	if (!file)
		return error_set(err, -errno, "%s: %s", db->path, strerror(errno));
	if (access(file, R_OK))
		return error_set(err, -errno, "%s: %s: this user may not read it", db->path,
				 strerror(errno));
	if (has_beside(file, "-wal") || has_beside(file, "-journal"))
		ret = open_with_log(db, file, err);
	else
		ret = open_unlocked(db, file, err);
	if (!ret && !db->version)
		return refuse_foreign(db, err);
	if (ret)
		return ret;
	return add_later_columns(db, err);
}

int results_open_read(const char *path, struct results_db **db, struct error *err)
{
	struct results_db *opening = new_database(path);
	int ret = check_file(path, &opening->was, err);

	if (!ret)
		ret = open_for_reading(opening, err);
	return finish_opening(opening, ret, db);
}
