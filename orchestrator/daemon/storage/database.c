// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sqlite.h"

#define BUSY_MS	       30000
#define MAX_STATEMENTS 512 /* a power of two, above the number of literals */

/* FILE-wal goes into the file every 16 MiB: one lease of some 400 waits for that, so the 99th percentile does not. Beside the
 * writer, in a thread of its own, it would make hundreds of leases wait for the disk. */
#define CHECKPOINT_PAGES "4000"

struct daemon_db {
	sqlite3 *sql;
	char *path;
	struct {
		const char *text; /* the literal */
		sqlite3_stmt *stmt;
	} kept[MAX_STATEMENTS];
};

/* The texts of schema*.sql, NUL-terminated, as the assembler finds them. */
__asm__(".pushsection .rodata\n"
	"daemon_schema_1: .incbin \"orchestrator/daemon/storage/schema.sql\"\n"
	".byte 0\n"
	"daemon_schema_2: .incbin \"orchestrator/daemon/storage/schema_nights.sql\"\n"
	".byte 0\n"
	"daemon_schema_3: .incbin \"orchestrator/daemon/storage/schema_pages.sql\"\n"
	".byte 0\n"
	"daemon_schema_4: .incbin \"orchestrator/daemon/storage/schema_lists.sql\"\n"
	".byte 0\n"
	".popsection\n");
extern const char daemon_schema_1[] __attribute__((visibility("hidden")));
extern const char daemon_schema_2[] __attribute__((visibility("hidden")));
extern const char daemon_schema_3[] __attribute__((visibility("hidden")));
extern const char daemon_schema_4[] __attribute__((visibility("hidden")));

/* Step i takes a database from version i to i + 1. A new version is a new file and a new row. */
static const char *const steps[] = {daemon_schema_1, daemon_schema_2, daemon_schema_3,
				    daemon_schema_4};
#define NEWEST ((int64_t)ARRAY_SIZE(steps))

/* ---- time ---- */

int64_t database_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static void utc_now(struct tm *tm)
{
	time_t now = time(NULL);

	gmtime_r(&now, tm);
}

void database_time(char text[DAEMON_TIME_MAX])
{
	struct tm tm;

	utc_now(&tm);
	strftime(text, DAEMON_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void database_new_uid(char uid[DAEMON_TIME_MAX])
{
	unsigned int random = 0;
	struct tm tm;
	size_t n;

	utc_now(&tm);
	n = strftime(uid, DAEMON_TIME_MAX, "%Y%m%dT%H%M%S", &tm);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (unsigned int)database_now();
	snprintf(uid + n, DAEMON_TIME_MAX - n, "-%08x", random);
}

/* ---- statements ---- */

static sqlite3_stmt **find_kept(struct daemon_db *db, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) & (MAX_STATEMENTS - 1);

	while (db->kept[i].text && db->kept[i].text != sql)
		i = (i + 1) & (MAX_STATEMENTS - 1);
	db->kept[i].text = sql;
	return &db->kept[i].stmt;
}

static sqlite3_stmt *prepare(struct daemon_db *db, const char *sql)
{
	sqlite3_stmt **s = find_kept(db, sql);

	if (*s)
		sqlite3_reset(*s);
	else
		sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
	return *s;
}

static void bind_all(sqlite3_stmt *s, const char *types, va_list ap)
{
	for (int i = 1; *types; types++, i++) {
		const void *data;

		switch (*types) {
		case 't':
			sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'i':
			sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
			break;
		case 'd':
			sqlite3_bind_int(s, i, va_arg(ap, int));
			break;
		case 'f':
			sqlite3_bind_double(s, i, va_arg(ap, double));
			break;
		case 'b':
			data = va_arg(ap, const void *);
			sqlite3_bind_blob64(s, i, data, va_arg(ap, size_t), SQLITE_STATIC);
			break;
		}
	}
}

sqlite3_stmt *database_query(struct daemon_db *db, const char *sql, const char *types, ...)
{
	sqlite3_stmt *s = prepare(db, sql);
	va_list ap;

	if (!s)
		return NULL;
	va_start(ap, types);
	bind_all(s, types, ap);
	va_end(ap);
	return s;
}

int database_row(struct daemon_db *db, sqlite3_stmt *s, struct error *err)
{
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;
	int ret;

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE) {
		sqlite3_reset(
			s); /* a reader that rests holds no lock, and no old state of the file */
		return 0;
	}
	ret = sqlite_error(db->sql, db->path, "cannot be read or written", err);
	sqlite3_reset(s);
	return ret;
}

