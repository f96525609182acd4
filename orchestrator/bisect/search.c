// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/search.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"

static const char *const verdict_names[] = {
	[BISECT_UNTESTED] = "untested",
	[BISECT_GOOD] = "good",
	[BISECT_BAD] = "bad",
	[BISECT_SKIP] = "skip",
};

const char *bisect_verdict_name(enum bisect_verdict v)
{
	return verdict_names[v];
}

enum bisect_verdict bisect_verdict_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdict_names); i++)
		if (!strcmp(name, verdict_names[i]))
			return i;
	return BISECT_UNTESTED;
}

void bisect_remaining_free(struct bisect_remaining *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].id);
	free(r->items);
	free(r->bad);
	*r = (struct bisect_remaining){0};
}

void bisect_answer_free(struct bisect_answer *a)
{
	for (size_t i = 0; i < a->nsuspects; i++)
		free(a->suspects[i]);
	free(a->suspects);
	*a = (struct bisect_answer){0};
}

int bisect_rounds_left(long total, size_t k)
{
	int rounds = 0;

	while (total > 1) {
		total = (total + (long)k) / ((long)k + 1);
		rounds++;
	}
	return rounds;
}

/*
 * The neighbours of a candidate that cannot be judged often cannot be judged either (a range that
 * does not build), so each skip within the range moves the next test further from the ideal place:
 * by 1, 2, 4, ... to either side.
 */
static long distance_from_skips(const struct bisect_remaining *r)
{
	long skips = 0, limit = r->total / 4;
	long far;

	for (size_t i = 0; i < r->count; i++)
		skips += r->items[i].skipped;
	if (!skips)
		return 0;
	far = limit;
	if (skips <= 30 && 1L << (skips - 1) < limit)
		far = 1L << (skips - 1);
	if (skips % 2)
		return far;
	return -far;
}

static bool is_chosen(const size_t *chosen, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++)
		if (chosen[j] == i)
			return true;
	return false;
}

/* The candidate nearest to a reach of @target that is free to be tested; r->count if none is. */
static size_t find_nearest(const struct bisect_remaining *r, double target, const size_t *chosen,
			   size_t n)
{
	size_t best = r->count;
	double best_distance = 0;

	for (size_t i = 0; i < r->count; i++) {
		double distance = fabs(r->items[i].reach - target);

		if (r->items[i].skipped || is_chosen(chosen, n, i))
			continue;
		if (best == r->count || distance < best_distance) {
			best = i;
			best_distance = distance;
		}
	}
	return best;
}

/* Fills chosen[] with at most @k indices into r->items, none skipped; returns how many. */
static size_t choose_candidates(const struct bisect_remaining *r, size_t k, size_t *chosen)
{
	double aside = 0;
	size_t n = 0;

	if (!r->required)
		aside = distance_from_skips(r);

	for (size_t j = 1; j <= k; j++) {
		double target = (double)r->total * j / (k + 1) + aside;
		size_t i = find_nearest(r, target, chosen, n);

		if (i == r->count)
			break;
		chosen[n++] = i;
	}
	return n;
}

static int mark_verdicts(struct bisect_space *space, const char *const *ids, size_t n,
			 const enum bisect_verdict *verdicts, bool bad, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int ret;

		if ((verdicts[i] == BISECT_BAD) != bad)
			continue;
		ret = space->ops->mark(space, ids[i], verdicts[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * The bad ones come last. If the verdicts of a round contradict each other (bad, then good again), the
 * search then goes on for the last change to bad, which is what made the bad end bad.
 */
static int mark_round(struct bisect_space *space, const char *const *ids, size_t n,
		      const enum bisect_verdict *verdicts, struct error *err)
{
	int ret = mark_verdicts(space, ids, n, verdicts, false, err);

	if (ret)
		return ret;
	return mark_verdicts(space, ids, n, verdicts, true, err);
}

/* One round: chooses, tests, marks. *tested is 0 when there was nothing to choose. */
static int run_round(struct bisect_space *space, const struct bisect_remaining *r, size_t parallel,
		     const struct bisect_tester *tester, size_t *tested, struct error *err)
{
	enum bisect_verdict *verdicts = xcalloc(parallel, sizeof(*verdicts));
	const char **ids = xcalloc(parallel, sizeof(*ids));
	size_t *chosen = xcalloc(parallel, sizeof(*chosen));
	int ret = 0;

	*tested = choose_candidates(r, parallel, chosen);
	for (size_t i = 0; i < *tested; i++)
		ids[i] = r->items[chosen[i]].id;
	if (*tested)
		ret = tester->test(tester->arg, ids, *tested, verdicts, err);
	if (!ret)
		ret = mark_round(space, ids, *tested, verdicts, err);
	free(chosen);
	free(ids);
	free(verdicts);
	return ret;
}

static void fill_answer(const struct bisect_remaining *r, struct bisect_answer *a)
{
	a->suspects = xcalloc(r->count + 1, sizeof(*a->suspects));
	for (size_t i = 0; i < r->count; i++)
		a->suspects[a->nsuspects++] = xstrdup(r->items[i].id);
	a->suspects[a->nsuspects++] = xstrdup(r->bad);
}

/* Asks what is left, and runs a round over it or, with nothing left to test, fills the answer. */
static int search_once(struct bisect_space *space, size_t parallel,
		       const struct bisect_tester *tester, struct bisect_answer *answer, bool *done,
		       struct error *err)
{
	struct bisect_remaining r = {0};
	size_t tested = 0;
	int ret;

	if (cancel_requested())
		return cancel_error(err);
	ret = space->ops->remaining(space, &r, err);
	if (ret)
		goto out;
	if (tester->round)
		tester->round(tester->arg, r.total, bisect_rounds_left(r.total, parallel));
	ret = run_round(space, &r, parallel, tester, &tested, err);
	if (ret)
		goto out;
	*done = !tested;
	if (*done)
		fill_answer(&r, answer);
	else
		answer->rounds++;
out:
	bisect_remaining_free(&r);
	return ret;
}

int bisect_search(struct bisect_space *space, size_t parallel, const struct bisect_tester *tester,
		  struct bisect_answer *answer, struct error *err)
{
	bool done = false;

	*answer = (struct bisect_answer){0};
	while (!done) {
		int ret = search_once(space, parallel, tester, answer, &done, err);

		if (ret)
			return ret;
	}
	return 0;
}
