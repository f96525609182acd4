// SPDX-License-Identifier: GPL-2.0-only
/* The page of one metric, and comparisons. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/daemon/pages/page.h"
#include "results/report/markup.h"
#include "results/report/formats.h"
#include "results/report/words.h"

/* ---- metric ---- */

static const struct trend_series *find_series(const struct trend_list *l, const char *name)
{
	char own[WEB_SERIES_NAME];

	for (size_t i = 0; i < l->count; i++) {
		web_series_name(&l->items[i], own);
		if (!strcmp(own, name))
			return &l->items[i];
	}
	return NULL;
}

static void add_mark(const struct page_nights *n, sqlite3_stmt *s, struct web_mark *marks,
		     size_t *count)
{
	int64_t bad = sqlite3_column_int64(s, 1);

	for (size_t i = 0; i < n->count; i++)
		if (n->ids[i] == bad)
			marks[(*count)++] = (struct web_mark){
				.night = i,
				.text = xasprintf("change %s: %s", database_column(s, 0),
						  database_column(s, 2)),
				.link = xasprintf("/changes/%s", database_column(s, 0)),
			};
}

/* Changes of this series; what was noise is none. */
static int load_marks(struct daemon_db *db, const struct page_nights *n,
		      const struct trend_series *series, struct web_mark *marks, size_t *count,
		      struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT c.id, c.bad, c.state FROM change c JOIN night l ON l.id = ?1 JOIN change_metric m ON "
		"m.change = c.id WHERE c.schedule = l.schedule AND c.branch = l.branch AND c.environment = ?2 "
		"AND m.scenario = ?3 AND m.params = ?4 AND m.metric = ?5 AND c.state NOT IN ('noise', "
		"'inconclusive') ORDER BY c.bad DESC LIMIT ?6",
		"itttti", n->first, series->environment, series->scenario, series->params,
		series->metric, (int64_t)WEB_NIGHTS_MAX);
	int ret;

	*count = 0;
	while ((ret = database_row(db, s, err)) == 1)
		add_mark(n, s, marks, count);
	return ret;
}

static void free_marks(struct web_mark *marks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((void *)(uintptr_t)marks[i].text);
		free((void *)(uintptr_t)marks[i].link);
	}
}

static int draw_metric(struct exchange *x, struct daemon_db *db, const struct page_nights *n,
		       const struct trend_series *s, struct strbuf *page, struct error *err)
{
	static const char *const scripts[] = {"/dygraph.js", "/metric.js", NULL};
	__cleanup_free char *title = xasprintf("%s %s", s->scenario, s->metric);
	__cleanup_free char *params = words_params(NULL, NULL, s->params);
	struct web_mark marks[WEB_NIGHTS_MAX];
	size_t count;
	int ret = load_marks(db, n, s, marks, &count, err);

	page_begin(x, page, &(struct web_head){.title = title, .scripts = scripts});
	strbuf_addstr(page, "<dl>");
	page_add_fact(page, "parameters", params);
	page_add_fact(page, "environment", s->environment);
	strbuf_addstr(page, "</dl>\n");
	web_metric(page, s, n->told, marks, count);
	free_marks(marks, count);
	return ret;
}

API_HANDLER(page_metric)
{
	struct trend_list l = {0};
	const struct trend_series *s = NULL;
	struct strbuf page = STRBUF_INIT;
	struct page_nights n;
	int ret = page_nights_load(db, atoll(x->params[0]), &n, err);

	if (!ret && n.count)
		ret = page_nights_trends(x, &n, &l, err);
	if (!ret)
		s = find_series(&l, x->params[1]);
	if (!ret && !s)
		ret = error_set(err, -ENOENT,
				"%s: no series of that name among the last %d nights of its branch",
				x->params[1], WEB_NIGHTS_MAX);
	if (!ret)
		ret = draw_metric(x, db, &n, s, &page, err);
	trend_free(&l);
	page_nights_free(&n);
	return page_answer(x, &page, ret);
}

/* ---- comparison ---- */

static int load_comparison(struct exchange *x, struct report *r, struct error *err)
{
	const char *base = exchange_query(x, "base"), *new = exchange_query(x, "new");
	const struct results_filter filter = {.session = exchange_query(x, "session")};
	struct results_db *results;
	int ret;

	if (!base || !new)
		return error_set(err, -EINVAL, "?base= and ?new=: expected names of kernels");
	if (!strcmp(base, new))
		return error_set(err, -EINVAL,
				 "%s: the same kernel twice: pick nights of two kernels", base);
	ret = results_open_read(x->service->results, &results, err);
	if (ret)
		return ret;
	ret = report_load(results, base, new, &filter, r, err);
	results_close(results);
	return ret;
}

/* The report as it is written into a file has its own style sheet in it; no script runs there. */
API_HANDLER(page_comparison)
{
	const struct report_options how = {.db = x->service->results};
	struct strbuf page = STRBUF_INIT;
	struct report r;
	int ret = load_comparison(x, &r, err);

	(void)db;
	if (ret == -ENODATA || ret == -ENOTUNIQ || ret == -EXDEV) {
		err->code = -ENOENT;
		return -ENOENT;
	}
	if (ret)
		return ret;
	html_render(&r, &how, &page);
	report_free(&r);
	report_html_policy(x->policy, sizeof(x->policy));
	return exchange_answer_text(x, "text/html; charset=utf-8", &page);
}
