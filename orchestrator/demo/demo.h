/* SPDX-License-Identifier: GPL-2.0-only */
/* demo.h - nestlab daemon demo: nights of seconds over a small history of the real kernel, and what comes of them. */
#ifndef ORCHESTRATOR_DEMO_DEMO_H
#define ORCHESTRATOR_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "orchestrator/places.h"

struct demo_setting { /* borrowed */
	const struct places *places;
	const char *folder; /* where the daemon works; NULL: a temporary one, which is removed */
	bool leave;	    /* at once when all is shown, and not at Ctrl-C */
};

/* Runs it all. -ECANCELED: Ctrl-C before its end; -EBUSY: another one runs. After a failure a temporary folder stays,
 * for its logs. */
int demo_run(const struct demo_setting *setting, struct error *err);

/* Removes what demos leave in the cache: the history, the kernels that were built of it and their trees. @tell is
 * called before each goes. -EBUSY: a demo runs. */
int demo_clean(const struct places *places,
	       void (*tell)(void *arg, const char *path, uint64_t bytes), void *arg,
	       struct error *err);

/* What a demo keeps in the cache: CACHE/demo/linux, and kernels. It is this demo's until it is closed. */
struct demo_cache {
	char *repo;
	int lock; /* -1: not held */
};

/* Builds baseline and makes the history, unless they are there. -EBUSY: another demo runs. @out is to be closed after
 * an error as well. @tell as below. */
int demo_cache_open(const struct places *places, void (*tell)(void *arg, double share), void *arg,
		    struct demo_cache *out, struct error *err);
void demo_cache_close(struct demo_cache *c);

/*
 * Makes the bare repository @repo of the kernel source @tarball unless it is there: branch "demo" is the source as it
 * is and DEMO_COMMITS commits, one of which is slow. The same source gives the same commits. @tell is called
 * with the share of it that is done.
 */
#define DEMO_COMMITS 4
int demo_history_make(const char *tarball, const char *repo, void (*tell)(void *arg, double share),
		      void *arg, struct error *err);

#endif
