// SPDX-License-Identifier: GPL-2.0-only
/* Pages for people (results/web/web.h), and the Atom feed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/daemon/api.h"
#include "orchestrator/daemon/mail.h"
#include "results/report/markup.h"
#include "results/web/web.h"

#define HTML "text/html; charset=utf-8"

static int answer_page(struct exchange *x, struct strbuf *page)
{
	web_end(page);
	return exchange_answer_text(x, HTML, page);
}

/* All rows as a table. @link: what stands before the first column's text in its link; NULL: none. */
static int add_rows(struct strbuf *page, struct daemon_db *db, sqlite3_stmt *s, const char *link,
		    struct error *err)
{
	int ret, columns = s ? sqlite3_column_count(s) : 0;

	while ((ret = database_row(db, s, err)) == 1) {
		strbuf_addstr(page, "<tr>");
		for (int i = 0; i < columns; i++) {
			const char *text = database_column(s, i);

			if (!i && link)
				web_link_cell(page, link, text, text);
			else
				web_cell(page, text);
		}
		strbuf_addstr(page, "</tr>\n");
	}
	web_end_table(page);
	return ret;
}

static int answer_or_drop(struct exchange *x, struct strbuf *page, int ret)
{
	if (!ret)
		return answer_page(x, page);
	strbuf_release(page);
	return ret;
}

/* ---- tonight ---- */

static int add_changes(struct strbuf *page, struct daemon_db *db, struct error *err)
{
	static const char *const heads[] = {
		"change", "what", "state", "branch", "commit", "subject or reason", "triage", NULL};

	web_begin_table(page, "Changes, newest first", heads);
	return add_rows(
		page, db,
		database_query(
			db,
			"SELECT c.id, (SELECT m.metric || printf(' %+.2f %%', 100 * (coalesce(m.ratio, m.after / "
			"m.before) - 1)) FROM change_metric m WHERE m.change = c.id ORDER BY "
			"abs(coalesce(m.ratio, m.after / m.before) - 1) DESC LIMIT 1), c.state, c.branch, "
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
	return add_rows(
		page, db,
		database_query(
			db,
			"SELECT n.job, n.schedule, n.kernel, n.time, j.state, "
			"coalesce(j.class || ': ' || j.error, j.class) FROM night n JOIN job j ON "
			"j.uid = n.job ORDER BY n.id DESC LIMIT 20",
			""),
		"/jobs/", err);
}

API_HANDLER(page_tonight)
{
	static const char *const heads[] = {"schedule", "next", "what is wrong", NULL};
	struct strbuf page = STRBUF_INIT;
	int ret;

	web_begin(&page, "Tonight");
	ret = add_changes(&page, db, err);
	if (!ret)
		ret = add_nights(&page, db, err);
	if (!ret) {
		web_begin_table(&page, "Schedules", heads);
		ret = add_rows(
			&page, db,
			database_query(
				db,
				"SELECT name, coalesce(datetime(next, 'unixepoch') || ' UTC', "
				"'never'), error FROM schedule ORDER BY name",
				""),
			NULL, err);
	}
	return answer_or_drop(x, &page, ret);
}

/* ---- trends ---- */

/* Nights of one branch, the oldest first; their texts are freed with free_nights(). */
static int load_nights(struct daemon_db *db, int64_t last, struct trend_night *nights, size_t *n,
		       struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT job, kernel FROM (SELECT n.* FROM night n JOIN night l ON l.id = ?1 WHERE n.schedule = "
		"l.schedule AND n.branch = l.branch ORDER BY n.id DESC LIMIT ?2) ORDER BY id",
		"id", last, WEB_NIGHTS_MAX);
	int ret;

	while ((ret = database_row(db, s, err)) == 1)
		nights[(*n)++] = (struct trend_night){.session = xstrdup(database_column(s, 0)),
						      .kernel = xstrdup(database_column(s, 1))};
	return ret;
}

static void free_nights(struct trend_night *nights, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((void *)(uintptr_t)nights[i].session);
		free((void *)(uintptr_t)nights[i].kernel);
	}
}

static int add_trends(struct exchange *x, struct daemon_db *db, int64_t last, struct strbuf *page,
		      struct error *err)
{
	struct trend_night nights[WEB_NIGHTS_MAX];
	struct results_db *results;
	struct trend_list l;
	size_t n = 0;
	int ret = load_nights(db, last, nights, &n, err);

	if (!ret)
		ret = results_open_read(x->service->results, &results, err);
	if (!ret) {
		ret = trend_load(results, nights, n, &l, err);
		results_close(results);
	}
	free_nights(nights, n);
	if (ret)
		return ret;
	web_trends(page, &l);
	trend_free(&l);
	return 0;
}

/* The newest night of each branch. */
API_HANDLER(page_trends)
{
	struct strbuf page = STRBUF_INIT;
	int64_t ids[64];
	char *names[64];
	size_t n = 0;
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT max(id), schedule || ': ' || branch FROM night GROUP BY "
			       "schedule, branch ORDER BY 2 LIMIT 64",
			       "");
	int ret;

	while ((ret = database_row(db, s, err)) == 1) {
		ids[n] = sqlite3_column_int64(s, 0);
		names[n++] = xstrdup(database_column(s, 1));
	}
	web_begin(&page, "Trends");
	for (size_t i = 0; i < n; i++) {
		markup_element(&page, "h2", "%s", names[i]);
		if (!ret)
			ret = add_trends(x, db, ids[i], &page, err);
		free(names[i]);
	}
	return answer_or_drop(x, &page, ret);
}

