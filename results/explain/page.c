// SPDX-License-Identifier: GPL-2.0-only
/* An explanation for people to look at: in a page of its own, or in a report. */
#include "results/explain/page.h"

#include <math.h>

#include "common/alloc.h"
#include "results/report/words.h"

#define ROWS 20 /* of a table; the JSON has all */

static const char *const titles[EXPLAIN_KINDS] = {
	[EXPLAIN_BY_LEVEL] = "Who executes it",
	[EXPLAIN_BY_FOLDER] = "By folder of the sources",
	[EXPLAIN_BY_FILE] = "By source file",
	[EXPLAIN_BY_FUNCTION] = "By function",
	[EXPLAIN_EVENTS] = "What hardware feels: instructions that cost far more than one",
	[EXPLAIN_EXITS] = "VM entries and exits",
};

static char *number(double value, bool sign)
{
	int digits = fabs(value) < 100 && value != round(value) ? 2 : 0;

	if (sign)
		return xasprintf("%+.*f", digits, value);
	return xasprintf("%.*f", digits, value);
}

static char *interval_of(const struct explain_row *r)
{
	__cleanup_free char *low = number(r->low, true), *high = number(r->high, true);

	return xasprintf("%s to %s", low, high);
}

static void add_row(const struct explanation *e, enum explain_kind kind,
		    const struct explain_row *r, struct table *t)
{
	table_cell(t, "%s", r->name);
	table_take(t, TONE_PLAIN, number(r->of[0].mean, false));
	if (e->nsides == 2) {
		table_take(t, TONE_PLAIN, number(r->of[1].mean, false));
		table_take(t, TONE_PLAIN, number(r->of[1].mean - r->of[0].mean, true));
		table_take(t, TONE_PLAIN, interval_of(r));
		table_cell(t, "%s", r->moved ? "yes" : "no");
	}
	if (kind != EXPLAIN_BY_FUNCTION)
		return;
	table_cell(t, "%s", r->where);
	table_cell(t, "%s", r->caller);
}

static struct table *make_table(const struct explanation *e, enum explain_kind kind)
{
	const struct explain_table *rows = &e->tables[kind];
	struct table *t =
		table_new(titles[kind], e->nsides == 2 ? "what|base>|new>|change>|interval>|moved"
						       : "what|per operation>");

	if (kind == EXPLAIN_BY_FUNCTION) {
		table_add_column(t, "in", false, true);
		table_add_column(t, "called by", false, true);
	}
	for (size_t i = 0; i < rows->nrows && i < ROWS; i++)
		add_row(e, kind, &rows->rows[i], t);
	return t;
}

static void add_table(struct doc *d, const struct explanation *e, enum explain_kind kind)
{
	if (e->tables[kind].nrows)
		doc_table(d, make_table(e, kind));
}

static enum tone tone_of(const struct explanation *e)
{
	if (e->nsides == 2 && e->high < 0)
		return TONE_GOOD;
	if (e->nsides == 2 && e->low > 0)
		return TONE_BAD;
	return TONE_PLAIN;
}

void explain_add_verdict(struct doc *d, const struct explanation *e)
{
	struct strbuf word = STRBUF_INIT, story = STRBUF_INIT;

	explain_headline(e, &word);
	explain_story(e, &story);
	doc_verdict(d, tone_of(e), word.buf, "%s.", story.buf);
	strbuf_release(&word);
	strbuf_release(&story);
}

static void add_sides(struct doc *d, const struct explanation *e)
{
	struct table *t = table_new("Does the sum agree with what was measured?",
				    "kernel|sum>|median measured>|mean measured>|the sum|"
				    "followed|interrupted>");

	for (int i = 0; i < e->nsides; i++) {
		const struct explain_side *s = &e->sides[i];
		bool median, mean;

		table_cell(t, "%s", s->kernel);
		table_cell(t, "%.0f", s->total.mean);
		table_cell(t, "%.0f", s->median);
		table_cell(t, "%.0f", s->mean);
		explain_side_agrees(s, &median, &mean);
		table_cell_tone(t, median || mean ? TONE_GOOD : TONE_BAD, "%s",
				explain_side_verdict(s));
		table_cell(t, "%d of %d", s->followed, s->operations);
		table_cell(t, "%d", s->interrupted);
	}
	doc_table(d, t);
}

static const char *const captions[2][2] = {
	{"Which source files it is, in instructions per operation",
	 "Who calls what: a box is as wide as its cost"},
	{"Which source files changed, in instructions per operation (hatched: fell, filled: grew)",
	 "Who calls what: a box is as wide as its cost in the costlier kernel (hatched: fell, filled: "
	 "grew, pale: the same)"},
};

static void add_figures(struct doc *d, const struct explanation *e)
{
	struct strbuf bars = STRBUF_INIT, flame = STRBUF_INIT;

	explain_draw_bars(e, &bars);
	explain_draw_flame(e, &flame);
	doc_figure(d, captions[e->nsides - 1][0], bars.buf, make_table(e, EXPLAIN_BY_FILE));
	doc_figure(d, captions[e->nsides - 1][1], flame.buf, make_table(e, EXPLAIN_BY_FUNCTION));
	strbuf_release(&bars);
	strbuf_release(&flame);
}

void explain_add_to(struct doc *d, const struct explanation *e)
{
	struct strbuf advice = STRBUF_INIT;
	__cleanup_free char *params = words_params(NULL, e->scenario, e->params);

	doc_paragraph(d,
		      "%s %s (%s); host %s, seed %llu, made %s. This is the length of a path, in "
		      "instructions, and not time.",
		      e->scenario, e->metric, params, e->host, (unsigned long long)e->seed,
		      e->made);
	explain_advice(e, &advice);
	if (advice.len)
		doc_paragraph(d, "%s", advice.buf);
	strbuf_release(&advice);
	add_figures(d, e);
	add_sides(d, e);
	add_table(d, e, EXPLAIN_BY_LEVEL);
	add_table(d, e, EXPLAIN_BY_FOLDER);
	add_table(d, e, EXPLAIN_EVENTS);
	add_table(d, e, EXPLAIN_EXITS);
	doc_paragraph(d,
		      "Counts and costs are exact for each operation that was followed; means and "
		      "intervals are those of a random sample of operations. Intervals hold with "
		      "%.0f %% for all rows of a table together.",
		      100 * EXPLAIN_CONFIDENCE);
}
