// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/utf8.h"
#include "results/explain/page.h"
#include "results/report/markup.h"

#define WIDTH	    860.0
#define ROW	    17.0
#define CHARACTER   6.3	  /* of the font below, on average */
#define SMALLEST    0.6	  /* a box narrower than this is not drawn */
#define WHOLE	    0.995 /* a caller whose only callee has this much of it is left out on top */
#define MOVED_SHARE 0.001 /* of the whole: a smaller change is none to the eye */

/* What the boxes look like without their colours is in the patterns. */
static const char patterns[] =
	"<defs><pattern id=\"fell\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" class=\"fellback\"/>"
	"<path d=\"M0 0V6\" class=\"felllines\"/></pattern></defs>\n";

struct flame {
	const struct explanation *e;
	struct strbuf *out;
	double *width;	  /* of a node with its children, in instructions */
	double (*sum)[2]; /* costs with those of the children */
	double scale, whole;
	int deepest;
};

/* Parents come before children, so from the end each node is complete. */
static void add_up(struct flame *f)
{
	const struct explanation *e = f->e;

	for (size_t i = e->nnodes; i-- > 0;) {
		const struct explain_node *n = &e->nodes[i];

		f->width[i] += fmax(n->cost[0], n->cost[1]);
		for (int s = 0; s < 2; s++)
			f->sum[i][s] += n->cost[s];
		if (n->parent < 0) {
			f->whole += f->width[i];
			continue;
		}
		f->width[n->parent] += f->width[i];
		for (int s = 0; s < 2; s++)
			f->sum[n->parent][s] += f->sum[i][s];
	}
}

/* The agent's main() down to KVM's loop says nothing: begin where the tree branches. */
static int skip_trunk(const struct flame *f, int root)
{
	for (size_t i = (size_t)root + 1; i < f->e->nnodes; i++)
		if (f->e->nodes[i].parent == root && f->width[i] >= WHOLE * f->width[root])
			return skip_trunk(f, (int)i);
	return root;
}

static const char *class_of(const struct flame *f, int node)
{
	double d = f->sum[node][1] - f->sum[node][0];

	if (f->e->nsides == 1 || fabs(d) < MOVED_SHARE * f->whole ||
	    fabs(d) < 0.01 * f->width[node])
		return "same";
	return d < 0 ? "fell" : "grew";
}

static void add_tooltip(const struct flame *f, int node)
{
	const double *sum = f->sum[node];

	strbuf_addstr(f->out, "<title>");
	markup_add(f->out, f->e->nodes[node].name);
	if (f->e->nsides == 2)
		strbuf_addf(f->out, ": %.0f in the base, %.0f in the new kernel, %+.0f", sum[0],
			    sum[1], sum[1] - sum[0]);
	else
		strbuf_addf(f->out, ": %.0f", sum[0]);
	strbuf_addf(f->out, " (%s)</title>", explain_level_names[f->e->nodes[node].level]);
}

/* How many bytes of @name fit into @room characters? A character is never cut. */
static size_t fit_name(const char *name, size_t room)
{
	size_t at = 0, n;

	while (room-- && (n = utf8_length(name + at, UTF8_TO_NUL)) && name[at])
		at += n;
	return at;
}

static void draw_box(struct flame *f, int node, double x, int row)
{
	double width = f->width[node] * f->scale;
	size_t room = (size_t)fmax(0, (width - 6) / CHARACTER);
	const char *name = f->e->nodes[node].name;

	strbuf_addf(f->out, "<g class=\"box %s\">", class_of(f, node));
	add_tooltip(f, node);
	strbuf_addf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x,
		    row * ROW, fmax(width - 0.4, 0.4), ROW - 1);
	if (room >= 3) {
		size_t fits = fit_name(name, room - 1);
		__cleanup_free char *shown =
			xasprintf("%.*s%s", (int)fits, name, name[fits] ? "\xe2\x80\xa6" : "");

		strbuf_addf(f->out, "<text x=\"%.1f\" y=\"%.1f\">", x + 3, row * ROW + ROW - 5);
		markup_add(f->out, shown);
		strbuf_addstr(f->out, "</text>");
	}
	strbuf_addstr(f->out, "</g>\n");
	if (row > f->deepest)
		f->deepest = row;
}

