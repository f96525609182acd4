/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slurm.h - what we ask of Slurm: to run an array of boots, which of them it knows, to end one. By its commands (sbatch, squeue,
 * scancel), which every cluster has whatever its version.
 *
 * Its word is never the truth: it forgets jobs that it has acknowledged (killed within 5 s, its controller forgot 3 of 10), and
 * it may run two copies of one (a node whose slurmd died counts as down while its jobs live).
 */
#ifndef ORCHESTRATOR_DAEMON_AGENT_SLURM_H
#define ORCHESTRATOR_DAEMON_AGENT_SLURM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct slurm_order {	      /* borrowed */
	const char *options;  /* of sbatch, blanks between: "--gres=emulator:1" */
	const char *features; /* that nodes must have, "a,b"; "" */
	const char *name;     /* of the job */
	const char *script; /* path; run once for each of them with SLURM_ARRAY_TASK_ID 0, 1, ... */
	size_t count;	    /* tasks, at least 1 */
};
/* *job: its number, which the caller frees. What it says of a failure is in @err. */
int slurm_submit(const struct slurm_order *order, char **job, struct error *err);

struct slurm_known { /* "JOB_TASK" of all that waits or runs; free with slurm_known_free() */
	char *text;
	char **tasks;
	size_t count;
};
/* Of this user's jobs. An error: Slurm does not answer, so nothing is known of anything. */
int slurm_list(struct slurm_known *out, struct error *err);
bool slurm_knows(const struct slurm_known *k, const char *task);
void slurm_known_free(struct slurm_known *k);

/* Ends "JOB_TASK", if it is there. */
void slurm_cancel(const char *task);

#endif
