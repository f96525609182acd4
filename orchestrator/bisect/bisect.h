/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bisect.h - a whole bisect, from its request to its answer: ends, search, confirmation. It prints
 * its progress, is stored in the database after each step (results/store/bisect.h), and can be
 * resumed from there.
 */
#ifndef ORCHESTRATOR_BISECT_BISECT_H
#define ORCHESTRATOR_BISECT_BISECT_H

#include "common/strbuf.h"
#include "orchestrator/request/request.h"
#include "results/store/bisect.h"

/* How it ended; bisect_exit_status() makes it a program's status. */
enum bisect_end {
	BISECT_CONFIRMED,   /* found, and seen again in fresh boots */
	BISECT_UNCONFIRMED, /* found, but the new boots do not confirm it */
	BISECT_NARROWED,    /* one of several, which could not be judged */
	BISECT_REFUSED,	    /* the ends do not differ beyond doubt, or cannot be measured */
};
int bisect_exit_status(enum bisect_end end); /* 0, EXIT_NO, EXIT_CANNOT_TELL twice */

/*
 * Starts one: stores the request (of kind REQUEST_BISECT) under a new session (RUN_SESSION_MAX bytes). Nothing is built or
 * booted yet, but -EINVAL says what is wrong with the request.
 */
int bisect_start(struct results_db *db, const char *runs, const struct request *request,
		 char *session, struct error *err);

/*
 * Runs a bisect to its end, or continues one that was interrupted. -EBUSY: another process is
 * running it. Any other error is trouble with the infrastructure: the finished steps are stored,
 * and a later call continues. The answer for people is appended to @report, and stored as JSON.
 */
int bisect_run(struct results_db *db, const char *runs, const struct results_bisect *b,
	       enum bisect_end *end, struct strbuf *report, struct error *err);

/* The log that `git bisect replay` takes (git ranges), or the same words as comments. */
int bisect_log(struct results_db *db, const char *runs, const struct results_bisect *b,
	       struct strbuf *log, struct error *err);

#endif
