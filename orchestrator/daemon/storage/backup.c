// SPDX-License-Identifier: GPL-2.0-only
/* A copy of daemon.db that is one state of it, while it is written to. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
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

int daemon_db_backup(const char *path, const char *to, struct error *err)
{
	__cleanup_free char *file = NULL, *part = NULL;
	sqlite3 *source = NULL, *target = NULL;
	int ret = fs_find_replaceable(to, &file, err);

	if (ret)
		return ret;
	part = xasprintf("%s.part", file);
	unlink(part);
	if (sqlite3_open_v2(path, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		ret = sqlite_error(source, path, "cannot be opened", err);
	else if (sqlite3_open_v2(part, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
		 SQLITE_OK)
		ret = sqlite_error(target, part, "cannot be opened", err);
	else
		ret = copy_pages(source, target, part, err);
	sqlite3_close(source);
	sqlite3_close(target);
	if (ret || !rename(part, file))
		return ret;
	return error_set(err, -errno, "%s: cannot be renamed to %s", part, file);
}
