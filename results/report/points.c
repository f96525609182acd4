// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/points.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/words.h"

static struct report_point *add(struct report_points *p, const char *suite, char *name)
{
	struct report_point *at;

	p->items = xrealloc(p->items, p->count + 1, sizeof(*p->items));
	at = &p->items[p->count++];
	*at = (struct report_point){.suite = suite, .name = name};
	return at;
}

static void add_boots(struct report_points *p, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	struct report_point *at = add(p, "boots", xasprintf("boots of %s", c->new));

	if (!c->new_failed) {
		at->why = xstrdup("");
		return;
	}
	at->status = POINT_KNOWN; /* unless it fails more often, or may do so */
	for (size_t i = 0; i < c->nfailures; i++)
		if (c->failures[i].verdict == VERDICT_REGRESSED ||
		    c->failures[i].verdict == VERDICT_INCONCLUSIVE)
			at->status = POINT_FAIL;
	at->why = xasprintf("%d failed (of %s: %d): %s", c->new_failed, c->base, c->base_failed,
			    c->failure ? c->failure : "");
}

/* "+2.10 % (+1.70 .. +2.50 %), smallest effect 0.5 %: why" of one number. */
static char *judged(const char *what, const struct results_compared *m,
		    const struct results_judgement *j)
{
	__cleanup_free char *change = words_percent(words_change(j->ratio));
	__cleanup_free char *interval = words_interval(j);

	return xasprintf("%s %s, %s (interval %s, smallest effect %g%%): %s", what,
			 results_verdict_name(j->verdict), change, interval, m->smallest_effect,
			 j->why ? j->why : "");
}

/* What decides nothing fails nothing: else a CI system would say no where the comparison says yes. */
static void excuse_part(struct report_point *at)
{
	char *why = xasprintf("a part, which explains and decides nothing: %s", at->why);

	free(at->why);
	at->why = why;
	at->status = POINT_SKIP;
}

static void add_metric(struct report_points *p, const struct report *r, size_t i)
{
	const struct results_compared *m = &r->comparison.metrics[i];
	__cleanup_free char *params = words_params(NULL, NULL, m->params);
	struct report_point *at = add(p, m->scenario, xasprintf("%s %s", m->metric, params));
	bool tail = m->median.verdict != VERDICT_REGRESSED && m->p99.verdict == VERDICT_REGRESSED;

	at->metric = m;
	at->index = i;
	at->why = judged(tail ? "p99" : "median", m, tail ? &m->p99 : &m->median);
	if (tail || m->median.verdict == VERDICT_REGRESSED)
		at->status = POINT_FAIL;
	else if (m->median.verdict == VERDICT_INCONCLUSIVE)
		at->status = POINT_SKIP;
	if (at->status == POINT_FAIL && !results_decides(&r->comparison, m))
		excuse_part(at);
}

static void add_test(struct report_points *p, const struct report_test *t)
{
	const char *new = t->result[REPORT_NEW], *base = t->result[REPORT_BASE];
	__cleanup_free char *params = *t->name ? NULL : words_params(NULL, NULL, t->params);
	struct report_point *at = add(p, t->scenario, xstrdup(params ? params : t->name));

	at->test = t;
	at->why = xstrdup(new	     ? t->text[REPORT_NEW]
			  : *t->name ? "did not run with this kernel"
				     : "");
	if (!new && !*t->name)
		return; /* a measurement leaves a row only where something was wrong */
	if (!new || !strcmp(new, "skip"))
		at->status = POINT_SKIP;
	else if (!strcmp(new, "fail"))
		at->status = base && !strcmp(base, "fail") ? POINT_KNOWN : POINT_FAIL;
}

static int by_suite(const void *a, const void *b)
{
	const struct report_point *x = a, *y = b;
	int suite = strcmp(x->suite, y->suite);

	return suite ? suite : strcmp(x->name, y->name);
}

void report_points(const struct report *r, struct report_points *out)
{
	*out = (struct report_points){0};
	add_boots(out, r);
	for (size_t i = 0; i < r->comparison.nmetrics; i++)
		add_metric(out, r, i);
	for (size_t i = 0; i < r->ntests; i++)
		add_test(out, &r->tests[i]);
	qsort(out->items, out->count, sizeof(*out->items), by_suite);
}

void report_points_free(struct report_points *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].name);
		free(p->items[i].why);
	}
	free(p->items);
	*p = (struct report_points){0};
}

size_t report_points_count(const struct report_points *p, const char *suite,
			   enum point_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->items[i].status == status && (!suite || !strcmp(p->items[i].suite, suite));
	return n;
}