static void draw_tree(struct flame *f, int node, double x, int row)
{
	draw_box(f, node, x, row);
	for (size_t i = (size_t)node + 1; i < f->e->nnodes; i++) {
		if (f->e->nodes[i].parent != node)
			continue;
		if (f->width[i] * f->scale >= SMALLEST)
			draw_tree(f, (int)i, x, row + 1);
		x += f->width[i] * f->scale;
	}
}

static void draw_roots(struct flame *f)
{
	double x = 0;

	for (size_t i = 0; i < f->e->nnodes; i++) {
		if (f->e->nodes[i].parent >= 0)
			continue;
		draw_tree(f, skip_trunk(f, (int)i), x, 0);
		x += f->width[i] * f->scale;
	}
}

void explain_draw_flame(const struct explanation *e, struct strbuf *svg)
{
	struct strbuf boxes = STRBUF_INIT;
	struct flame f = {.e = e,
			  .out = &boxes,
			  .width = xcalloc(e->nnodes + 1, sizeof(*f.width)),
			  .sum = xcalloc(e->nnodes + 1, sizeof(*f.sum))};

	add_up(&f);
	if (f.whole > 0)
		f.scale = WIDTH / f.whole;
	draw_roots(&f);
	strbuf_addf(svg,
		    "<svg class=\"plot flame\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
		    "viewBox=\"0 0 %.0f %.0f\"><title>Call tree</title>\n%s",
		    WIDTH, (f.deepest + 1) * ROW, patterns);
	strbuf_addstr(svg, boxes.buf);
	strbuf_addstr(svg, "</svg>\n");
	strbuf_release(&boxes);
	free(f.width);
	free(f.sum);
}

/* ---- bars ---- */

#define BARS	  10
#define BAR_ROW	  24.0
#define BAR_LEFT  300.0 /* where names end */
#define BAR_RIGHT 760.0 /* where the longest bar ends; its number follows */

static double bar_of(const struct explanation *e, const struct explain_row *r)
{
	if (e->nsides == 2)
		return r->of[1].mean - r->of[0].mean;
	return r->of[0].mean;
}

static void draw_bar(const struct explanation *e, const struct explain_row *r, size_t row,
		     double longest, struct strbuf *svg)
{
	double value = bar_of(e, r), y = (double)row * BAR_ROW;
	double length = fabs(value) / longest * (BAR_RIGHT - BAR_LEFT - 8);
	const char *class = value < 0 ? "fell" : "grew";

	if (e->nsides == 1)
		class = "same";
	strbuf_addf(svg, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", BAR_LEFT, y + 16);
	markup_add(svg, r->name);
	strbuf_addf(svg,
		    "</text><g class=\"box %s\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		    "height=\"%.1f\"/></g><text x=\"%.1f\" y=\"%.1f\">",
		    class, BAR_LEFT + 8, y + 3, fmax(length, 0.5), BAR_ROW - 6,
		    BAR_LEFT + 14 + length, y + 16);
	strbuf_addf(svg, e->nsides == 2 ? "%+.0f</text>\n" : "%.0f</text>\n", value);
}

/* Rows are sorted: from the first that would say "+0" on there is nothing to see. One is drawn anyhow. */
static size_t count_bars(const struct explanation *e, const struct explain_table *t)
{
	size_t n = 0;

	while (n < t->nrows && n < BARS && (!n || fabs(bar_of(e, &t->rows[n])) >= 0.5))
		n++;
	return n;
}

void explain_draw_bars(const struct explanation *e, struct strbuf *svg)
{
	const struct explain_table *t = &e->tables[EXPLAIN_BY_FILE];
	size_t n = count_bars(e, t);
	double longest = 1;

	for (size_t i = 0; i < n; i++)
		longest = fmax(longest, fabs(bar_of(e, &t->rows[i])));
	strbuf_addf(svg,
		    "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
		    "viewBox=\"0 0 %.0f %.0f\"><title>By source file</title>\n",
		    WIDTH, (double)n * BAR_ROW);
	for (size_t i = 0; i < n; i++)
		draw_bar(e, &t->rows[i], i, longest, svg);
	strbuf_addstr(svg, "</svg>\n");
}
