/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * database.h - daemon.db: the queue's tables (schema.sql), and SQLite as the daemon uses it.
 *
 * One connection for the writer thread (writer.h), one that only reads for those who look. Statements are
 * prepared once and kept: @sql is a literal, its address is its name.
 *
 *	sqlite3_stmt *s = database_query(db, "SELECT id FROM job WHERE uid = ?1", "t", uid);
 *
 *	while ((ret = database_row(db, s, err)) == 1)
 *		... sqlite3_column_int64(s, 0) ...
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_DATABASE_H
#define ORCHESTRATOR_DAEMON_STORAGE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "common/error.h"
#include "common/strbuf.h"

#define DAEMON_APPLICATION_ID 0x4e535444 /* "NSTD" */
#define DAEMON_TIME_MAX	      32

struct daemon_db;

/*
 * Opens for writing: creates the file or brings it to the newest schema (a copy PATH.VERSION of an older one
 * is made first), checks that it is ours and not newer than we are, and shifts its moments to this
 * boot of the machine. Errors as sqlite_error().
 */
int daemon_db_open(const char *path, struct daemon_db **out, struct error *err);
int daemon_db_open_read(const char *path, struct daemon_db **out, struct error *err);
void daemon_db_close(struct daemon_db *db); /* NULL: nothing */
sqlite3 *daemon_db_sql(const struct daemon_db *db);

/* integrity_check and references, and states that contradict each other. -EBADMSG: @report has a line for
 * each fault. */
int daemon_db_check(struct daemon_db *db, struct strbuf *report, struct error *err);
/* A consistent copy of the file, while it is written to. */
int daemon_db_backup(const char *path, const char *to, struct error *err);

/*
 * The statement, ready for its first row. @types has a letter for each parameter: t text (NULL: NULL),
 * i int64_t, d int, f double, b blob (const void *, size_t). Texts and blobs are borrowed until the
 * statement is used again. What cannot be prepared is an error of the first database_row().
 */
sqlite3_stmt *database_query(struct daemon_db *db, const char *sql, const char *types, ...);
/* 1: a row; 0: no more; or a negative errno. */
int database_row(struct daemon_db *db, sqlite3_stmt *s, struct error *err);
/* Runs a statement without rows. How many rows it changed, or a negative errno. */
int database_change(struct daemon_db *db, struct error *err, const char *sql, const char *types,
		    ...);
/* The first column of the first row; @fallback if there is none. */
int database_number(struct daemon_db *db, int64_t fallback, int64_t *out, struct error *err,
		    const char *sql, const char *types, ...);
/* A column's text, NULL for NULL; borrowed until the next row. */
const char *database_column(sqlite3_stmt *s, int column);
/* Runs SQL as it is, unprepared. */
int database_execute(struct daemon_db *db, const char *sql, struct error *err);

/* One state of the file for all that is read until the end, also when statements were left in the middle. */
int database_begin_snapshot(struct daemon_db *db, struct error *err);
void database_end_snapshot(struct daemon_db *db);

/* Milliseconds of CLOCK_BOOTTIME. */
int64_t database_now(void);
/* The time of day: "2026-11-26T03:34:23Z". */
void database_time(char text[DAEMON_TIME_MAX]);
/* "20261126T033423-1a2b3c4d": names a job, and its boots' session in the results. */
void database_new_uid(char uid[DAEMON_TIME_MAX]);

#endif
