// SPDX-License-Identifier: GPL-2.0-only
#include "results/explain/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define NAMED 3 /* functions that a summary names */

const char *const explain_level_names[EXPLAIN_LEVELS] = {
	[EXPLAIN_L0] = "L0 kernel",
	[EXPLAIN_INTERRUPTS] = "L0 interrupts",
	[EXPLAIN_USER] = "L0 userspace",
	[EXPLAIN_L1] = "L1",
	[EXPLAIN_L2] = "L2",
};

static void free_table(struct explain_table *t)
{
	for (size_t i = 0; i < t->nrows; i++) {
		free(t->rows[i].name);
		free(t->rows[i].where);
		free(t->rows[i].caller);
	}
	free(t->rows);
}

void explanation_free(struct explanation *e)
{
	for (int i = 0; i < EXPLAIN_KINDS; i++)
		free_table(&e->tables[i]);
	for (size_t i = 0; i < e->nnodes; i++)
		free(e->nodes[i].name);
	for (int i = 0; i < 2; i++) {
		free(e->sides[i].kernel);
		free(e->sides[i].key);
	}
	free(e->nodes);
	free(e->scenario);
	free(e->params);
	free(e->metric);
	free(e->operation);
	free(e->host);
	free(e->made);
	*e = (struct explanation){0};
}

/* ---- in a few words ---- */

const char *explain_article(const struct explanation *e)
{
	if (e->operation[0] && strchr("aeiou", e->operation[0]))
		return "an";
	return "a";
}

/* Was every operation followed that there was? More boots cost more than more rounds. */
static bool has_followed_all(const struct explanation *e)
{
	for (int i = 0; i < e->nsides; i++)
		if (10 * (e->sides[i].followed + e->sides[i].interrupted) <
		    9 * e->sides[i].operations)
			return false;
	return true;
}

void explain_advice(const struct explanation *e, struct strbuf *out)
{
	double half = explain_half_width(e), aim = explain_aimed_width(e);
	const char *what = e->nsides == 2 ? "difference" : "total";

	if (half <= aim)
		return;
	strbuf_addf(out, "The %s is known to +-%.0f only, and +-%.0f was the aim: ", what, half,
		    aim);
	if (has_followed_all(e))
		strbuf_addstr(out,
			      "all operations were followed; more of them (--rounds N) make it "
			      "narrower.");
	else
		strbuf_addf(out, "more boots (--max-boots N; here %d) make it narrower.",
			    e->sides[0].boots);
}

static double difference_of(const struct explain_row *r)
{
	return r->of[1].mean - r->of[0].mean;
}

/* " (function in file, called by caller)" */
static void add_row(const struct explain_row *r, struct strbuf *out)
{
	strbuf_addf(out, "%s %+.0f", r->name, difference_of(r));
	if (r->where[0])
		strbuf_addf(out, " (%s", r->where);
	if (r->where[0] && r->caller[0])
		strbuf_addf(out, ", from %s", r->caller);
	if (r->where[0])
		strbuf_addch(out, ')');
}

/* Up to NAMED rows that moved the way of @sign (0: either way), most first. */
static size_t add_moved(const struct explain_table *t, double sign, const char *before,
			struct strbuf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nrows && n < NAMED; i++) {
		const struct explain_row *r = &t->rows[i];

		if (!r->moved || r->level == EXPLAIN_INTERRUPTS || sign * difference_of(r) < 0)
			continue;
		strbuf_addstr(out, n++ ? ", " : before);
		add_row(r, out);
	}
	return n;
}

void explain_grown(const struct explanation *e, struct strbuf *out)
{
	if (e->nsides == 2)
		add_moved(&e->tables[EXPLAIN_BY_FUNCTION], 1,
			  "Grew most, in instructions per operation: ", out);
}

static void add_most(const struct explain_table *t, struct strbuf *out)
{
	for (size_t i = 0; i < t->nrows && i < NAMED; i++)
		strbuf_addf(out, "%s%s %.0f", i ? ", " : "", t->rows[i].name,
			    t->rows[i].of[0].mean);
}

void explain_headline(const struct explanation *e, struct strbuf *out)
{
	const struct explain_side *a = &e->sides[0], *b = &e->sides[1];
	double d = b->total.mean - a->total.mean;

	if (e->nsides == 1)
		strbuf_addf(out, "%.0f instructions %s %s", a->total.mean, explain_article(e),
			    e->operation);
	else
		strbuf_addf(out, "%+.0f instructions %s %s (%+.1f %%)", d, explain_article(e),
			    e->operation, 100 * d / fmax(a->total.mean, 1));
}

void explain_story(const struct explanation *e, struct strbuf *out)
{
	double d = e->sides[1].total.mean - e->sides[0].total.mean;

	if (e->nsides == 1) {
		add_most(&e->tables[EXPLAIN_BY_FUNCTION], out);
		return;
	}
	if (!add_moved(&e->tables[EXPLAIN_BY_FILE], d < 0 ? -1 : 1, "most of it in ", out))
		strbuf_addstr(out, "no part of it moved beyond its interval");
	add_moved(&e->tables[EXPLAIN_BY_FUNCTION], d < 0 ? -1 : 1, "; functions: ", out);
}

void explain_summary(const struct explanation *e, struct strbuf *out)
{
	explain_headline(e, out);
	strbuf_addstr(out, ": ");
	explain_story(e, out);
}
