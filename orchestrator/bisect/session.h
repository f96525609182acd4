/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - a bisect while it runs: its lab, its limits, the verdicts so far, and the boots that a
 * verdict needs.
 *
 * Verdicts and boots are counted from the database. So a bisect that was killed at any moment
 * continues where it was: no verdict is lost, and a finished boot is never made again.
 */
#ifndef ORCHESTRATOR_BISECT_SESSION_H
#define ORCHESTRATOR_BISECT_SESSION_H

#include "orchestrator/bisect/hunt.h"
#include "orchestrator/bisect/lab.h"
#include "orchestrator/bisect/position.h"
#include "results/store/bisect.h"

struct bisect_limits {
	int boots, max_boots; /* of a step, at first and at most */
	int guest_failures;   /* a step is skipped when this many of its boots failed as guests */
	int host_failures;    /* the bisect stops when the host failed this often */
	double threshold;     /* percent; 0: halfway between the ends */
};

enum bisect_end_index { BISECT_GOOD_END, BISECT_BAD_END, BISECT_ENDS };

struct bisect_session {
	struct results_db *db;
	int64_t id; /* results_bisect_create() */
	const char *session;
	const char *good, *bad; /* the ends' candidates */
	struct bisect_lab lab;
	struct bisect_limits limits;
	struct bisect_hunt *hunt; /* the failure that is looked for, borrowed; NULL: a metric is */
	/* NULL, or told of every new verdict. */
	void (*on_step)(void *arg, const struct results_bisect_step *step);
	void *arg;

	/* set by bisect_check_ends() (ends.h) */
	struct bisect_ends ends;
	struct bisect_ratio between; /* bad / good */
	struct bisect_built built[BISECT_ENDS];
	/* every step so far, loaded by bisect_check_ends() */
	struct results_bisect_step *steps;
	size_t nsteps;
	int boots_made; /* by this process */
};
void bisect_session_release(struct bisect_session *s);

/* A step is compared ("a look") when it has limits.boots boots, twice as many, and so on up to
 * limits.max_boots: the significance level is shared among the looks. Where a failure is looked for it need
 * not be (rate.h), so there is a look after every boot or two. Looks count from 1. */
int bisect_count_looks(const struct bisect_session *s);
int bisect_boots_at_look(const struct bisect_session *s, int look);

/* ---- verdicts ---- */

/* The step of a candidate; NULL if it has none yet. */
const struct results_bisect_step *bisect_find_step(const struct bisect_session *s, const char *id);
/* A step whose kernel has these bytes; NULL if there is none. */
const struct results_bisect_step *bisect_find_twin(const struct bisect_session *s,
						   const char *sha256);

struct bisect_finding { /* borrowed */
	const char *candidate;
	const struct bisect_built *built;
	enum bisect_verdict verdict;
	const struct bisect_position *position; /* NULL: unknown */
	int boots;				/* that it was judged by; 0: by its bytes */
	double seconds;				/* wall time of building, booting and judging */
	const char *why;			/* one line */
};
/* Stores a verdict, in the database first, and tells on_step. */
int bisect_record_step(struct bisect_session *s, const struct bisect_finding *f, struct error *err);

/* ---- boots ---- */

/* Boots under another session than the bisect's own have to be new ones: their seeds start beyond
 * all that the bisect's boots, retries included, can have used. */
#define BISECT_FRESH_SEEDS 1000

struct bisect_boots {
	const char *session; /* where they are stored and counted */
	const struct bisect_built *const *kernels;
	size_t n;
	int wanted; /* boots of each kernel that tell: passed ones, or failed in the way looked for */
	/* One per kernel. A kernel is booted while its entry is NULL. It becomes the reason when the
	 * kernel fails too often as a guest; the caller frees each. */
	char **failed;
};
/* The boots of a kernel that tell. */
int bisect_count_boots(const struct bisect_session *s, const char *session, const char *key,
		       int *boots, struct error *err);

/* How often a kernel failed in the way that is looked for; only with a hunt. */
int bisect_count_rate(const struct bisect_session *s, const char *session, const char *key,
		      struct bisect_rate *out, struct error *err);

/* Compares two kernels by the metric, or by how often the boots fail (rate.h); see struct bisect_lab. */
int bisect_compare_kernels(const struct bisect_session *s, const char *session,
			   const char *base_key, const char *new_key, struct bisect_ratio *out,
			   struct error *err);

/*
 * Makes the boots that are missing; those that fail are made again, within the limits. -EAGAIN: the
 * host failed too often; the bisect can be resumed once that is mended.
 */
int bisect_fill_boots(struct bisect_session *s, const struct bisect_boots *b, struct error *err);

#endif
