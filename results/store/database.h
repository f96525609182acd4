/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * database.h - SQLite as results/ uses it: statements, and errors that say what to do. Private to
 * results/.
 */
#ifndef RESULTS_STORE_DATABASE_H
#define RESULTS_STORE_DATABASE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "common/error.h"
#include "results/store/store.h"

struct results_db {
	sqlite3 *sql;
	char *path;
	int64_t version; /* of its schema: database_version, or an older one that is only read */
	/* Read without locks: the file as it was when it was opened. See results_confirm_read(). */
	bool is_unlocked;
	struct stat was;
};

#define DATABASE_APPLICATION_ID 0x4e53544c /* "NSTL" */
#define DATABASE_BUSY_MS	30000	   /* how long we wait for another nestlab's transaction */

extern const int database_version; /* the newest schema's */

/* Takes a new, empty file to schema @version, within the caller's transaction; in open.c. */
int database_make(struct results_db *db, int64_t version, struct error *err);

/* sqlite_error() (common/sqlite.h); -ESTALE where the file was only read, and changed meanwhile. */
int database_error(const struct results_db *db, const char *what, struct error *err);

/* Runs SQL that gives no rows. */
int database_exec(struct results_db *db, const char *sql, struct error *err);

/* Begins a transaction with the write lock, which it waits for. */
int database_begin(struct results_db *db, struct error *err);
/* Ends a transaction: commits if @ret is 0, else rolls back. Returns @ret, or the commit's error. */
int database_end(struct results_db *db, int ret, struct error *err);

int database_prepare(struct results_db *db, const char *sql, sqlite3_stmt **stmt,
		     struct error *err);
/* 1: a row, 0: done, or a negative errno. */
int database_step(struct results_db *db, sqlite3_stmt *stmt, struct error *err);

/* Binds text at ?i; NULL is bound as NULL. Borrowed until the statement is reset. */
void database_bind_text(sqlite3_stmt *stmt, int i, const char *text);
/* A column's text, "" for NULL; borrowed until the next step. */
const char *database_text(sqlite3_stmt *stmt, int column);

/* The first column of the first row, or @fallback if there is no row. */
int database_int(struct results_db *db, const char *sql, int64_t fallback, int64_t *out,
		 struct error *err);

#endif