static int run_statement(struct daemon_db *db, sqlite3_stmt *s, struct error *err)
{
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	sqlite3_reset(s);
	return sqlite3_changes(db->sql);
}

int database_change(struct daemon_db *db, struct error *err, const char *sql, const char *types,
		    ...)
{
	sqlite3_stmt *s = prepare(db, sql);
	va_list ap;

	if (s) {
		va_start(ap, types);
		bind_all(s, types, ap);
		va_end(ap);
	}
	return run_statement(db, s, err);
}

int database_number(struct daemon_db *db, int64_t fallback, int64_t *out, struct error *err,
		    const char *sql, const char *types, ...)
{
	sqlite3_stmt *s = prepare(db, sql);
	va_list ap;
	int ret;

	if (s) {
		va_start(ap, types);
		bind_all(s, types, ap);
		va_end(ap);
	}
	*out = fallback;
	ret = database_row(db, s, err);
	if (ret < 0)
		return ret;
	if (ret == 1 && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return 0;
}

const char *database_column(sqlite3_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s, column);
}

int database_execute(struct daemon_db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(db->sql, db->path, "cannot be written", err);
	return 0;
}

/* ---- snapshots ---- */

int database_begin_snapshot(struct daemon_db *db, struct error *err)
{
	int ret = database_change(db, err, "BEGIN", "");

	if (ret < 0)
		return ret;
	return 0;
}

/* A statement that rests in the middle would keep the snapshot. */
void database_end_snapshot(struct daemon_db *db)
{
	struct error ignored;

	for (size_t i = 0; i < MAX_STATEMENTS; i++)
		if (db->kept[i].stmt)
			sqlite3_reset(db->kept[i].stmt);
	if (!sqlite3_get_autocommit(db->sql))
		database_change(db, &ignored, "ROLLBACK", "");
}

/* ---- opening ---- */

static int connect_file(const char *path, int flags, struct daemon_db **out, struct error *err)
{
	struct daemon_db *db = xcalloc(1, sizeof(*db));

	db->path = xstrdup(path);
	*out = db;
	if (sqlite3_open_v2(path, &db->sql, flags, NULL) != SQLITE_OK)
		return sqlite_error(db->sql, path, "cannot be opened", err);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite_obey_bound(db->sql);
	return 0;
}

void daemon_db_close(struct daemon_db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < MAX_STATEMENTS; i++)
		sqlite3_finalize(db->kept[i].stmt);
	sqlite3_close_v2(db->sql);
	free(db->path);
	free(db);
}

sqlite3 *daemon_db_sql(const struct daemon_db *db)
{
	return db->sql;
}

static int read_version(struct daemon_db *db, int64_t *version, struct error *err)
{
	int64_t application, objects;
	int ret = database_number(db, 0, &application, err, "PRAGMA application_id", "");

	if (!ret)
		ret = database_number(db, 0, version, err, "PRAGMA user_version", "");
	if (!ret)
		ret = database_number(db, 0, &objects, err, "SELECT count(*) FROM sqlite_master",
				      "");
	if (ret)
		return ret;
	if (application != DAEMON_APPLICATION_ID && (objects || application))
		return error_set(err, -EINVAL,
				 "%s: an SQLite file, but not a queue of nestlabd: name another "
				 "folder with --state",
				 db->path);
	if (*version > NEWEST)
		return error_set(
			err, -EINVAL,
			"%s: written by a newer nestlabd (schema %lld, this one knows %lld): "
			"update nestlab, or put back the copy that the update made",
			db->path, (long long)*version, (long long)NEWEST);
	return 0;
}

