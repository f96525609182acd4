/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retention.h - what a daemon's folder and the cache need not keep any more: logs and consoles by the age and end
 * of their job, kernels, images and built trees by their last use once they take too much room. Results are kept for ever.
 *
 * Kept whatever its age: what belongs to a job that is not over, or that one of those came from or waits for;
 * to the last two nights of a schedule, or to those that a change which is not settled lies between; to a sign-off;
 * what an agent has still to deliver. A tree that commits are built from (git-...) stays while a job builds commits. Nothing here waits
 * for a job or takes a lock: each thing is looked up in the queue at the moment when it would go.
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_RETENTION_H
#define ORCHESTRATOR_DAEMON_STORAGE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct retention_setting {
	const char *state;   /* nestlabd's folder */
	const char *results; /* its database of results */
	const char *cache;   /* as places.h has it */
	int64_t passed_days; /* logs and consoles of what was good */
	int64_t failed_days; /* of what was not, or of what nobody knows */
	uint64_t
		cache_bytes; /* kernels, images and trees, each; above that the longest unused go */
	bool dry_run;	     /* only tell */
	/* Called before each goes. @why: "passed, 120 days old" */
	void (*tell)(void *arg, const char *path, uint64_t bytes, const char *why);
	void *arg;
};

struct retention_sum {
	uint64_t count, bytes; /* gone, or would go */
};

/* What cannot be removed is an error of the end: the rest goes first. */
int retention_clean(const struct retention_setting *set, struct retention_sum *sum,
		    struct error *err);

#endif
