// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/pages/page.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/http/session.h"
#include "results/report/markup.h"
#include "results/report/words.h"

#define HTML "text/html; charset=utf-8"

void page_begin(const struct exchange *x, struct strbuf *page, const struct web_head *head)
{
	struct web_head whole = *head;
	char key[SHA256_HEX];

	if (x->session[0]) {
		session_form_key(x->session, "/logout", key);
		whole.who = x->who.owner;
		whole.logout_key = key;
	}
	web_begin(page, &whole);
}

int page_answer(struct exchange *x, struct strbuf *page, int ret)
{
	if (ret < 0) {
		strbuf_release(page);
		return ret;
	}
	web_end(page);
	return exchange_answer_text(x, HTML, page);
}

static void add_value(struct strbuf *page, sqlite3_stmt *s, int i, const char *link)
{
	const char *name = sqlite3_column_name(s, i), *text = database_column(s, i);

	if (!strcmp(name, "params")) {
		__cleanup_free char *params = words_params(NULL, NULL, text ? text : "{}");

		web_cell(page, params);
		return;
	}
	if (!i && link)
		web_link_cell(page, link, text, text);
	else if (!strcmp(name, "state") || !strcmp(name, "verdict"))
		web_state_cell(page, text);
	else
		web_cell(page, text);
}

int page_add_rows(struct strbuf *page, struct daemon_db *db, sqlite3_stmt *s, const char *link,
		  struct error *err)
{
	int ret, columns = s ? sqlite3_column_count(s) : 0;

	while ((ret = database_row(db, s, err)) == 1) {
		strbuf_addstr(page, "<tr>");
		for (int i = 0; i < columns; i++)
			add_value(page, s, i, link);
		strbuf_addstr(page, "</tr>\n");
	}
	web_end_table(page);
	return ret;
}

/* ---- forms ---- */

bool page_may(const struct exchange *x, unsigned int scopes)
{
	return x->session[0] && (x->who.scope & scopes);
}

void page_begin_form(const struct exchange *x, struct strbuf *page, const char *path)
{
	char key[SHA256_HEX];

	session_form_key(x->session, path, key);
	web_begin_form(page, path, key);
}

void page_add_button(const struct exchange *x, struct strbuf *page, const char *path,
		     const char *text)
{
	page_begin_form(x, page, path);
	web_button(page, text);
	strbuf_addstr(page, "</form>");
}

void page_add_fact(struct strbuf *page, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	markup_element(page, "dt", "%s", name);
	markup_element(page, "dd", "%s", value);
	strbuf_addch(page, '\n');
}

void page_add_comparison(struct strbuf *page, const char *base, const char *new,
			 const char *session, const char *text)
{
	__cleanup_free char *from = client_escape(base), *to = client_escape(new);

	strbuf_addf(page, "<a href=\"/comparison?base=%s&amp;new=%s", from, to);
	if (session) {
		__cleanup_free char *in = client_escape(session);

		strbuf_addf(page, "&amp;session=%s", in);
	}
	strbuf_addstr(page, "\">");
	markup_add(page, text);
	strbuf_addstr(page, "</a>");
}

/* ---- nights ---- */

static void add_night(struct page_nights *out, sqlite3_stmt *s)
{
	size_t i = out->count++;

	out->ids[i] = sqlite3_column_int64(s, 0);
	out->told[i] = (struct web_night){.job = xstrdup(database_column(s, 1)),
					  .kernel = xstrdup(database_column(s, 2)),
					  .time = xstrdup(database_column(s, 3))};
	out->nights[i] =
		(struct trend_night){.session = out->told[i].job, .kernel = out->told[i].kernel};
	out->first = sqlite3_column_int64(s, 4);
}

int page_nights_load(struct daemon_db *db, int64_t night, struct page_nights *out,
		     struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT id, job, kernel, time, first FROM (SELECT n.*, min(n.id) OVER () AS first FROM night n "
		"JOIN night l ON l.id = ?1 WHERE n.schedule = l.schedule AND n.branch = l.branch ORDER BY n.id "
		"DESC LIMIT ?2) ORDER BY id",
		"id", night, WEB_NIGHTS_MAX);
	int ret;

	out->count = 0;
	out->first = 0;
	while ((ret = database_row(db, s, err)) == 1)
		add_night(out, s);
	return ret;
}

void page_nights_free(struct page_nights *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free((void *)(uintptr_t)n->told[i].job);
		free((void *)(uintptr_t)n->told[i].kernel);
		free((void *)(uintptr_t)n->told[i].time);
	}
}

int page_nights_trends(const struct exchange *x, const struct page_nights *n, struct trend_list *l,
		       struct error *err)
{
	struct results_db *results;
	int ret = results_open_read(x->service->results, &results, err);

	if (ret)
		return ret;
	ret = trend_load(results, n->nights, n->count, l, err);
	results_close(results);
	return ret;
}

int page_add_trends(struct exchange *x, struct daemon_db *db, int64_t night, struct strbuf *page,
		    struct error *err)
{
	struct page_nights n;
	struct trend_list l;
	int ret = page_nights_load(db, night, &n, err);

	if (!ret)
		ret = page_nights_trends(x, &n, &l, err);
	if (!ret) {
		__cleanup_free char *folder = xasprintf("/metric/%lld/", (long long)n.first);

		web_trends(page, &l, folder);
		trend_free(&l);
	}
	page_nights_free(&n);
	return ret;
}
