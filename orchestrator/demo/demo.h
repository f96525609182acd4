/* SPDX-License-Identifier: GPL-2.0-only */
/* demo.h - nestlab daemon demo: nights of seconds over a small history of the real kernel, and what comes of them. */
#ifndef ORCHESTRATOR_DEMO_DEMO_H
#define ORCHESTRATOR_DEMO_DEMO_H

#include <stdbool.h>

#include "common/error.h"
#include "orchestrator/places.h"

struct demo_setting { /* borrowed */
	const struct places *places;
	const char *folder; /* where the daemon works; NULL: a temporary one, which is removed */
	bool leave;	    /* at once when all is shown, and not at Ctrl-C */
};

/* Runs it all. -ECANCELED: Ctrl-C before its end. */
int demo_run(const struct demo_setting *setting, struct error *err);

/*
 * Makes the bare repository @repo of the kernel source @tarball unless it is there: branch "demo" is the source as it
 * is and DEMO_COMMITS commits, one of which is slow. The same source gives the same commits. @tell is called
 * with the share of it that is done.
 */
#define DEMO_COMMITS 4
int demo_history_make(const char *tarball, const char *repo, void (*tell)(void *arg, double share),
		      void *arg, struct error *err);

#endif
