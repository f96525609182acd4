/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health.h - is a host good for measurements? A job of kind `health` boots a known kernel on it: once a day, and
 * at once when it is quarantined. What it says decides: up again, or quarantined.
 */
#ifndef ORCHESTRATOR_DAEMON_POOL_HEALTH_H
#define ORCHESTRATOR_DAEMON_POOL_HEALTH_H

#include "orchestrator/daemon/storage/database.h"

struct health_policy {
	bool wanted;
	const char *kernel, *scenario;
	int64_t period_ms; /* between health jobs of a host that is up */
	int64_t again_ms;  /* after one that was not good */
};
extern struct health_policy health_policy; /* set before the writer starts */

/* Submits the health jobs that are due, and takes those to heart that are over. */
int health_run(struct daemon_db *db, struct error *err);

#endif
