// SPDX-License-Identifier: GPL-2.0-only
/* Pages of lists that are watched: what became of each thread, and of one series with its answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/pages/page.h"
#include "results/report/markup.h"

#define OPERATORS   (SCOPE_OPERATOR | SCOPE_ADMIN) /* api/route.c has the same */
#define ROWS	    100
#define CHOICES_MAX 66
#define WHY_SHOWN   "120"

/* ---- the filter ---- */

/* Which outcomes and answers each has. */
static const struct what {
	const char *value, *text, *words;
} whats[] = {
	{"drafts", "drafts to read", ",draft,"},
	{"measured", "measured", ",measured,"},
	{"regressed", "measured: regressed", ",regressed,"},
	{"improved", "measured: improved", ",improved,"},
	{"unapplied", "does not apply", ",unapplied,"},
	{"broken", "does not build", ",broken,"},
	{"waiting", "waits", ",new,queued,"},
	{"failed", "the lab failed", ",failed,"},
	{"passed", "of no interest here", ",passed,talk,superseded,"},
	{"refused", "refused or incomplete", ",refused,incomplete,"},
};

static const char *words_of(const char *what)
{
	for (size_t i = 0; what && i < ARRAY_SIZE(whats); i++)
		if (!strcmp(whats[i].value, what))
			return whats[i].words;
	return NULL;
}

static int add_list_choice(const struct exchange *x, struct daemon_db *db, struct strbuf *page,
			   struct error *err)
{
	sqlite3_stmt *s = database_query(
		db, "SELECT DISTINCT schedule FROM list_thread ORDER BY schedule LIMIT ?1", "d",
		CHOICES_MAX - 2);
	struct web_choice choices[CHOICES_MAX] = {{"", "all"}};
	size_t n = 1;
	int ret;

	while ((ret = database_row(db, s, err)) == 1) {
		char *name = xstrdup(database_column(s, 0));

		choices[n++] = (struct web_choice){name, name};
	}
	web_select(page, "list", "List", exchange_query(x, "list"), choices);
	for (size_t i = 1; i < n; i++)
		free((void *)(uintptr_t)choices[i].value);
	return ret;
}

static int add_filter(const struct exchange *x, struct daemon_db *db, struct strbuf *page,
		      struct error *err)
{
	struct web_choice choices[ARRAY_SIZE(whats) + 2] = {{"", "all"}};
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(whats); i++)
		choices[i + 1] = (struct web_choice){whats[i].value, whats[i].text};
	web_begin_filter(page, "/lists");
	ret = add_list_choice(x, db, page, err);
	web_select(page, "what", "What became of it", exchange_query(x, "what"), choices);
	web_field(page, &(struct web_field){.name = "text",
					    .label = "Subject or author has",
					    .type = "text",
					    .value = exchange_query(x, "text")});
	web_button(page, "Show");
	strbuf_addstr(page, "</form>\n");
	return ret;
}

/* ---- the rows ---- */

enum column { KIND, ID, TIME, LIST, SUBJECT, AUTHOR, OUTCOME, WHY, ANSWER };

/* A mail that was refused has no thread; one of talk has no series. Texts are cut: a header may be 64 KiB. */
static const char of_rows[] =
	"SELECT kind, id, time, schedule, substr(subject, 1, 200), substr(author, 1, 100), coalesce(verdict, state), "
	"substr(why, 1, " WHY_SHOWN ") || CASE WHEN length(why) > " WHY_SHOWN
	" THEN ' ...' ELSE '' END, answer FROM ("
	"SELECT 3 AS kind, l.id AS id, l.found AS time, l.schedule AS schedule, l.subject AS subject, l.author AS "
	"author, l.state AS state, l.verdict AS verdict, l.why AS why, CASE WHEN o.sent IS NOT NULL THEN 'sent' "
	"WHEN o.error IS NOT NULL THEN o.error WHEN o.held THEN 'draft' WHEN o.id IS NOT NULL THEN 'leaves' END AS "
	"answer FROM list_series l LEFT JOIN outbox o ON o.series = l.id AND o.kind = 'mail' UNION ALL "
	"SELECT 2, id, began, schedule, subject, NULL, state, NULL, why, NULL FROM list_thread WHERE state IN "
	"('talk', 'incomplete') UNION ALL "
	"SELECT 1, id, received, schedule, subject, NULL, 'refused', NULL, refused, NULL FROM list_mail WHERE "
	"refused IS NOT NULL) WHERE (?1 IS NULL OR schedule = ?1) AND (?2 IS NULL OR instr(?2, ',' || state || ',') OR "
	"instr(?2, ',' || verdict || ',') OR instr(?2, ',' || answer || ',')) AND (?3 IS NULL OR instr(lower(subject), "
	"lower(?3)) OR instr(lower(author), lower(?3))) AND (?4 IS NULL OR time < ?4 OR time = ?4 AND kind * "
	"1000000000000 + id < ?5) ORDER BY time DESC, kind DESC, id DESC LIMIT ?6";

