// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "results/explain/explain.h"
#include "results/report/words.h"

#define ROWS 15 /* of a table, unless all are asked for */

static const struct {
	enum explain_kind kind;
	const char *title;
} tables[] = {
	{EXPLAIN_BY_LEVEL, "Who executes it"},	 {EXPLAIN_BY_FOLDER, "By source folder"},
	{EXPLAIN_BY_FILE, "By source file"},	 {EXPLAIN_BY_FUNCTION, "By function"},
	{EXPLAIN_EVENTS, "What hardware feels"}, {EXPLAIN_EXITS, "VM entries and exits"},
};

static void add_side(const struct explanation *e, const struct explain_side *s, struct strbuf *out)
{
	const struct explain_mean none = {0};
	double low, high;

	explain_interval(none, 0, s->total, (size_t)s->followed, 1, &low, &high);
	strbuf_addf(out, "  %s: %.0f +-%.0f instructions %s %s (%d of %d followed, %d boot%s)\n",
		    s->kernel, s->total.mean, (high - low) / 2, explain_article(e), e->operation,
		    s->followed, s->operations, s->boots, s->boots == 1 ? "" : "s");
	strbuf_addf(out, "    measured: median %.0f, mean %.0f; it %s\n", s->median, s->mean,
		    explain_side_verdict(s));
	if (s->interrupted)
		strbuf_addf(
			out,
			"    %d more were followed and left out: an interrupt of L0's fell into "
			"them, which adds %.0f %s %s on average\n",
			s->interrupted, s->interrupts, explain_article(e), e->operation);
}

/* Sizes and counts are of other orders: 12345, 3.25. */
static void add_number(double value, bool sign, struct strbuf *out)
{
	int digits = fabs(value) < 100 && value != round(value) ? 2 : 0;

	if (sign)
		strbuf_addf(out, " %+9.*f", digits, value);
	else
		strbuf_addf(out, " %9.*f", digits, value);
}

static void add_name(const struct explain_row *r, struct strbuf *out)
{
	strbuf_addf(out, "  %s", r->name);
	if (r->where[0])
		strbuf_addf(out, "  (%s)", r->where);
	if (r->level != EXPLAIN_L0 && r->where[0])
		strbuf_addf(out, " [%s]", explain_level_names[r->level]);
	if (r->caller[0])
		strbuf_addf(out, " <- %s", r->caller);
	strbuf_addch(out, '\n');
}

static void add_row(const struct explanation *e, const struct explain_row *r, struct strbuf *out)
{
	add_number(r->of[0].mean, false, out);
	if (e->nsides == 2) {
		double half = (r->high - r->low) / 2;

		add_number(r->of[1].mean, false, out);
		add_number(r->of[1].mean - r->of[0].mean, true, out);
		strbuf_addf(out, " +-%-6.*f", half < 100 ? 2 : 0, half);
		strbuf_addstr(out, r->moved ? " *" : "  ");
	} else {
		strbuf_addf(out, " %5.1f %%",
			    100 * r->of[0].mean / fmax(e->sides[0].total.mean, 1));
	}
	add_name(r, out);
}

static void add_table(const struct explanation *e, enum explain_kind kind, const char *title,
		      size_t most, struct strbuf *out)
{
	const struct explain_table *t = &e->tables[kind];
	size_t shown = t->nrows;

	if (!t->nrows)
		return;
	if (most && shown > most)
		shown = most;
	strbuf_addf(out, "\n%s\n", title);
	if (e->nsides == 2)
		strbuf_addf(out, " %9s %9s %9s\n", "base", "new", "change");
	for (size_t i = 0; i < shown; i++)
		add_row(e, &t->rows[i], out);
	if (shown < t->nrows)
		strbuf_addf(out, "  ... and %zu more (--all)\n", t->nrows - shown);
}

void explain_text(const struct explanation *e, unsigned int how, struct strbuf *out)
{
	size_t most = how & EXPLAIN_ALL ? 0 : ROWS;
	struct strbuf advice = STRBUF_INIT;
	__cleanup_free char *params = words_params(NULL, e->scenario, e->params);

	explain_summary(e, out);
	strbuf_addf(out, "\n\n%s %s (%s), host %s, seed %llu\n", e->scenario, e->metric, params,
		    e->host, (unsigned long long)e->seed);
	for (int i = 0; i < e->nsides; i++)
		add_side(e, &e->sides[i], out);
	if (e->nsides == 2)
		strbuf_addf(out, "  difference: %+.0f (%+.0f to %+.0f); measured medians: %+.0f\n",
			    e->sides[1].total.mean - e->sides[0].total.mean, e->low, e->high,
			    e->sides[1].median - e->sides[0].median);
	explain_advice(e, &advice);
	if (advice.len)
		strbuf_addf(out, "  %s\n", advice.buf);
	strbuf_release(&advice);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		add_table(e, tables[i].kind, tables[i].title, most, out);
	if (e->nsides == 2)
		strbuf_addf(
			out,
			"\n* its interval does not hold 0. Intervals: %.0f %% for all rows of a "
			"table together.",
			100 * EXPLAIN_CONFIDENCE);
	strbuf_addstr(out, "\nInstructions are the length of a path, not time.\n");
}
