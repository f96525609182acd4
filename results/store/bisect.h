/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bisect.h - a bisect's state: what was asked, and the verdict on each candidate so far. Each
 * call is one transaction, so a bisect killed at any moment finds every step that it finished. The
 * boots are rows of `run` under the bisect's session, like any others.
 *
 * Verdicts and candidates are words here: only the orchestrator knows what they mean.
 */
#ifndef RESULTS_STORE_BISECT_H
#define RESULTS_STORE_BISECT_H

#include "results/store/store.h"

struct results_bisect { /* free with results_bisect_free() */
	int64_t id;
	char *session; /* of its boots; unique */
	char *request; /* JSON object: all that is needed to go on */
	char *state;   /* "running", "done", "refused" */
	char *answer;  /* JSON object; "" while running */
	char *started; /* UTC, ISO 8601 */
};

struct results_bisect_step {
	char *candidate;		   /* unique within the bisect */
	char *kernel_key, *bzimage_sha256; /* "" if it was not built */
	char *verdict;			   /* "good", "bad", "skip" */
	double position, low, high;	   /* 0: like the good end, 1: like the bad; NAN: unknown */
	int boots;			   /* passed ones that it was judged by; 0: by its bytes */
	double seconds;			   /* wall time of building, booting and judging */
	char *why;			   /* one line */
};

int results_bisect_create(struct results_db *db, const char *session, const char *request,
			  int64_t *id, struct error *err);
/* The one with that session, or (NULL) the newest. -ENOENT if there is none. */
int results_bisect_find(struct results_db *db, const char *session, struct results_bisect *out,
			struct error *err);
/* The answer of the newest finished bisect whose ends are these (commits, as its request has them), which the caller
 * frees. -ENOENT if there is none. */
int results_bisect_between(struct results_db *db, const char *good, const char *bad, char **answer,
			   struct error *err);
void results_bisect_free(struct results_bisect *b);
int results_bisect_finish(struct results_db *db, int64_t id, const char *state, const char *answer,
			  struct error *err);

/* Adds a step; a candidate that has one already keeps it. */
int results_bisect_add_step(struct results_db *db, int64_t id,
			    const struct results_bisect_step *step, struct error *err);
/* All steps, in the order in which they were added. */
int results_bisect_steps(struct results_db *db, int64_t id, struct results_bisect_step **steps,
			 size_t *n, struct error *err);
void results_bisect_step_free(struct results_bisect_step *step);
void results_bisect_steps_free(struct results_bisect_step *steps, size_t n);

/* The boots of a kernel in a session. */
struct results_tally {
	int last;			  /* highest boot number, 0: none */
	int boots[RESULTS_CANCELLED + 1]; /* by class; RESULTS_OK: passed */
	char *error;			  /* of the newest failed one; "" if none. free() */
};
int results_tally_boots(struct results_db *db, const char *session, const char *kernel_key,
			struct results_tally *out, struct error *err);

/* How one boot ended. */
struct results_ending {
	int boot;
	enum results_class class;
	char *error; /* "" if it passed */
	char *test; /* "pass", "fail", "skip": of the test asked for; "skip" also where a measurement
			was skipped; "" if there is no such row */
};
/* The endings of all boots of a kernel in a session, in the order in which they were stored. @test: a
 * selftest's name, or NULL: only skipped measurements are told. */
int results_boot_endings(struct results_db *db, const char *session, const char *kernel_key,
			 const char *test, struct results_ending **endings, size_t *n,
			 struct error *err);
void results_endings_free(struct results_ending *endings, size_t n);

/* The boots' medians of a metric in a session, in the order of the boots; free(). */
int results_boot_medians(struct results_db *db, const char *session, const char *kernel_key,
			 const char *scenario, const char *metric, double **medians, size_t *n,
			 struct error *err);

#endif
