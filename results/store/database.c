// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/database.h"

#include <errno.h>
#include <string.h>

#include "common/sqlite.h"

int results_confirm_read(const struct results_db *db, struct error *err)
{
	struct stat now;

	if (!db->is_unlocked)
		return 0;
	if (stat(db->path, &now))
		return error_set(err, -errno, "%s: %s", db->path, strerror(errno));
	if (now.st_ino == db->was.st_ino && now.st_size == db->was.st_size &&
	    now.st_mtim.tv_sec == db->was.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == db->was.st_mtim.tv_nsec)
		return 0;
	return error_set(err, -ESTALE,
			 "%s: another program wrote to it while it was read: try again", db->path);
}

int database_error(const struct results_db *db, const char *what, struct error *err)
{
	/* What was read without locks while another program wrote only looks damaged. */
	if ((sqlite3_errcode(db->sql) & 0xff) == SQLITE_CORRUPT && results_confirm_read(db, err))
		return err->code;
	return sqlite_error(db->sql, db->path, what, err);
}

int database_exec(struct results_db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_error(db, "cannot write", err);
	return 0;
}

int database_begin(struct results_db *db, struct error *err)
{
	return database_exec(db, "BEGIN IMMEDIATE", err);
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
