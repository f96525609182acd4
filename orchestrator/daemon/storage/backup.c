// SPDX-License-Identifier: GPL-2.0-only
/* A copy of daemon.db that is one state of it, while it is written to. */

#include "common/alloc.h"
#include "common/fs.h"
#include "common/scratch.h"
#include "common/sqlite.h"
#include "orchestrator/daemon/storage/database.h"

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *to_path, struct error *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	if (!b)
		return sqlite_error(to, to_path, "cannot be written", err);
	sqlite3_backup_step(b, -1);
	if (sqlite3_backup_finish(b) != SQLITE_OK)
		return sqlite_error(to, to_path, "cannot be written", err);
	return 0;
}

/* The copy's own errors are those of either file: what cannot be read is told of the one that it is. */
static int check_readable(sqlite3 *sql, const char *path, struct error *err)
{
	if (sqlite3_exec(sql, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_error(sql, path, "cannot be read", err);
}

/* To the file @part, which is not there yet; messages call it @to. */
static int copy_database(const char *path, const char *part, const char *to, struct error *err)
{
	sqlite3 *source = NULL, *target = NULL;
	int ret = 0;

	if (sqlite3_open_v2(path, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		ret = sqlite_error(source, path, "cannot be opened", err);
	if (!ret)
		ret = check_readable(source, path, err);
	if (!ret && sqlite3_open_v2(part, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				    NULL) != SQLITE_OK)
		ret = sqlite_error(target, to, "cannot be opened", err);
	if (!ret)
		ret = copy_pages(source, target, to, err);
	sqlite3_close(source);
	sqlite3_close(target);
	return ret;
}

/* In a folder beside @to, for the copy has a journal until it is whole. */
int daemon_db_backup(const char *path, const char *to, struct error *err)
{
	__cleanup_free char *file = NULL, *folder = NULL, *part = NULL;
	struct scratch s;
	int ret = fs_find_replaceable(to, &file, err);

	if (ret)
		return ret;
	folder = fs_folder_of(file);
	ret = scratch_begin(folder, "." SCRATCH_PREFIX, &s, err);
	if (ret)
		return ret;
	part = xasprintf("%s/daemon.db", s.dir);
	ret = copy_database(path, part, file, err);
	if (!ret)
		ret = fs_publish(part, file, err);
	scratch_end(&s);
	return ret;
}
