// SPDX-License-Identifier: GPL-2.0-only
#include "common/sqlite.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"

static const struct {
	int code;
	int errnum;
	const char *remedy;
} sqlite_errors[] = {
	{SQLITE_FULL, -ENOSPC, "make room on that disk; nothing of this was stored"},
	{SQLITE_BUSY, -EBUSY, "another program holds it; try again when that has ended"},
	{SQLITE_LOCKED, -EBUSY, "another program holds it; try again when that has ended"},
	{SQLITE_INTERRUPT, -ETIMEDOUT, "it took too long; ask for less of it, or later"},
	{SQLITE_CORRUPT, -EBADMSG,
	 "the file is damaged: put a copy back, or name another with --db"},
	{SQLITE_NOTADB, -EINVAL, "this is not a nestlab database: name another with --db"},
	{SQLITE_READONLY, -EROFS, "the file or its folder cannot be written"},
	{SQLITE_CANTOPEN, -EACCES, "see whether the path and its permissions are right"},
};

/* SQLite has one code for all that keeps it from opening or writing a file. Which limit of this machine it
 * was says the errno of the system call; 0: none. */
static int find_limit(sqlite3 *sql, int code)
{
	int cause;

	if (code != SQLITE_CANTOPEN && code != SQLITE_IOERR)
		return 0;
	cause = sqlite3_system_errno(sql);
	if (cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == ENOSPC ||
	    cause == EDQUOT)
		return -cause;
	return 0;
}

int sqlite_error(sqlite3 *sql, const char *path, const char *what, struct error *err)
{
	int code = sqlite3_errcode(sql) & 0xff;
	int limit = find_limit(sql, code);
	struct rlimit size;

	if (limit)
		return error_set(err, limit, "%s: %s: %s (%s)", path, what, sqlite3_errmsg(sql),
				 strerror(-limit));
	for (size_t i = 0; i < ARRAY_SIZE(sqlite_errors); i++)
		if (sqlite_errors[i].code == code)
			return error_set(err, sqlite_errors[i].errnum, "%s: %s: %s (%s)", path,
					 what, sqlite3_errmsg(sql), sqlite_errors[i].remedy);
	if (code == SQLITE_IOERR && !getrlimit(RLIMIT_FSIZE, &size) &&
	    size.rlim_cur != RLIM_INFINITY)
		return error_set(err, -EFBIG,
				 "%s: %s: %s, where files may have %llu bytes at most (ulimit -f)",
				 path, what, sqlite3_errmsg(sql),
				 (unsigned long long)size.rlim_cur);
	return error_set(err, -EIO, "%s: %s: %s", path, what, sqlite3_errmsg(sql));
}

/* ---- a bound ---- */

#define STEPS_A_LOOK 20000 /* of SQLite's machine: some 1 ms */

static _Thread_local double bound; /* clock_seconds(); 0: none */

static int is_over(void *arg)
{
	(void)arg;
	return bound != 0 && (clock_seconds() > bound || cancel_requested());
}

void sqlite_end_after(double seconds)
{
	bound = seconds ? clock_seconds() + seconds : 0;
}

void sqlite_obey_bound(sqlite3 *sql)
{
	sqlite3_progress_handler(sql, STEPS_A_LOOK, is_over, NULL);
}
