// SPDX-License-Identifier: GPL-2.0-only
/* daemon.db as a file: copied, and looked over. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/sqlite.h"
#include "orchestrator/daemon/database.h"

/* ---- copies ---- */

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
	__cleanup_free char *part = xasprintf("%s.part", to);
	sqlite3 *source = NULL, *target = NULL;
	int ret = 0;

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
	if (ret || !rename(part, to))
		return ret;
	return error_set(err, -errno, "%s: cannot be renamed to %s", part, to);
}

/* ---- check ---- */

/* What must not be there: each query gives a line a row. */
static const char *const contradictions[] = {
	"SELECT 'boot ' || uid || ' is ' || state || ' without a holder' FROM boot WHERE state IN "
	"('leased', 'running') AND (holder IS NULL OR expires IS NULL)",
	"SELECT 'boot ' || b.uid || ' has ' || count(*) || ' results that count' FROM inbox i JOIN boot b "
	"ON b.id = i.boot WHERE i.state = 'imported' GROUP BY b.id HAVING count(*) > 1",
	"SELECT 'boot ' || uid || ' is stored, but no result of it was imported' FROM boot b WHERE state = "
	"'stored' AND NOT EXISTS (SELECT 1 FROM inbox WHERE boot = b.id AND state = 'imported')",
	"SELECT 'job ' || j.uid || ' is ' || j.state || ', but boot ' || b.uid || ' is ' || b.state FROM "
	"job j JOIN boot b ON b.job = j.id WHERE j.ended IS NOT NULL AND b.state IN ('waiting', 'queued', "
	"'leased', 'running')",
	"SELECT 'job ' || uid || ' is done, but boots have no result' FROM job j WHERE state = 'done' AND "
	"EXISTS (SELECT 1 FROM boot WHERE job = j.id AND state <> 'stored')",
};

static int list_lines(struct daemon_db *db, const char *sql, struct strbuf *report,
		      struct error *err)
{
	sqlite3_stmt *s = database_query(db, sql, "");
	int ret;

	while ((ret = database_row(db, s, err)) == 1)
		strbuf_addf(report, "%s\n", database_column(s, 0));
	return ret;
}

static int check_file(struct daemon_db *db, struct strbuf *report, struct error *err)
{
	sqlite3_stmt *s = database_query(db, "PRAGMA integrity_check", "");
	int ret;

	while ((ret = database_row(db, s, err)) == 1)
		if (sqlite3_stricmp(database_column(s, 0), "ok"))
			strbuf_addf(report, "%s\n", database_column(s, 0));
	if (ret)
		return ret;
	return list_lines(db,
			  "SELECT 'a row of ' || \"table\" || ' refers to one of ' || parent || ' "
			  "that is not there' FROM pragma_foreign_key_check",
			  report, err);
}

int daemon_db_check(struct daemon_db *db, struct strbuf *report, struct error *err)
{
	size_t before = report->len;
	int ret = check_file(db, report, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(contradictions); i++)
		ret = list_lines(db, contradictions[i], report, err);
	if (ret || report->len == before)
		return ret;
	return error_set(err, -EBADMSG, "the queue contradicts itself");
}