/* Where the next page begins: behind this row. */
struct place {
	char *time;
	int64_t key;
};

/* "2026-11-30T01:00:00Z" to the minute. */
static void add_time(struct strbuf *page, const char *time)
{
	strbuf_addstr(page, "<td class=\"id\">");
	if (strlen(time) > 16)
		strbuf_addf(page, "%.10s %.5s", time, time + 11);
	else
		markup_add(page, time);
	strbuf_addstr(page, "</td>");
}

/* It may take several lines, which a name's cell does not. */
static void add_subject(struct strbuf *page, sqlite3_stmt *s)
{
	if (sqlite3_column_int(s, KIND) != 3) {
		web_cell(page, database_column(s, SUBJECT));
		return;
	}
	strbuf_addf(page, "<td><a href=\"/lists/%lld\">", (long long)sqlite3_column_int64(s, ID));
	markup_add(page, database_column(s, SUBJECT));
	strbuf_addstr(page, "</a></td>");
}

/* What a phone shows without scrolling comes first. */
static void add_row(struct strbuf *page, sqlite3_stmt *s)
{
	const char *answer = database_column(s, ANSWER);

	strbuf_addstr(page, "<tr>");
	add_time(page, database_column(s, TIME));
	web_state_cell(page, database_column(s, OUTCOME));
	if (answer && !strcmp(answer, "draft"))
		web_link_cell(page, "/lists/", database_column(s, ID), "draft");
	else
		web_cell(page, answer);
	add_subject(page, s);
	web_cell(page, database_column(s, AUTHOR));
	web_cell(page, database_column(s, LIST));
	web_cell(page, database_column(s, WHY));
	strbuf_addstr(page, "</tr>\n");
}

static int add_rows(struct strbuf *page, struct daemon_db *db, sqlite3_stmt *s, struct place *last,
		    bool *more, struct error *err)
{
	static const char *const heads[] = {"found",  "outcome", "answer", "subject",
					    "author", "list",	 "why",	   NULL};
	int ret, n = 0;

	web_begin_table(page, "Threads, newest first", heads);
	*more = false;
	while ((ret = database_row(db, s, err)) == 1) {
		*more = n++ == ROWS;
		if (*more) {
			sqlite3_reset(s);
			ret = 0;
			break;
		}
		add_row(page, s);
		free(last->time);
		last->time = xstrdup(database_column(s, TIME));
		last->key = sqlite3_column_int(s, KIND) * INT64_C(1000000000000) +
			    sqlite3_column_int64(s, ID);
	}
	web_end_table(page);
	if (!n)
		strbuf_addstr(page, "<p>Nothing is like that.</p>\n");
	return ret;
}

static void add_older(const struct exchange *x, struct strbuf *page, const struct place *last)
{
	static const char *const names[] = {"list", "what", "text"};
	__cleanup_free char *time = client_escape(last->time);

	strbuf_addf(page, "<p><a href=\"/lists?before=%s&amp;key=%lld", time, (long long)last->key);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		__cleanup_free char *value = client_escape(
			exchange_query(x, names[i]) ? exchange_query(x, names[i]) : "");

		strbuf_addf(page, "&amp;%s=%s", names[i], value);
	}
	strbuf_addstr(page, "\">Older ones</a></p>\n");
}

API_HANDLER(page_lists)
{
	const char *words = words_of(exchange_query(x, "what"));
	struct strbuf page = STRBUF_INIT;
	struct place last = {0};
	int64_t key;
	bool more;
	int ret = exchange_query_int(x, "key", 0, 0, INT64_MAX, &key, err);

	if (ret)
		return ret;
	page_begin(x, &page, &(struct web_head){.title = "Lists", .at = "/lists"});
	ret = add_filter(x, db, &page, err);
	if (!ret)
		ret = add_rows(&page, db,
			       database_query(db, of_rows,
					      "tttt"
					      "id",
					      exchange_query(x, "list"), words,
					      exchange_query(x, "text"),
					      exchange_query(x, "before"), key, ROWS + 1),
			       &last, &more, err);
	if (!ret && more)
		add_older(x, &page, &last);
	free(last.time);
	return page_answer(x, &page, ret);
}

/* ---- one series ---- */

enum fact {
	S_SUBJECT, /* of the page's title, and no line */
	S_MAIL,
	S_DRAFT,
	S_JOB,
	S_BASE,
	S_KERNEL,
	S_SCHEDULE,
	S_KIN,
	S_FACTS /* the others, each under its column's name */
};

