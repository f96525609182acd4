/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - WHEN: builds what is missing, makes the images, boots kernels in turn, stores each boot.
 *
 * Boots are interleaved: boot 1 of each kernel, then boot 2 in the opposite order, so that whatever
 * drifts on the host drifts for all. Boot N of every kernel has the same seed, base seed + N - 1:
 * it moves what should not matter (page placement, timer phase), so that boots differ by the noise
 * that a user's machine would have.
 *
 * Kernels are built one after the other while those that are there already boot (builder.h): "boot 1
 * of A" runs while B compiles, and so may boot 2 of A. On the emulated clock that biases nothing: its
 * time is the guest's instructions, the same on a busy and on an idle machine, early and late. On a
 * host with a real clock (host_driver.clock: HOST_CLOCK_TSC) a build would disturb what is measured on
 * the same machine, and boots of A all before those of B would give A another temperature and
 * time of day: there every kernel is built before the first boot. Where all kernels are there the
 * order of the boots is the same everywhere.
 *
 * One thread drives all boots (loop.h), as many at once as the host takes; the builds have another.
 *
 * A boot's files are in RUNS/SESSION/KERNEL-SCENARIO-N/: console.log, records.jsonl, what the driver
 * keeps. RUNS is `runs` beside the database.
 */
#ifndef ORCHESTRATOR_ENGINE_RUN_H
#define ORCHESTRATOR_ENGINE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "results/store/store.h"

#define RUN_SESSION_MAX 32

struct run_request {		      /* borrowed strings */
	const char *const *scenarios; /* names in scenarios/, or paths */
	size_t nscenarios;
	const char *const *kernels; /* variants' names, or paths of their JSON files */
	size_t nkernels;
	const char *l1_kernel; /* the variant that Linux L1s boot; NULL: what each plan names, or
				* KERNEL_L1_DEFAULT */
	const char *l1_image;  /* the disk that L1s of the user's boot from; NULL: none */
	const char *host;      /* host_find() */
	const char *append;    /* more boot parameters, NULL: none; part of the host's identity */
	const char *session;   /* from run_new_session() */
	const char *runs_dir;
	const char *command;   /* the command line, for the record */
	uint64_t seed;	       /* base seed */
	int first_boot, boots; /* boots first_boot .. first_boot + boots - 1 of each kernel */
};

struct run_summary {
	int boots;			   /* that ran to their end and passed */
	int failed[RESULTS_CANCELLED + 1]; /* boots by class */
	struct error first;		   /* the first failure's text */
	char **kernels; /* the names that the kernels are stored under, as in req->kernels */
	size_t nkernels;
	/* The error of run_execute() is of a kernel that does not build by its own fault (a patch does not
	 * apply, it does not compile): an answer, and no trouble of this machine. */
	bool kernel_at_fault;
	/* It is of a host that cannot do what is asked for: no answer, and the error says what can. */
	bool unfit;
};

void run_summary_free(struct run_summary *summary);

/* "20261123T204512-1a2b": UTC time and process, unique on a machine. */
void run_new_session(char session[RUN_SESSION_MAX]);

/* Can it be done at all? Scenarios, variants, the host and the boot parameters are read, nothing is
 * built, booted or written. run_execute() does the same first. *unfit: as in struct run_summary. */
int run_check(const struct run_request *req, bool *unfit, struct error *err);

/*
 * Does it all. 0 when every boot was made and stored, whatever the boots' own outcome (see
 * @summary, zeroed by the caller; several calls add up in it); a negative errno when it could not be
 * done: a scenario or variant is wrong, a build failed, the host cannot run, the database cannot be
 * written, cancelled. Boots that were started before a failure run to their end and are stored: when
 * the build of B fails, those of A stay.
 */
int run_execute(const struct run_request *req, struct results_db *db, struct run_summary *summary,
		struct error *err);

#endif
