/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * job.h - jobs: from what was asked for to how it ended. All of it runs in the writer's transaction.
 *
 *	held <--> waiting (for another job) --> queued --> running --> judging --> done
 *	                                 any of these --> failed (class), cancelled
 *
 * queued: its boots can be leased; running: one was; judging: all results are in. docs/daemon.md has the
 * boots' own states.
 */
#ifndef ORCHESTRATOR_DAEMON_QUEUE_JOB_H
#define ORCHESTRATOR_DAEMON_QUEUE_JOB_H

#include "orchestrator/daemon/storage/database.h"

#define JOB_PRIORITY_DEFAULT 50

struct job_order {	     /* borrowed */
	const char *kind;    /* NULL: the request's */
	const char *request; /* JSON; where it came from is "request" in messages */
	const char *owner;
	int priority;
	bool hold;
	const char *after, *parent, *schedule; /* or NULL */
	const char *idempotency;	       /* the owner's key; or NULL */
	int64_t deadline_ms;		       /* from now; 0: none */
	const char *pool, *tags, *host;	       /* or NULL */
};

/*
 * Checks the request, cuts it and queues it. The same owner and key again give the job that is there
 * (*again); -EEXIST: the key was used for another request. -EINVAL: the request; -ENOENT: `after`; -E2BIG.
 */
int job_submit(struct daemon_db *db, const struct job_order *order, char uid[DAEMON_TIME_MAX],
	       bool *again, struct error *err);

/* Each: -ENOENT: no such job; -EEXIST: its state does not allow that (the message names it). @by: who
 * asked, for the event. */
int job_hold(struct daemon_db *db, const char *uid, const char *by, struct error *err);
int job_release(struct daemon_db *db, const char *uid, const char *by, struct error *err);
int job_cancel(struct daemon_db *db, const char *uid, const char *by, struct error *err);
int job_set_priority(struct daemon_db *db, const char *uid, int priority, struct error *err);
/* A job that failed or was cancelled goes on: its boots that have no result are tried anew. -EPERM: one of
 * them has ended three hosts, and never runs again. */
int job_retry(struct daemon_db *db, const char *uid, const char *by, struct error *err);

/* The job's row number. -ENOENT: there is none. */
int job_find(struct daemon_db *db, const char *uid, int64_t *id, struct error *err);

/* ---- what boots do to their job ---- */

/* A boot of it was leased. */
int job_started(struct daemon_db *db, int64_t job, struct error *err);
/* A boot came to an end: is the whole over, or all there to be judged? */
int job_settle(struct daemon_db *db, int64_t job, struct error *err);
/* Ends it; what waits for it starts if it is done, and is cancelled if not. No-op if it is over. */
struct job_end {
	const char *state;   /* "done", "failed", "cancelled" */
	const char *verdict; /* or NULL, as the others */
	const char *class, *error;
	int status;
};
int job_finish(struct daemon_db *db, int64_t job, const struct job_end *end, struct error *err);

#endif
