/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * search.h - which candidates to test next, and when the answer is known.
 *
 * A space is an ordered or partially ordered set of candidates with a good end and a bad end, and
 * the marks they were given: commits (git.h) or the prefixes of a series (line.h). The
 * search asks the space what may still be the culprit, chooses k candidates that cut it into k + 1
 * parts of equal size, has them tested, marks them, and goes on until one is left. It keeps nothing
 * of its own: given the same verdicts it asks the same questions in the same order, so a killed
 * search is resumed by running it again over the verdicts that were stored.
 *
 * "Bad" means "like the bad end". Nothing here knows what is measured.
 */
#ifndef ORCHESTRATOR_BISECT_SEARCH_H
#define ORCHESTRATOR_BISECT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum bisect_verdict { BISECT_UNTESTED, BISECT_GOOD, BISECT_BAD, BISECT_SKIP };
const char *bisect_verdict_name(enum bisect_verdict v);	    /* "untested", "good", "bad", "skip" */
enum bisect_verdict bisect_verdict_parse(const char *name); /* BISECT_UNTESTED for any other word */

struct bisect_candidate {
	char *id;
	long reach;   /* how many of the remaining candidates it contains, with itself */
	bool skipped; /* was tested and could not be judged */
};

/* What the marks leave. */
struct bisect_remaining {
	struct bisect_candidate *items; /* all that may be the culprit, but @bad */
	size_t count;
	long total;    /* with @bad */
	char *bad;     /* the earliest known bad one: the culprit if there are no items */
	bool required; /* the items must all be tested first (merge bases) */
};
void bisect_remaining_free(struct bisect_remaining *r);

struct bisect_space;
struct bisect_space_ops {
	int (*remaining)(struct bisect_space *s, struct bisect_remaining *out, struct error *err);
	/* -EXDEV: the verdict contradicts what a bisection assumes; @err says how. */
	int (*mark)(struct bisect_space *s, const char *id, enum bisect_verdict v,
		    struct error *err);
	/* The candidate right before @id; NULL if there is none. The caller frees. */
	char *(*parent)(struct bisect_space *s, const char *id);
	/* One line for people: subject of a commit, name of a patch. The caller frees. */
	char *(*describe)(struct bisect_space *s, const char *id);
	void (*release)(struct bisect_space *s);
};
struct bisect_space {
	const struct bisect_space_ops *ops;
};

/*
 * Tests @n candidates (at once, if it can) and sets a verdict for each: good, bad or skip. A
 * negative errno ends the search; it can be resumed.
 */
struct bisect_tester {
	int (*test)(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		    struct error *err);
	/* NULL, or told before each round: candidates that may be the culprit, rounds to come. */
	void (*round)(void *arg, long left, int rounds);
	void *arg;
};

struct bisect_answer {	 /* free with bisect_answer_free() */
	char **suspects; /* one: the culprit. More: skips hide which of them it is */
	size_t nsuspects;
	int rounds;
};
void bisect_answer_free(struct bisect_answer *a);

/* Runs the search with @parallel (>= 1) candidates a round. */
int bisect_search(struct bisect_space *space, size_t parallel, const struct bisect_tester *tester,
		  struct bisect_answer *answer, struct error *err);

/* Rounds until one of @total is left, with @k tested in each. */
int bisect_rounds_left(long total, size_t k);

#endif