static const char of_series[] =
	"SELECT l.subject, o.payload, o.held = 1 AND o.error IS NULL AND o.sent IS NULL, l.job, l.base, l.kernel, "
	"l.schedule, l.kin, coalesce(l.state || ': ' || l.verdict, l.state) AS 'what became of it', l.why AS why, CASE "
	"WHEN o.sent IS NOT NULL THEN 'sent ' || o.sent WHEN o.error IS NOT NULL THEN 'not sent: ' || o.error WHEN "
	"o.held THEN 'a draft, which waits for somebody to send it' WHEN o.id IS NOT NULL THEN 'leaves' END AS answer, "
	"l.schedule AS list, l.author || ' <' || l.email || '>' AS author, l.message_id AS 'message id', l.date AS "
	"date, l.found AS found, l.changed AS changed, l.base || ' (' || l.base_branch || ')' AS base, l.kernel AS "
	"kernel FROM list_series l LEFT JOIN outbox o ON o.series = l.id AND o.kind = 'mail' WHERE l.id = ?1";

static void add_links(struct strbuf *page, sqlite3_stmt *s)
{
	const char *job = database_column(s, S_JOB), *base = database_column(s, S_BASE);

	if (!job)
		return;
	strbuf_addstr(page, "<dt>job</dt><dd><a");
	markup_attribute(page, "href", "/jobs/%s", job);
	strbuf_addch(page, '>');
	markup_add(page, job);
	strbuf_addstr(page, "</a></dd>\n");
	if (!base || !database_column(s, S_KERNEL))
		return;
	strbuf_addstr(page, "<dt>comparison</dt><dd>");
	page_add_comparison(page, base, database_column(s, S_KERNEL), job, "of its boots");
	strbuf_addstr(page, "</dd>\n");
}

/* The lines end as in a mail. */
static void add_mail(struct strbuf *page, const char *payload)
{
	struct strbuf text = STRBUF_INIT;

	if (!payload)
		return;
	for (const char *c = payload; *c; c++)
		if (*c != '\r')
			strbuf_addch(&text, *c);
	strbuf_addstr(page, "<h2>The answer, as it is mailed</h2>");
	markup_element(page, "pre", "%s", text.buf);
	strbuf_release(&text);
}

static void add_send(const struct exchange *x, struct strbuf *page, sqlite3_stmt *s)
{
	__cleanup_free char *path = xasprintf("/lists/%s/send", x->params[0]);

	if (!sqlite3_column_int(s, S_DRAFT))
		return;
	if (page_may(x, OPERATORS))
		page_add_button(x, page, path, "Send the answer");
	else
		strbuf_addstr(
			page,
			"<p>Who is <a href=\"/login\">logged in</a> as an operator can send "
			"it here; <code>nestlab schedule answer --send</code> does it too.</p>");
}

static int add_versions(struct strbuf *page, struct daemon_db *db, const char *schedule,
			const char *kin, struct error *err)
{
	static const char *const heads[] = {"series", "version",	   "subject",
					    "found",  "what became of it", NULL};

	web_begin_table(page, "All versions of it", heads);
	return page_add_rows(
		page, db,
		database_query(db,
			       "SELECT id, 'v' || version, subject, found, coalesce(verdict, "
			       "state) AS state FROM list_series WHERE schedule = ?1 AND "
			       "kin = ?2 ORDER BY id DESC LIMIT 100",
			       "tt", schedule, kin),
		"/lists/", err);
}

static int add_patches(struct strbuf *page, struct daemon_db *db, int64_t id, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT json_extract(p.value, '$.title') FROM list_series l, json_each(l.patches) p WHERE l.id = ?1",
		"i", id);
	int ret;

	strbuf_addstr(page, "<h2>Its patches</h2><ol>");
	while ((ret = database_row(db, s, err)) == 1)
		markup_element(page, "li", "%s", database_column(s, 0));
	strbuf_addstr(page, "</ol>\n");
	return ret;
}

API_HANDLER(page_series)
{
	int64_t id = atoll(x->params[0]);
	sqlite3_stmt *s = database_query(db, of_series, "i", id);
	__cleanup_free char *schedule = NULL, *kin = NULL;
	struct strbuf page = STRBUF_INIT;
	int ret = database_row(db, s, err);

	if (!ret)
		return error_set(err, -ENOENT, "%s: no such series", x->params[0]);
	if (ret < 0)
		return ret;
	page_begin(x, &page, &(struct web_head){.title = database_column(s, S_SUBJECT)});
	strbuf_addstr(&page, "<dl>");
	for (int i = S_FACTS; i < sqlite3_column_count(s); i++)
		page_add_fact(&page, sqlite3_column_name(s, i), database_column(s, i));
	add_links(&page, s);
	strbuf_addstr(&page, "</dl>\n");
	add_mail(&page, database_column(s, S_MAIL));
	add_send(x, &page, s);
	schedule = xstrdup(database_column(s, S_SCHEDULE));
	kin = xstrdup(database_column(s, S_KIN));
	sqlite3_reset(s);
	ret = add_patches(&page, db, id, err);
	if (!ret)
		ret = add_versions(&page, db, schedule, kin, err);
	return page_answer(x, &page, ret);
}

API_HANDLER(page_series_send)
{
	__cleanup_free char *path = xasprintf("/lists/%lld", atoll(x->params[0]));
	int ret = api_send_series(x, db, atoll(x->params[0]), err);

	if (ret)
		return ret;
	return exchange_go_on(x, path);
}
