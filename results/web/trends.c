// SPDX-License-Identifier: GPL-2.0-only
#include "results/web/web.h"

#include <math.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "results/report/markup.h"
#include "results/report/words.h"

#define WIDTH  180
#define HEIGHT 24
#define SPAN   0.01 /* the scale's least, relative */

/* What is drawn of a series: its newest points. */
struct shown {
	const struct trend_series *s;
	size_t from;
	double move; /* logarithm of the last point by the mean of those before */
};

static double mean_of(const struct trend_series *s, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += s->points[i].median / (to - from);
	return sum;
}

static struct shown show_series(const struct trend_series *s)
{
	struct shown out = {.s = s};

	if (s->count > WEB_NIGHTS_MAX)
		out.from = s->count - WEB_NIGHTS_MAX;
	if (s->count - out.from > 1)
		out.move = log(s->points[s->count - 1].median / mean_of(s, out.from, s->count - 1));
	return out;
}

static int compare_shown(const void *a, const void *b)
{
	double x = fabs(((const struct shown *)a)->move), y = fabs(((const struct shown *)b)->move);

	return (x < y) - (x > y);
}

static void find_range(const struct shown *v, double *low, double *high)
{
	double middle, least;

	*low = *high = v->s->points[v->from].median;
	for (size_t i = v->from; i < v->s->count; i++) {
		*low = fmin(*low, v->s->points[i].median);
		*high = fmax(*high, v->s->points[i].median);
	}
	middle = (*low + *high) / 2;
	least = middle * SPAN / 2;
	if (*high - *low >= 2 * least)
		return;
	*low = middle - least;
	*high = middle + least;
}

static void add_sparkline(struct strbuf *out, const struct shown *v)
{
	size_t n = v->s->count - v->from;
	double low, high;

	find_range(v, &low, &high);
	strbuf_addf(
		out,
		"<td><svg class=\"spark\" viewBox=\"-2 -2 %d %d\" role=\"img\" aria-label=\"%zu nights\"><path d=\"M",
		WIDTH + 4, HEIGHT + 4, n);
	for (size_t i = 0; i < n; i++) {
		double x = n > 1 ? (double)i * WIDTH / (n - 1) : WIDTH;
		double y = HEIGHT * (high - v->s->points[v->from + i].median) / (high - low);

		strbuf_addf(out, "%.0f %.1f ", x, y);
	}
	strbuf_addstr(out, "\"/></svg></td>");
}

static void add_row(struct strbuf *out, const struct shown *v, const char *folder)
{
	char name[WEB_SERIES_NAME];
	__cleanup_free char *move = xasprintf("%+.2f %%", expm1(v->move) * 100);
	__cleanup_free char *last =
		xasprintf("%.6g %s", v->s->points[v->s->count - 1].median, v->s->unit);

	__cleanup_free char *params = words_params(NULL, NULL, v->s->params);

	web_series_name(v->s, name);
	strbuf_addf(out, "<tr><th scope=\"row\"><a href=\"%s%s\">", folder, name);
	markup_add(out, v->s->scenario);
	strbuf_addstr(out, " ");
	markup_add(out, v->s->metric);
	strbuf_addstr(out, "</a><small>");
	markup_add(out, params);
	strbuf_addstr(out, "</small></th>");
	web_cell(out, move);
	add_sparkline(out, v);
	web_cell(out, last);
	strbuf_addstr(out, "</tr>\n");
}

void web_trends(struct strbuf *out, const struct trend_list *l, const char *folder)
{
	/* what a phone shows without scrolling comes first */
	static const char *const heads[] = {"metric", "against before", "nights", "last", NULL};
	struct shown *all = xcalloc(l->count + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].count)
			all[n++] = show_series(&l->items[i]);
	if (n)
		qsort(all, n, sizeof(*all), compare_shown);
	web_begin_table(
		out,
		"Medians of the nights, those that moved most first; a scale spans at least 1 %",
		heads);
	for (size_t i = 0; i < n; i++)
		add_row(out, &all[i], folder);
	web_end_table(out);
	free(all);
}
