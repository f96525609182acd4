/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * step.h - one step of a bisect: build, boot, judge, and remember. The tester that
 * bisect_search() and bisect_ddmin() are given.
 *
 *	stored verdict			taken, nothing is done
 *	does not build			skip
 *	same bzImage as a judged one	its verdict, without a boot
 *	boots that fail as guests	more boots; too many: skip
 *	boots that fail for the host	more boots; too many: the bisect stops and can be resumed
 *	nearer to one end, surely	good or bad
 *	not sure			more boots, to the maximum; then skip
 *
 * What it needs of the world comes through struct bisect_lab, so that it can be tested without a
 * kernel. Boots are counted from the database: one that ended is never made again.
 */
#ifndef ORCHESTRATOR_BISECT_STEP_H
#define ORCHESTRATOR_BISECT_STEP_H

#include "orchestrator/bisect/position.h"
#include "results/store/bisect.h"

struct bisect_built {	    /* free with bisect_built_free() */
	char *why;	    /* NULL, or why there is no kernel: one line */
	char *variant;	    /* what the engine is told to boot */
	char *key, *sha256; /* kernel key, SHA-256 of the bzImage */
};
void bisect_built_free(struct bisect_built *b);

struct bisect_lab {
	/* Builds @n candidates, at once if it can. A negative errno: infrastructure. */
	int (*build)(void *arg, const char *const *ids, size_t n, struct bisect_built *out,
		     struct error *err);
	/* Boots each kernel @boots times, numbered from @first, and stores every boot under
	 * @session, whatever becomes of it. Boot N's seed is the request's plus @seed_offset plus
	 * N - 1. */
	int (*boot)(void *arg, const char *session, const struct bisect_built *const *kernels,
		    size_t n, int first, int boots, uint64_t seed_offset, struct error *err);
	/* Compares two kernels by their boots in @session, which are looked at @looks times as they grow.
	 * -ENODATA: one has no number. */
	int (*compare)(void *arg, const char *session, const char *base_key, const char *new_key,
		       int looks, struct bisect_ratio *out, struct error *err);
	void *arg;
};

/* Boots under another session than the bisect's own are to be new ones: their seeds start beyond all
 * that its boots, retries included, may have used. */
#define BISECT_FRESH_SEEDS 1000

struct bisect_limits {
	int boots, max_boots; /* of a step, at first and at most */
	int guest_failures;   /* so many boots may fail as guests before a step is skipped */
	int host_failures;    /* and for the host, before the bisect stops */
	double threshold;     /* percent; 0: halfway between the ends */
};

/* The looks at growing data: @boots, twice as many, ..., @max_boots. Numbered from 1. */
int bisect_looks(const struct bisect_limits *l);
int bisect_boots_at_look(const struct bisect_limits *l, int look);

struct bisect_session {
	struct results_db *db;
	int64_t id; /* results_bisect_create() */
	const char *session;
	const char *good, *bad; /* the ends' candidates */
	struct bisect_lab lab;
	struct bisect_limits limits;
	/* NULL, or told of every new verdict. */
	void (*on_step)(void *arg, const struct results_bisect_step *step);
	void *arg;

	/* set by bisect_check_ends() */
	struct bisect_ends ends;
	struct bisect_ratio between;  /* bad / good */
	struct bisect_built built[2]; /* good, bad */
	/* every step so far, loaded by bisect_check_ends() */
	struct results_bisect_step *steps;
	size_t nsteps;
	int boots_made; /* by this process */
};

/*
 * Builds and boots the ends. -EDOM, with the numbers, unless they differ beyond doubt; -ENOEXEC if
 * one does not build or boot; -ERANGE: see bisect_border().
 */
int bisect_check_ends(struct bisect_session *s, struct error *err);
void bisect_session_release(struct bisect_session *s);

/* struct bisect_tester's test(); @arg is the session. */
int bisect_test(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		struct error *err);

/* The step of a candidate; NULL if it has none yet. */
const struct results_bisect_step *bisect_find_step(const struct bisect_session *s, const char *id);

/*
 * Brings each kernel to @boots passed boots in @session. @failed has @n entries: kernel i is booted
 * where failed[i] is NULL, which then stays NULL or becomes why it will never get there; the caller
 * frees each. -EAGAIN: the host failed too often.
 */
int bisect_fill_boots(struct bisect_session *s, const char *session,
		      const struct bisect_built *const *kernels, size_t n, int boots, char **failed,
		      struct error *err);

/* ---- the culprit, tested again ---- */

struct bisect_confirmation {
	bool confirmed;
	bool reverted;		    /* a revert was tested too */
	struct bisect_ratio itself; /* culprit / parent */
	struct bisect_ratio revert; /* bad end / bad end without the culprit */
	char text[ERROR_TEXT_MAX];  /* what was seen, for people */
};

/*
 * Boots @parent and @culprit afresh, and (unless @revert is NULL) the bad end and @revert, which is
 * the bad end without the culprit. Confirmed: both pairs differ beyond doubt, the same way as the
 * ends do.
 */
int bisect_confirm(struct bisect_session *s, const char *parent, const char *culprit,
		   const char *revert, struct bisect_confirmation *out, struct error *err);

#endif
