/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spool.h - what an agent has on its disk of a boot that it was given: until the daemon has answered for its
 * result, it is there, whoever is killed meanwhile.
 *
 *	SPOOL/BOOT.EPOCH/lease.json	what was leased
 *			request.json	what is carried out
 *			results.db	what it stores; runs/ has its console
 *			log		what it prints
 *			command, begun	how Slurm runs it; made by the copy that does (farm.h)
 *			pages/		of a sign-off
 *			exit		its exit status, once it has ended
 */
#ifndef ORCHESTRATOR_DAEMON_AGENT_SPOOL_H
#define ORCHESTRATOR_DAEMON_AGENT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define SPOOL_PAGES "pages"

struct spooled { /* free with spooled_free() */
	char *folder;
	char *boot, *job, *command; /* command: the request's kind: "run", ... */
	char *tags;		    /* what it needs of its host: "a,b"; "" */
	char *results;		    /* the database of all results, if it reads that; else NULL */
	int64_t epoch, heartbeat_ms;
	int status; /* exit status; -1: it has not ended */
};
void spooled_free(struct spooled *s);
char *spooled_path(const struct spooled *s, const char *name); /* the caller frees */

struct json_object;
/* Writes down a lease, as the daemon gave it. */
int spool_add(const char *spool, struct json_object *lease, struct spooled *out, struct error *err);
/* Reads one that is there: "BOOT.EPOCH". */
int spool_load(const char *spool, const char *name, struct spooled *out, struct error *err);
/* Notes that its command has ended. */
int spool_end(struct spooled *s, int status, struct error *err);
/* The daemon has it, or does not want it: what nobody needs any more is removed. Consoles stay in runs/, and what
 * the emulator said of a boot that did not pass. */
int spool_drop(struct spooled *s, struct error *err);

#endif