static int take_steps(struct daemon_db *db, int64_t from, struct error *err)
{
	int ret = database_execute(db, "BEGIN IMMEDIATE", err);

	for (; !ret && from < NEWEST; from++) {
		__cleanup_free char *mark =
			xasprintf("PRAGMA user_version = %lld", (long long)from + 1);

		ret = database_execute(db, steps[from], err);
		if (!ret)
			ret = database_execute(db, mark, err);
	}
	if (!ret)
		ret = database_execute(db, "COMMIT", err);
	if (ret)
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int migrate(struct daemon_db *db, struct error *err)
{
	int64_t version;
	int ret = read_version(db, &version, err);

	if (ret || version == NEWEST)
		return ret;
	if (version) {
		__cleanup_free char *copy = xasprintf("%s.%lld", db->path, (long long)version);

		ret = daemon_db_backup(db->path, copy, err);
		if (ret)
			return ret;
	}
	return take_steps(db, version, err);
}

/* ---- this boot of the machine ---- */

/* Moments of an earlier boot mean nothing now. What remained of a deadline remains; a lease has as
 * long as it had when the machine went down; waits are over sooner or later than meant, not never. */
static const char *const shifts[] = {
	"UPDATE boot SET expires = expires + ?1 WHERE state IN ('leased', 'running')",
	"UPDATE boot SET not_before = not_before + ?1 WHERE not_before IS NOT NULL",
	"UPDATE job SET deadline = deadline + ?1 WHERE deadline IS NOT NULL",
	"UPDATE host SET health_due = health_due + ?1 WHERE health_due IS NOT NULL",
	"UPDATE host SET asked = asked + ?1",
	"UPDATE usage SET at = at + ?1",
	"UPDATE attempt SET began = began + ?1 WHERE ended IS NULL",
};

static int shift_moments(struct daemon_db *db, struct error *err)
{
	struct strbuf id = STRBUF_INIT;
	int64_t seen, same, now = database_now();
	int ret = fs_read_file("/proc/sys/kernel/random/boot_id", 64, &id, err);

	if (!ret)
		ret = database_number(db, 0, &same, err,
				      "SELECT value = ?1 FROM meta WHERE key = 'boot_id'", "t",
				      id.buf);
	if (!ret)
		ret = database_number(db, now, &seen, err,
				      "SELECT value FROM meta WHERE key = 'seen'", "");
	for (size_t i = 0; !ret && !same && i < ARRAY_SIZE(shifts); i++) {
		ret = database_change(db, err, shifts[i], "i", now - seen);
		if (ret > 0)
			ret = 0;
	}
	if (!ret)
		ret = database_change(db, err,
				      "INSERT OR REPLACE INTO meta (key, value) VALUES "
				      "('boot_id', ?1), ('seen', ?2)",
				      "ti", id.buf, now);
	strbuf_release(&id);
	if (ret > 0)
		return 0;
	return ret;
}

int daemon_db_open(const char *path, struct daemon_db **out, struct error *err)
{
	int ret = connect_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, err);

	if (!ret)
		ret = database_execute(*out,
				       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				       "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES
				       "; PRAGMA foreign_keys = ON",
				       err);
	if (!ret)
		ret = migrate(*out, err);
	if (!ret)
		ret = shift_moments(*out, err);
	if (!ret)
		return 0;
	daemon_db_close(*out);
	*out = NULL;
	return ret;
}

int daemon_db_open_read(const char *path, struct daemon_db **out, struct error *err)
{
	int64_t version;
	int ret = connect_file(path, SQLITE_OPEN_READONLY, out, err);

	if (!ret)
		ret = read_version(*out, &version, err);
	if (!ret)
		return 0;
	daemon_db_close(*out);
	*out = NULL;
	return ret;
}
