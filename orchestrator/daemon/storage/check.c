// SPDX-License-Identifier: GPL-2.0-only
/* Does daemon.db contradict itself? */
#include <errno.h>

#include "common/alloc.h"
#include "orchestrator/daemon/storage/database.h"

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
