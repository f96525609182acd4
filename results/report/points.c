// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/points.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/words.h"

static struct report_point *add_point(struct report_points *p, const char *suite, char *name)
{
	struct report_point *at;

	p->items = xrealloc(p->items, p->count + 1, sizeof(*p->items));
	at = &p->items[p->count++];
	*at = (struct report_point){.suite = suite, .name = name};
	return at;
}

static const char *text_or_empty(const char *text)
{
	if (!text)
		return "";
	return text;
}

static enum point_status judge_rate(const struct results_failure_rate *rate)
{
	switch (rate->verdict) {
	case VERDICT_REGRESSED:
	case VERDICT_INCONCLUSIVE: /* boots failed, and those of the base do not excuse it */
		return POINT_FAIL;
	default:
		if (rate->new_failed)
			return POINT_KNOWN;
		return POINT_PASS;
	}
}

/* Of the new kernel's boots of @scenario; NULL: of all. */
static double sum_wall_seconds(const struct report *r, const char *scenario)
{
	double seconds = 0;

	for (size_t i = 0; i < r->nboots; i++) {
		const struct report_boot *b = &r->boots[i];

		if (b->side == REPORT_NEW && (!scenario || !strcmp(scenario, b->run.scenario_name)))
			seconds += b->run.wall_seconds;
	}
	return seconds;
}

/* @newest: what the newest failed boot said, of whatever scenario; NULL: nothing. */
static void add_failure_rate(struct report_points *p, const char *kernel,
			     const struct results_failure_rate *rate, const char *newest)
{
	char *name = xasprintf("boots of %s: %s, %s", kernel, rate->scenario, rate->what);
	struct report_point *at = add_point(p, "boots", name);

	at->status = judge_rate(rate);
	if (rate->new_failed && newest)
		at->why = xasprintf("%s; the newest failure: %s", rate->why, newest);
	else
		at->why = xstrdup(rate->why);
}

/* A point per scenario that had failures; one for all boots where there is nothing to compare. */
static void add_boots(struct report_points *p, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	struct report_point *at;

	for (size_t i = 0; i < c->nfailures; i++) {
		const char *scenario = c->failures[i].scenario;

		add_failure_rate(p, c->new, &c->failures[i], c->failure);
		/* "failed" and "died" of a scenario are the same boots */
		if (!i || strcmp(scenario, c->failures[i - 1].scenario))
			p->items[p->count - 1].seconds = sum_wall_seconds(r, scenario);
	}
	if (c->nfailures)
		return;
	at = add_point(p, "boots", xasprintf("boots of %s", c->new));
	at->seconds = sum_wall_seconds(r, NULL);
	if (!c->new_failed) {
		at->why = xstrdup("");
		return;
	}
	at->status = POINT_KNOWN; /* halves of one kernel: no failure can be new */
	at->why = xasprintf("%d failed: %s", c->new_failed, text_or_empty(c->failure));
}

/* "median improved, -45.6 % (interval -45.82 .. -45.37 %, smallest effect 0.5 %): why" */
static char *describe_judgement(const char *what, const struct results_compared *m,
				const struct results_judgement *j)
{
	__cleanup_free char *change = words_change(m, j);
	__cleanup_free char *interval = words_interval(j);

	return xasprintf("%s %s, %s (interval %s, smallest effect %g %%): %s", what,
			 results_verdict_name(j->verdict), change, interval, m->smallest_effect,
			 text_or_empty(j->why));
}

/* A part that regressed is a skip and not a failure: otherwise a CI system would fail a kernel that
 * the comparison passes. */
static void excuse_part(struct report_point *at)
{
	char *why = xasprintf("a part, which explains a metric but decides nothing: %s", at->why);

	free(at->why);
	at->why = why;
	at->status = POINT_SKIP;
}

static void add_metric(struct report_points *p, const struct report *r, size_t i)
{
	const struct results_compared *m = &r->comparison.metrics[i];
	__cleanup_free char *params = words_params(NULL, NULL, m->params);
	struct report_point *at = add_point(p, m->scenario, xasprintf("%s %s", m->metric, params));

	at->metric = m;
	at->index = i;
	if (m->median.verdict != VERDICT_REGRESSED && m->p99.verdict == VERDICT_REGRESSED)
		at->why = describe_judgement("p99", m, &m->p99);
	else
		at->why = describe_judgement("median", m, &m->median);
	if (words_has_regressed(m))
		at->status = POINT_FAIL;
	else if (m->median.verdict == VERDICT_INCONCLUSIVE)
		at->status = POINT_SKIP;
	if (at->status == POINT_FAIL && !results_decides(&r->comparison, m))
		excuse_part(at);
}

static enum point_status judge_test(const struct report_test *t)
{
	const char *base = t->result[REPORT_BASE], *new = t->result[REPORT_NEW];

	if (!new || !strcmp(new, "skip"))
		return POINT_SKIP;
	if (strcmp(new, "fail"))
		return POINT_PASS;
	if (base && !strcmp(base, "fail"))
		return POINT_KNOWN;
	return POINT_FAIL;
}

/* A measurement, which has no name, leaves a row only where something was wrong. */
static void add_measurement(struct report_points *p, const struct report_test *t)
{
	struct report_point *at = add_point(p, t->scenario, words_params(NULL, NULL, t->params));

	at->test = t;
	if (!t->result[REPORT_NEW]) {
		at->why = xstrdup("");
		return;
	}
	at->why = xstrdup(t->text[REPORT_NEW]);
	at->status = judge_test(t);
}

static void add_selftest(struct report_points *p, const struct report_test *t)
{
	struct report_point *at = add_point(p, t->scenario, xstrdup(t->name));
	const char *why = t->text[REPORT_NEW];

	if (!t->result[REPORT_NEW])
		why = "did not run with this kernel";
	at->test = t;
	at->why = xstrdup(why);
	at->status = judge_test(t);
}

static int compare_points(const void *a, const void *b)
{
	const struct report_point *x = a, *y = b;
	int order = strcmp(x->suite, y->suite);

	if (order)
		return order;
	return strcmp(x->name, y->name);
}

void points_collect(const struct report *r, struct report_points *out)
{
	*out = (struct report_points){0};
	add_boots(out, r);
	for (size_t i = 0; i < r->comparison.nmetrics; i++)
		add_metric(out, r, i);
	for (size_t i = 0; i < r->ntests; i++)
		if (*r->tests[i].name)
			add_selftest(out, &r->tests[i]);
		else
			add_measurement(out, &r->tests[i]);
	qsort(out->items, out->count, sizeof(*out->items), compare_points);
}

void points_free(struct report_points *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].name);
		free(p->items[i].why);
	}
	free(p->items);
	*p = (struct report_points){0};
}

size_t points_count(const struct report_points *p, const char *suite, enum point_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->items[i].status == status && (!suite || !strcmp(p->items[i].suite, suite));
	return n;
}
