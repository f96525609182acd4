// SPDX-License-Identifier: GPL-2.0-only
/* Pages of nights: Tonight, Trends; the Atom feed; what pages load. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/daemon/pages/page.h"
#include "results/report/markup.h"

/* ---- tonight ---- */

static int add_changes(struct strbuf *page, struct daemon_db *db, struct error *err)
{
	static const char *const heads[] = {
		"change", "what", "state", "branch", "commit", "subject or reason", "triage", NULL};

	web_begin_table(page, "Changes, newest first", heads);
	return page_add_rows(
		page, db,
		database_query(
			db,
			"SELECT c.id, (SELECT m.metric || printf(' %+.2f %%', 100 * (coalesce(m.ratio, m.after / "
			"m.before) - 1)) FROM change_metric m WHERE m.change = c.id ORDER BY "
			"abs(coalesce(m.ratio, m.after / m.before) - 1) DESC LIMIT 1), c.state AS state, c.branch, "
			"substr(c.culprit, 1, 12), coalesce(c.subject, c.why), c.triage FROM change c ORDER BY c.id DESC "
			"LIMIT 30",
			""),
		"/changes/", err);
}

static int add_nights(struct strbuf *page, struct daemon_db *db, struct error *err)
{
	static const char *const heads[] = {"job",   "schedule", "kernel", "began",
					    "state", "trouble",	 NULL};

	web_begin_table(page, "Nights, newest first", heads);
	return page_add_rows(
		page, db,
		database_query(
			db,
			"SELECT n.job, n.schedule, n.kernel, n.time, j.state AS state, "
			"coalesce(j.class || ': ' || j.error, j.class) FROM night n JOIN job j ON "
			"j.uid = n.job ORDER BY n.id DESC LIMIT 20",
			""),
		"/jobs/", err);
}

static int add_schedules(struct strbuf *page, struct daemon_db *db, struct error *err)
{
	static const char *const heads[] = {"schedule", "next", "what is wrong", NULL};

	web_begin_table(page, "Schedules", heads);
	return page_add_rows(
		page, db,
		database_query(db,
			       "SELECT name, coalesce(datetime(next, 'unixepoch') || ' UTC', "
			       "'never'), error FROM schedule ORDER BY name",
			       ""),
		NULL, err);
}

API_HANDLER(page_tonight)
{
	struct strbuf page = STRBUF_INIT;
	int ret;

	page_begin(x, &page, &(struct web_head){.title = "Tonight", .at = "/"});
	ret = add_changes(&page, db, err);
	if (!ret)
		ret = add_nights(&page, db, err);
	if (!ret)
		ret = add_schedules(&page, db, err);
	return page_answer(x, &page, ret);
}

/* ---- trends ---- */

#define BRANCHES 64

struct branch {
	int64_t last; /* night */
	char *name;
};

static int list_branches(struct daemon_db *db, struct branch *out, size_t *n, struct error *err)
{
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT max(id), schedule || ': ' || branch FROM night GROUP BY "
			       "schedule, branch ORDER BY 2 LIMIT ?1",
			       "d", BRANCHES);
	int ret;

	while ((ret = database_row(db, s, err)) == 1)
		out[(*n)++] = (struct branch){.last = sqlite3_column_int64(s, 0),
					      .name = xstrdup(database_column(s, 1))};
	return ret;
}

API_HANDLER(page_trends)
{
	struct strbuf page = STRBUF_INIT;
	struct branch branches[BRANCHES];
	size_t n = 0;
	int ret = list_branches(db, branches, &n, err);

	page_begin(x, &page, &(struct web_head){.title = "Trends", .at = "/trends"});
	if (!n)
		strbuf_addstr(&page, "<p>There were no nights yet: a schedule makes them "
				     "(docs/daemon.md).</p>");
	for (size_t i = 0; i < n; i++) {
		markup_element(&page, "h2", "%s", branches[i].name);
		if (!ret)
			ret = page_add_trends(x, db, branches[i].last, &page, err);
		free(branches[i].name);
	}
	return page_answer(x, &page, ret);
}

/* ---- the feed ---- */

static void add_entry(struct strbuf *out, sqlite3_stmt *s)
{
	strbuf_addf(out, "<entry><id>urn:nestlab:change:%lld</id>",
		    (long long)sqlite3_column_int64(s, 0));
	markup_element(out, "title", "%s", database_column(s, 1));
	markup_element(out, "updated", "%s", database_column(s, 2));
	strbuf_addf(out, "<link href=\"/changes/%lld\"/></entry>\n",
		    (long long)sqlite3_column_int64(s, 0));
}

API_HANDLER(page_feed)
{
	struct strbuf out = STRBUF_INIT;
	sqlite3_stmt *s = database_query(
		db,
		"SELECT id, branch || ': ' || state || coalesce(': ' || subject, ''), changed FROM change "
		"WHERE state IN ('confirmed', 'bisecting', 'culprit', 'reported', 'fixed', 'drift') ORDER BY "
		"changed DESC, id DESC LIMIT 50",
		"");
	int ret;

	strbuf_addstr(&out,
		      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed "
		      "xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:nestlab:changes</id>"
		      "<title>nestlab: changes</title><author><name>nestlab</name></author>\n");
	while ((ret = database_row(db, s, err)) == 1) {
		if (!strstr(out.buf, "<updated>"))
			markup_element(&out, "updated", "%s", database_column(s, 2));
		add_entry(&out, s);
	}
	if (!strstr(out.buf, "<updated>"))
		strbuf_addstr(&out, "<updated>1970-01-01T00:00:00Z</updated>");
	strbuf_addstr(&out, "</feed>\n");
	if (!ret)
		return exchange_answer_text(x, "application/atom+xml", &out);
	strbuf_release(&out);
	return ret;
}

/* ---- what pages load ---- */

/* Debian's libjs-dygraphs */
#define DYGRAPH	    "/usr/share/javascript/dygraphs/dygraph.min.js"
#define DYGRAPH_MAX ((size_t)1 << 20)

API_HANDLER(page_asset)
{
	struct strbuf text = STRBUF_INIT;

	(void)db;
	for (const struct web_asset *a = web_assets; a->path; a++) {
		if (strcmp(a->path, x->path))
			continue;
		strbuf_addstr(&text, a->text);
		x->lasts = true;
		return exchange_answer_text(x, a->type, &text);
	}
	return error_set(err, -ENOENT, "there is nothing here");
}

API_HANDLER(page_dygraph)
{
	struct strbuf text = STRBUF_INIT;

	(void)db;
	if (fs_read_file(DYGRAPH, DYGRAPH_MAX, &text, NULL)) {
		strbuf_release(&text);
		return error_set(err, -ENOENT,
				 DYGRAPH ": not there: install Debian's libjs-dygraphs");
	}
	x->lasts = true;
	return exchange_answer_text(x, "text/javascript; charset=utf-8", &text);
}