/* ---- a change ---- */

static int add_change_state(struct strbuf *page, struct daemon_db *db, int64_t id,
			    struct error *err)
{
	static const char *const heads[] = {"state", "opened", "triage", "owner", "note", NULL};

	web_begin_table(page, "State", heads);
	return add_rows(
		page, db,
		database_query(
			db, "SELECT state, opened, triage, owner, note FROM change WHERE id = ?1",
			"i", id),
		NULL, err);
}

API_HANDLER(page_change)
{
	int64_t id = atoll(x->params[0]), known;
	__cleanup_free char *text = NULL, *title = xasprintf("Change %lld", (long long)id);
	struct strbuf page = STRBUF_INIT;
	int ret = database_number(db, 0, &known, err, "SELECT bad FROM change WHERE id = ?1", "i",
				  id);

	if (!ret && !known)
		return error_set(err, -ENOENT, "%s: no such change", x->params[0]);
	if (ret)
		return ret;
	text = mail_text(db, id, err);
	if (!text)
		return err->code;
	web_begin(&page, title);
	ret = add_change_state(&page, db, id, err);
	markup_element(&page, "pre", "%s", text);
	if (!ret)
		ret = add_trends(x, db, known, &page, err);
	return answer_or_drop(x, &page, ret);
}

/* ---- queue and job ---- */

API_HANDLER(page_queue)
{
	static const char *const heads[] = {"job",   "kind",	 "state",     "verdict or trouble",
					    "owner", "priority", "submitted", NULL};
	struct strbuf page = STRBUF_INIT;

	web_begin(&page, "Queue");
	web_begin_table(&page, "Jobs, newest first", heads);
	return answer_or_drop(
		x, &page,
		add_rows(
			&page, db,
			database_query(
				db,
				"SELECT uid, kind, state, coalesce(verdict, class), owner, priority, "
				"submitted FROM job ORDER BY id DESC LIMIT 200",
				""),
			"/jobs/", err));
}

static int add_boots(struct strbuf *page, struct daemon_db *db, const char *uid, struct error *err)
{
	static const char *const heads[] = {"boot", "state", "host", "attempts", "trouble", NULL};

	web_begin_table(page, "Boots", heads);
	return add_rows(
		page, db,
		database_query(
			db,
			"SELECT b.ordinal, b.state, b.host, b.epoch, coalesce(b.error, b.class) "
			"FROM boot b JOIN job j ON j.id = b.job WHERE j.uid = ?1 ORDER BY b.ordinal",
			"t", uid),
		NULL, err);
}

API_HANDLER(page_job)
{
	struct strbuf page = STRBUF_INIT;
	sqlite3_stmt *s = database_query(
		db,
		"SELECT uid, kind || ' job, ' || state || coalesce(': ' || verdict, "
		"'') || coalesce(': ' || class, '') || coalesce(': ' || error, ''), request "
		"FROM job WHERE uid = ?1",
		"t", x->params[0]);
	int ret = database_row(db, s, err);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such job", x->params[0]);
	if (ret < 0)
		return ret;
	web_begin(&page, database_column(s, 0));
	markup_element(&page, "p", "%s", database_column(s, 1));
	markup_element(&page, "pre", "%s", database_column(s, 2));
	strbuf_addstr(&page, "<p><a");
	markup_attribute(&page, "href", "/v1/jobs/%s/log", database_column(s, 0));
	strbuf_addstr(&page, ">its log</a></p>");
	sqlite3_reset(s);
	return answer_or_drop(x, &page, add_boots(&page, db, x->params[0], err));
}

/* ---- the rest ---- */

API_HANDLER(page_style)
{
	struct strbuf text = STRBUF_INIT;

	(void)db;
	(void)err;
	strbuf_addstr(&text, web_style);
	return exchange_answer_text(x, "text/css", &text);
}

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
