/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lease.h - who works at which boot, and for how long that is believed. A lease names a boot and an epoch
 * (its attempts are counted); what comes with another epoch is not listened to.
 */
#ifndef ORCHESTRATOR_DAEMON_QUEUE_LEASE_H
#define ORCHESTRATOR_DAEMON_QUEUE_LEASE_H

#include "orchestrator/daemon/storage/database.h"

struct lease_policy {
	int64_t heartbeat_ms; /* how often a holder has to say that it lives */
	int64_t lease_ms;     /* silence after which it does not */
	int tries;	      /* failures of the infrastructure before a boot fails */
	int64_t backoff_ms;   /* after the first of them; five times that after the next, ... */
};
extern struct lease_policy lease_policy; /* set before the writer starts */

struct lease_ask { /* borrowed */
	const char *agent, *host;
	const char *pool;		   /* or NULL */
	struct json_object *tags, *serves; /* arrays of names */
	bool shared;			   /* can it reach the database of all results? */
};

struct lease_grant { /* free with lease_grant_free() */
	char *boot, *job, *request;
	char *tags; /* what it needs of its host, a JSON array; NULL: nothing */
	int64_t epoch;
	bool shared;
};
void lease_grant_free(struct lease_grant *g);

/*
 * The boot that is next for this host. 1: @out is it; 0: there is none.
 *
 * By priority, then by what the owner used lately (core-seconds, halved every 12 hours), then by age; but one
 * of every LEASE_NIGHT_SHARE goes to the nights, whatever the priority, while any is there for the host. A
 * boot that failed on a host by the infrastructure's fault goes to another, if there is one alike.
 */
#define LEASE_NIGHT_SHARE 4
int lease_claim(struct daemon_db *db, const struct lease_ask *ask, struct lease_grant *out,
		struct error *err);

/* The holder lives. @progress: JSON, or NULL. -ESTALE: it has lost the lease, and is to stop. */
int lease_renew(struct daemon_db *db, const char *boot, int64_t epoch, const char *progress,
		struct error *err);

/*
 * The attempt failed without a result. Class "infrastructure": the boot is tried again after a while, at most
 * lease_policy.tries times and on three hosts; any other class ends the boot and its job. @outcome: "failed",
 * "lost" (nobody knows what became of it). -ESTALE as above.
 */
int lease_fail(struct daemon_db *db, const char *boot, int64_t epoch, const char *outcome,
	       const char *class, const char *why, struct error *err);

/* The same of an attempt whose result turned out to be the infrastructure's trouble (import.h). */
int lease_reject(struct daemon_db *db, const char *boot, int64_t epoch, const char *class,
		 const char *why, struct error *err);

/* Nobody is to blame that nothing came of it: the boot is queued again at once. -ESTALE as above. */
int lease_give_back(struct daemon_db *db, const char *boot, int64_t epoch, const char *why,
		    struct error *err);

/* Daemon's start: who holds a lease has had nobody to renew it with, and gets a whole period. */
int lease_grace(struct daemon_db *db, struct error *err);

/* Leases whose holder was silent for too long: each attempt is lost. */
int lease_expire(struct daemon_db *db, struct error *err);

/* An attempt has ended: its time is the owner's. */
int lease_account(struct daemon_db *db, int64_t boot, int64_t epoch, struct error *err);

#endif
