/* SPDX-License-Identifier: GPL-2.0-only */
/* sqlite.h - SQLite's errors as ours: which limit of the machine it was, and what to do about it. */
#ifndef COMMON_SQLITE_H
#define COMMON_SQLITE_H

#include <sqlite3.h>

#include "common/error.h"

/*
 * The last error of @sql, whose file is @path, as "PATH: what: message", with a remedy where there is one.
 * Returns the errno: -ENOSPC disk full, -EBUSY locked, -EBADMSG damaged, -EINVAL no database, -EROFS,
 * -EFBIG (ulimit -f), -EMFILE, -ENFILE, -ENOMEM, -EDQUOT, -EACCES cannot be opened, else -EIO.
 */
int sqlite_error(sqlite3 *sql, const char *path, const char *what, struct error *err);

/*
 * A bound for what this thread reads: statements of connections that obey (sqlite_obey_bound()) end with
 * SQLITE_INTERRUPT, which sqlite_error() makes -ETIMEDOUT, once @seconds have passed, or the program was cancelled
 * (common/cancel.h). 0: no bound.
 */
void sqlite_end_after(double seconds);
void sqlite_obey_bound(sqlite3 *sql);

#endif
