// SPDX-License-Identifier: GPL-2.0-only
/* Cost over the number of L2 vCPUs: a figure per metric, a line per kernel and memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "results/report/plots.h"
#include "results/report/svg.h"
#include "results/report/words.h"

#define VCPU_FIGURES 12
#define MEMORIES     2

struct vcpu_point {
	const struct results_compared *metric;
	double vcpus, cost[REPORT_SIDES];
	int memory;
};

struct vcpu_figure {
	const struct results_compared *first;
	char *group; /* scenario, metric and the other parameters: what a figure is of */
	struct vcpu_point *points;
	size_t count;
};

static const char *const memories[MEMORIES] = {"managed", "unmanaged"};

static const enum svg_style styles[REPORT_SIDES][MEMORIES] = {
	[REPORT_BASE] = {SVG_CIRCLE, SVG_CIRCLE_DASHED},
	[REPORT_NEW] = {SVG_SQUARE, SVG_SQUARE_DASHED},
};

/* Parameters without those that are the axis and the lines; the caller frees. */
static char *make_other_params(const char *params)
{
	struct json_object *doc = NULL;
	char *text;

	if (json_parse(params, strlen(params), "params", &doc, NULL))
		return xstrdup(params);
	json_object_object_del(doc, "memory");
	json_object_object_del(doc, "l2_vcpus");
	text = json_canonical(doc);
	json_object_put(doc);
	return text;
}

/* False if @m belongs in no such figure: it has no vCPUs or memory, or is no cost. */
static bool read_point(const struct results_compared *m, struct vcpu_point *p)
{
	__cleanup_free char *vcpus = words_param(m->params, "l2_vcpus");
	__cleanup_free char *memory = words_param(m->params, "memory");

	if (!vcpus || !memory || strcmp(m->better, "lower"))
		return false;
	*p = (struct vcpu_point){.metric = m,
				 .vcpus = strtod(vcpus, NULL),
				 .cost = {m->base.median, m->new.median},
				 .memory = -1};
	for (int i = 0; i < MEMORIES; i++)
		if (!strcmp(memory, memories[i]))
			p->memory = i;
	return p->memory >= 0 && p->vcpus > 0;
}

static struct vcpu_figure *find_figure(struct vcpu_figure **all, size_t *count,
				       const struct results_compared *m)
{
	__cleanup_free char *other = make_other_params(m->params);
	char *group = xasprintf("%s\n%s\n%s", m->scenario, m->metric, other);

	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*all)[i].group, group)) {
			free(group);
			return &(*all)[i];
		}
	*all = xrealloc(*all, *count + 1, sizeof(**all));
	(*all)[*count] = (struct vcpu_figure){.first = m, .group = group};
	return &(*all)[(*count)++];
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct vcpu_point *x = a, *y = b;

	return (x->vcpus > y->vcpus) - (x->vcpus < y->vcpus);
}

/* Distinct numbers of vCPUs, rising, in @at (as many as there are points). */
static size_t list_vcpus(const struct vcpu_figure *f, double *at)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		if (!n || at[n - 1] != f->points[i].vcpus)
			at[n++] = f->points[i].vcpus;
	return n;
}

static void draw_series(struct svg_chart *c, const struct vcpu_figure *f, enum report_side side,
			int memory)
{
	enum svg_style style = styles[side][memory];
	double *xs = xcalloc(f->count, sizeof(*xs)), *ys = xcalloc(f->count, sizeof(*ys));
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (f->points[i].memory != memory)
			continue;
		xs[n] = f->points[i].vcpus;
		ys[n++] = f->points[i].cost[side];
	}
	if (n)
		svg_line(c, style, xs, ys, n);
	for (size_t i = 0; i < n; i++)
		svg_marker(c, style, xs[i], ys[i]);
	free(xs);
	free(ys);
}

static bool has_memory(const struct vcpu_figure *f, int memory)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->points[i].memory == memory)
			return true;
	return false;
}

static void draw_lines(struct svg_chart *c, const struct report *r, const struct vcpu_figure *f)
{
	const char *const names[] = {r->comparison.base, r->comparison.new};
	int row = 0;

	for (int side = 0; side < REPORT_SIDES; side++)
		for (int memory = 0; memory < MEMORIES; memory++) {
			__cleanup_free char *text =
				xasprintf("%.50s, %s memory", names[side], memories[memory]);

			if (!has_memory(f, memory))
				continue;
			svg_legend(c, row++, styles[side][memory], text);
			draw_series(c, f, side, memory);
		}
}

