// SPDX-License-Identifier: GPL-2.0-only
#include "results/web/web.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "results/report/markup.h"
#include "results/report/svg.h"

#define SPAN   0.01 /* the scale's least, relative */
#define MARGIN 0.06 /* above and below, of the range */

void web_series_name(const struct trend_series *s, char name[WEB_SERIES_NAME])
{
	__cleanup_free char *all =
		xasprintf("%s\n%s\n%s\n%s", s->scenario, s->params, s->metric, s->environment);
	char sha256[SHA256_HEX];

	sha256_bytes(all, strlen(all), sha256);
	memcpy(name, sha256, WEB_SERIES_NAME - 1);
	name[WEB_SERIES_NAME - 1] = '\0';
}

/* ---- the plot ---- */

static double low_of(const struct trend_point *p)
{
	return isfinite(p->low) ? p->low : p->median;
}

static double high_of(const struct trend_point *p)
{
	return isfinite(p->high) ? p->high : p->median;
}

static void find_range(const struct trend_series *s, struct svg_axis *y)
{
	double middle, half;

	y->low = INFINITY;
	y->high = -INFINITY;
	for (size_t i = 0; i < s->count; i++) {
		y->low = fmin(y->low, low_of(&s->points[i]));
		y->high = fmax(y->high, high_of(&s->points[i]));
	}
	middle = (y->low + y->high) / 2;
	half = fmax((y->high - y->low) / 2, fabs(middle) * SPAN / 2) * (1 + MARGIN);
	y->low = middle - half;
	y->high = middle + half;
}

/* A night is told by its number: the oldest that is shown is 1. */
static double number_of(const struct trend_point *p)
{
	return (double)p->night + 1;
}

static void add_path(struct svg_chart *c, const struct trend_series *s)
{
	strbuf_addstr(c->out, "<polyline class=\"path\" points=\"");
	for (size_t i = 0; i < s->count; i++)
		strbuf_addf(c->out, "%.1f,%.1f ", svg_x(c, number_of(&s->points[i])),
			    svg_y(c, s->points[i].median));
	strbuf_addstr(c->out, "\"/>\n");
}

static void add_point(struct svg_chart *c, const struct trend_series *s,
		      const struct trend_point *p, const struct web_night *night)
{
	double x = svg_x(c, number_of(p));

	strbuf_addf(c->out,
		    "<path class=\"range\" d=\"M%.1f %.1fV%.1f\"/><circle cx=\"%.1f\" "
		    "cy=\"%.1f\" r=\"4\">",
		    x, svg_y(c, low_of(p)), svg_y(c, high_of(p)), x, svg_y(c, p->median));
	markup_element(c->out, "title", "night %zu, %s: %s, %.6g %s", p->night + 1, night->time,
		       night->kernel, p->median, s->unit);
	strbuf_addstr(c->out, "</circle>\n");
}

/* Between the last good night and the first bad one. */
static void add_mark(struct svg_chart *c, const struct web_mark *m)
{
	double x = svg_x(c, m->night + 0.5);

	strbuf_addf(c->out, "<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/><a", x, c->top,
		    c->height - c->bottom);
	markup_attribute(c->out, "href", "%s", m->link);
	strbuf_addf(c->out, "><text class=\"marked\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
		    x, c->top - 6);
	markup_add(c->out, m->text);
	strbuf_addstr(c->out, "</text></a>\n");
}

static void add_plot(struct strbuf *out, const struct trend_series *s,
		     const struct web_night *nights, const struct web_mark *marks, size_t nmarks)
{
	__cleanup_free char *unit = xasprintf("%s, %s is better", s->unit, s->better);
	__cleanup_free char *desc =
		xasprintf("%zu nights; the table below has the numbers", s->count);
	struct svg_chart c = {.width = 1100, .height = 340, .top = 26};

	c.x = (struct svg_axis){.low = number_of(&s->points[0]),
				.high = number_of(&s->points[s->count - 1]),
				.label = "night"};
	c.y.label = unit;
	find_range(s, &c.y);
	strbuf_addstr(out, "<div class=\"wide\" id=\"plot\" tabindex=\"0\" role=\"region\" "
			   "aria-label=\"Plot\">");
	svg_begin(&c, out, "nights", "Medians of the nights, with 95 % intervals", desc);
	add_path(&c, s);
	for (size_t i = 0; i < nmarks; i++)
		add_mark(&c, &marks[i]);
	for (size_t i = 0; i < s->count; i++)
		add_point(&c, s, &s->points[i], &nights[s->points[i].night]);
	svg_end(&c);
	strbuf_addstr(out, "</div>\n<div id=\"zoom\" hidden></div><p id=\"said\" hidden></p>\n");
}

/* ---- the table ---- */

static void add_pick(struct strbuf *out, const char *side, const char *words,
		     const struct web_night *night, size_t number, bool picked)
{
	strbuf_addf(out, "<td><input type=\"radio\" name=\"%s\"", side);
	markup_attribute(out, "value", "%s", night->kernel);
	markup_attribute(out, "aria-label", "%s night %zu", words, number);
	strbuf_addstr(out, picked ? " checked></td>" : "></td>");
}

static const struct web_mark *find_mark(const struct web_mark *marks, size_t nmarks, size_t night)
{
	for (size_t i = 0; i < nmarks; i++)
		if (marks[i].night == night)
			return &marks[i];
	return NULL;
}

static void add_row(struct strbuf *out, const struct trend_series *s, const struct trend_point *p,
		    const struct web_night *night, const struct web_mark *mark)
{
	size_t last = s->points[s->count - 1].night;
	__cleanup_free char *range = xasprintf("%.6g .. %.6g", low_of(p), high_of(p));

	strbuf_addf(out,
		    "<tr id=\"n%zu\" data-number=\"%zu\" data-low=\"%.9g\" data-median=\"%.9g\" "
		    "data-high=\"%.9g\"%s><th scope=\"row\">%zu</th>",
		    p->night + 1, p->night + 1, low_of(p), p->median, high_of(p),
		    mark ? " data-mark" : "", p->night + 1);
	add_pick(out, "base", "compare from", night, p->night + 1,
		 s->count > 1 && p == &s->points[s->count - 2]);
	add_pick(out, "new", "compare to", night, p->night + 1, p->night == last);
	web_link_cell(out, "/jobs/", night->job, night->time);
	web_cell(out, night->kernel);
	strbuf_addf(out, "<td class=\"n\">%.6g</td><td class=\"n\">%s</td><td class=\"n\">%zu</td>",
		    p->median, range, p->nboots);
	if (mark)
		web_link_cell(out, mark->link, "", mark->text);
	else
		web_cell(out, NULL);
	strbuf_addstr(out, "</tr>\n");
}

void web_metric(struct strbuf *out, const struct trend_series *s, const struct web_night *nights,
		const struct web_mark *marks, size_t nmarks)
{
	static const char *const heads[] = {"night",  "from", "to",    "began",	 "kernel",
					    "median", "95 %", "boots", "change", NULL};
	size_t i = s->count;

	if (!s->count)
		return;
	add_plot(out, s, nights, marks, nmarks);
	strbuf_addstr(out, "<form action=\"/comparison\"><p class=\"actions\">");
	web_button(out, "Compare the two nights");
	strbuf_addstr(out, "</p>");
	web_begin_table(out, "Nights, newest first; pick two to compare their kernels", heads);
	while (i--) {
		const struct trend_point *p = &s->points[i];

		add_row(out, s, p, &nights[p->night], find_mark(marks, nmarks, p->night));
	}
	web_end_table(out);
	strbuf_addstr(out, "</form>\n");
}
