/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host.h - machines that boots run on. A host is there once its agent has asked for work; it gets some while
 * it is up, or reserved for the owner of the work. After host_infra_max failures of the infrastructure in a row
 * it is quarantined: it gets nothing but a health job, and is up again when that was good.
 */
#ifndef ORCHESTRATOR_DAEMON_POOL_HOST_H
#define ORCHESTRATOR_DAEMON_POOL_HOST_H

#include "orchestrator/daemon/storage/database.h"

/* Failures of the infrastructure in a row before a host is quarantined (default: 3). Set before the writer starts. */
extern int host_infra_max;
/* A new host shows what it is good for after so long (default: a day): not before those who wait. Set likewise. */
extern int64_t host_first_health_ms;

struct host_news { /* what an agent says of its host; borrowed */
	const char *name;
	const char *pool;   /* or NULL */
	const char *tags;   /* JSON array of names */
	const char *serves; /* JSON array: names of host files */
};

/* Adds it or takes over what has changed. */
int host_seen(struct daemon_db *db, const struct host_news *news, struct error *err);

/* A boot on it went well (@infra false) or failed by the infrastructure's fault. */
int host_count(struct daemon_db *db, const char *name, bool infra, struct error *err);

/* @state: "up", "draining", "quarantined", "reserved" (for @whose), "retired". -ENOENT: no such host. */
int host_set_state(struct daemon_db *db, const char *name, const char *state, const char *whose,
		   const char *reason, const char *by, struct error *err);

/* May it have work of @owner now? */
int host_is_open(struct daemon_db *db, const char *name, const char *owner, bool *open,
		 struct error *err);

#endif