static void add_numbers(struct table *t, const struct vcpu_point *p)
{
	table_cell(t, "%s", memories[p->memory]);
	table_cell(t, "%.0f", p->vcpus);
	table_take(t, TONE_PLAIN, words_number(p->cost[REPORT_BASE]));
	table_take(t, TONE_PLAIN, words_number(p->cost[REPORT_NEW]));
	table_take(t, TONE_PLAIN, words_change(p->metric, &p->metric->median));
}

static struct table *make_numbers(const char *caption, const struct vcpu_figure *f)
{
	struct table *t = table_new(caption, "memory|L2 vCPUs>|base>|new>|change>");

	for (int memory = 0; memory < MEMORIES; memory++)
		for (size_t i = 0; i < f->count; i++)
			if (f->points[i].memory == memory)
				add_numbers(t, &f->points[i]);
	return t;
}

static double find_highest(const struct vcpu_figure *f)
{
	double most = 0;

	for (size_t i = 0; i < f->count; i++)
		most = fmax(most, fmax(f->points[i].cost[0], f->points[i].cost[1]));
	return most;
}

static void draw_figure(struct doc *d, const struct report *r, struct vcpu_figure *f,
			const double *at, size_t nat, size_t number)
{
	const struct results_compared *m = f->first;
	__cleanup_free char *other = make_other_params(m->params);
	struct results_compared shown = {
		.scenario = m->scenario, .metric = m->metric, .params = other};
	__cleanup_free char *name = words_metric(r, &shown);
	__cleanup_free char *caption = xasprintf("Cost over L2 vCPUs: %s", name);
	__cleanup_free char *label =
		xasprintf("%s, %s (clock: %s)", m->metric, m->unit, r->comparison.clock);
	__cleanup_free char *id = xasprintf("vcpus-%zu", number);
	struct svg_chart c = {
		.width = PLOTS_WIDTH,
		.height = 380,
		.top = 8 + SVG_LEGEND_ROW * 2 * (has_memory(f, 0) + has_memory(f, 1)),
		.x = {.low = at[0],
		      .high = at[nat - 1],
		      .log = at[nat - 1] / at[0] > 6,
		      .at = at,
		      .nat = nat,
		      .label = "number of L2 vCPUs"},
		.y = {.high = find_highest(f) * 1.05, .label = label},
	};
	struct strbuf svg = STRBUF_INIT;

	svg_begin(&c, &svg, id, caption,
		  "Median cost of both kernels over the number of L2 vCPUs, a line for each kernel "
		  "and memory. Circles are the base, squares the new kernel; broken lines are "
		  "unmanaged memory. The values are in the table that follows.");
	draw_lines(&c, r, f);
	svg_end(&c);
	doc_figure(d, caption, svg.buf, make_numbers(caption, f));
	strbuf_release(&svg);
}

static void collect_points(const struct report *r, const struct report_selection *s,
			   struct vcpu_figure **all, size_t *count)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct results_compared *m = selection_metric(s, r, i);
		struct vcpu_point p;
		struct vcpu_figure *f;

		if (!read_point(m, &p))
			continue;
		f = find_figure(all, count, m);
		f->points = xrealloc(f->points, f->count + 1, sizeof(p));
		f->points[f->count++] = p;
	}
}

void plots_add_vcpus(struct doc *d, const struct report *r, const struct report_selection *s)
{
	struct vcpu_figure *all = NULL;
	size_t count = 0, drawn = 0, left = 0;

	collect_points(r, s, &all, &count);
	for (size_t i = 0; i < count; i++) {
		double *at = xcalloc(all[i].count, sizeof(*at));
		size_t nat;

		qsort(all[i].points, all[i].count, sizeof(*all[i].points), compare_vcpus);
		nat = list_vcpus(&all[i], at);
		if (nat > 1 && drawn < VCPU_FIGURES)
			draw_figure(d, r, &all[i], at, nat, ++drawn);
		else
			left += nat > 1;
		free(at);
		free(all[i].points);
		free(all[i].group);
	}
	if (!drawn)
		doc_paragraph(d,
			      "Cost over the number of L2 vCPUs is not drawn: no selected metric "
			      "was measured with more than one number of them.");
	if (left)
		doc_paragraph(d, "%zu more such figures are not drawn.", left);
	free(all);
}
