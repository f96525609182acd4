// SPDX-License-Identifier: GPL-2.0-only
/* Copies of a database of the daemon's, whole or not there. */
#include <signal.h>

#include "orchestrator/daemon/storage/database.h"
#include "tests/unit/unit.h"

static int open_and_close(void)
{
	__cleanup_free char *path = unit_path("daemon.db");
	struct daemon_db *db;

	if (daemon_db_open(path, &db, NULL))
		return 1;
	daemon_db_close(db);
	return 0;
}

static int copy_to(const char *name)
{
	__cleanup_free char *from = unit_path("daemon.db"), *to = unit_path(name);

	return daemon_db_backup(from, to, NULL);
}

/* It syncs first when pages are written and the copy has a journal. */
static int copy_and_be_killed(void *arg)
{
	unit_filter_syscall(SYS_fsync, SECCOMP_RET_KILL_PROCESS);
	unit_filter_syscall(SYS_fdatasync, SECCOMP_RET_KILL_PROCESS);
	return copy_to(arg) != 0;
}

TEST(a_killed_copy_goes_with_the_next)
{
	__cleanup_free char *folder = unit_path("backups");
	char **names;
	size_t n;

	assert_int_equal(open_and_close(), 0);
	assert_int_equal(fs_mkdir_p(folder, NULL), 0);
	assert_int_equal(unit_in_child(copy_and_be_killed, "backups/monday"), 128 + SIGSYS);
	assert_int_equal(copy_to("backups/tuesday"), 0);
	assert_int_equal(fs_list(folder, NULL, &names, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "tuesday");
	fs_free_names(names, n);
}

UNIT_MAIN("daemon backup", unit_make_dir, unit_drop_dir)
