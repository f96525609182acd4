// SPDX-License-Identifier: GPL-2.0-only
/* Pages of all jobs: Queue, Submit, Hosts, Sign-offs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/pages/page.h"
#include "results/report/markup.h"

/* ---- queue ---- */

static int add_counts(struct strbuf *page, struct daemon_db *db, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT state || ': ' || count(*) FROM job WHERE ended IS NULL GROUP BY state ORDER BY state",
		"");
	const char *between = "<p>";
	int ret;

	while ((ret = database_row(db, s, err)) == 1) {
		strbuf_addstr(page, between);
		markup_add(page, database_column(s, 0));
		between = ", ";
	}
	if (strcmp(between, "<p>"))
		strbuf_addstr(page, "</p>\n");
	else
		strbuf_addstr(page, "<p>Nothing waits and nothing runs.</p>\n");
	return ret;
}

API_HANDLER(page_queue)
{
	static const char *const heads[] = {"job",   "kind",	 "state",     "verdict", "trouble",
					    "owner", "priority", "submitted", NULL};
	struct strbuf page = STRBUF_INIT;
	int ret;

	page_begin(x, &page, &(struct web_head){.title = "Queue", .at = "/queue"});
	strbuf_addstr(&page, "<p><a href=\"/submit\">Submit a job</a></p>");
	ret = add_counts(&page, db, err);
	web_begin_table(&page, "Jobs, newest first", heads);
	if (!ret)
		ret = page_add_rows(
			&page, db,
			database_query(db,
				       "SELECT uid, kind, state, verdict, class, owner, priority, "
				       "submitted FROM job ORDER BY id DESC LIMIT 200",
				       ""),
			"/jobs/", err);
	return page_answer(x, &page, ret);
}

/* ---- submit ---- */

API_HANDLER(page_submit)
{
	static const struct web_field fields[] = {
		{"scenarios", "Scenarios", "quick", "text", "Names, with blanks between."},
		{"kernels", "Kernels", "baseline nested-context", "text",
		 "Names of variants, the one to compare with first."},
		{"boots", "Boots of each", "4", "number", NULL},
		{"priority", "Priority", "50", "number", "0 to 100: what is higher runs first."},
	};
	struct strbuf page = STRBUF_INIT;

	(void)db;
	(void)err;
	page_begin(x, &page, &(struct web_head){.title = "Submit a job"});
	if (!page_may(x, PAGE_SUBMITTERS)) {
		strbuf_addstr(
			&page,
			"<p>For that a browser has to be <a href=\"/login\">logged in</a> with a "
			"submitter's token; <code>nestlab submit</code> does it too.</p>");
		return page_answer(x, &page, 0);
	}
	page_begin_form(x, &page, "/submit");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		web_field(&page, &fields[i]);
	web_button(&page, "Submit");
	strbuf_addstr(&page, "</form>\n");
	return page_answer(x, &page, 0);
}

static struct json_object *list_words(const char *text)
{
	struct json_object *list = json_object_new_array();
	__cleanup_free char *copy = xstrdup(text ? text : "");
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ,")))
		if (*word)
			json_object_array_add(list, json_object_new_string(word));
	return list;
}

/* A number as text that is none stays text: the check of the request says what is wrong with it. */
static void add_number(struct json_object *obj, const char *key, const char *text)
{
	char *end;
	long long value;

	if (!text)
		return;
	value = strtoll(text, &end, 10);
	if (*end)
		json_add_string(obj, key, text);
	else
		json_object_object_add(obj, key, json_object_new_int64(value));
}

API_HANDLER(page_submit_send)
{
	struct json_object *body = json_object_new_object(), *request = json_object_new_object();
	char path[sizeof(x->location)];
	int ret;

	json_add_string(request, "request", "run");
	json_object_object_add(request, "scenarios", list_words(form_value(&x->form, "scenarios")));
	json_object_object_add(request, "kernels", list_words(form_value(&x->form, "kernels")));
	add_number(request, "boots", form_value(&x->form, "boots"));
	json_object_object_add(body, "request", request);
	add_number(body, "priority", form_value(&x->form, "priority"));
	ret = api_submit(x, db, body, err);
	json_object_put(body);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/jobs/%s",
		 json_object_get_string(json_object_object_get(x->json, "uid")));
	return exchange_go_on(x, path);
}

/* ---- hosts ---- */

API_HANDLER(page_hosts)
{
	static const char *const heads[] = {
		"host", "state", "why",	   "reserved for",   "boots now",	"failed in a row",
		"pool", "tags",	 "serves", "asked for work", "last health job", NULL};
	struct strbuf page = STRBUF_INIT;
	int ret;

	page_begin(x, &page, &(struct web_head){.title = "Hosts", .at = "/hosts"});
	web_begin_table(&page, "Hosts, by name", heads);
	ret = page_add_rows(
		&page, db,
		database_query(
			db,
			"SELECT name, state, reason, reserved_by, (SELECT group_concat(uid || ' (attempt ' || epoch || ')', "
			"', ') FROM boot WHERE host = h.name AND state IN ('leased', 'running')), infra_in_row, pool, "
			"(SELECT group_concat(value, ', ') FROM json_each(tags)), (SELECT group_concat(value, ', ') FROM "
			"json_each(serves)), seen, coalesce(last_health, '') || coalesce(': ' || (SELECT state || "
			"coalesce(' ' || class, '') FROM job WHERE uid = h.health_job), '') FROM host h ORDER BY name",
			""),
		NULL, err);
	strbuf_addstr(
		&page,
		"<p>A host is quarantined after failures of the infrastructure in a row, and is up again "
		"after a good health job. <code>nestlab reserve</code> and <code>nestlab quarantine</code> change "
		"what is here.</p>");
	return page_answer(x, &page, ret);
}

/* ---- sign-offs ---- */

API_HANDLER(page_signoffs)
{
	static const char *const heads[] = {"job",    "verdict", "state", "kernel",  "against",
					    "policy", "owner",	 "ended", "trouble", NULL};
	struct strbuf page = STRBUF_INIT;
	int ret;

	page_begin(x, &page, &(struct web_head){.title = "Sign-offs", .at = "/signoffs"});
	web_begin_table(&page, "Sign-offs, newest first", heads);
	ret = page_add_rows(
		&page, db,
		database_query(
			db,
			"SELECT uid, CASE WHEN state = 'done' THEN CASE status WHEN 0 THEN 'PASS' WHEN 1 THEN 'FAIL' ELSE "
			"'BLOCKED' END END AS verdict, state, json_extract(request, '$.new'), json_extract(request, "
			"'$.base'), json_extract(request, '$.policy'), owner, ended, coalesce(error, class) FROM job WHERE "
			"kind = 'signoff' ORDER BY id DESC LIMIT 200",
			""),
		"/signoffs/", err);
	strbuf_addstr(&page, "<p><code>nestlab submit</code> takes a sign-off as any other request "
			     "(docs/reports.md).</p>");
	return page_answer(x, &page, ret);
}
