/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * places.h - where things are on this machine, found once: the same for a checkout and for an
 * installed nestlab, for every command and for the engine.
 */
#ifndef ORCHESTRATOR_PLACES_H
#define ORCHESTRATOR_PLACES_H

#include "common/folders.h"

struct places { /* free with places_free() */
	/* $NESTLAB_ROOT, else the checkout that the program was built in, else PREFIX/share/nestlab. */
	char *root;
	/* Folders of NAME.json files: the user's own are `kernels`, `scenarios`, `hosts`, `policies` in
	 * $XDG_CONFIG_HOME/nestlab (~/.config/nestlab), those shipped are in root. */
	struct folders variants, scenarios, hosts, policies;
	/* Where `nestlab kernel import` writes: root's kernels, if that is a checkout or $NESTLAB_ROOT and
	 * the user may write to it; else his own. */
	char *imports;
	char *cache;	/* $NESTLAB_CACHE, else $XDG_CACHE_HOME/nestlab, else ~/.cache/nestlab */
	char *programs; /* the folder of this program, and of all others of nestlab's */
	char *agent;	/* the nestlab-agent there */
	/* The agent and its L1 with their symbols, for `nestlab explain`: of the build, or installed. */
	char *agent_symbols, *l1_symbols;
	/* --db, as an absolute path; else results/nestlab.db of the checkout; for an installed nestlab
	 * $XDG_DATA_HOME/nestlab/nestlab.db (~/.local/share). */
	char *db;
	char *explanations; /* beside the database (results/explain/keep.h) */
	char *runs;	    /* boots' consoles and records: `runs` beside the database */
};

/* Neither makes nor checks anything. @db_option: the value of --db, or NULL. */
void places_find(struct places *p, const char *db_option);
void places_free(struct places *p);

#endif
