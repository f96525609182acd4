/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.h - who does the work: takes boots from a daemon, starts a nestlab process for each, and brings what came
 * of it. It asks; nothing listens on its machine. The one that works beside a daemon is such an agent, too: so the
 * daemon can be restarted while boots run.
 *
 * A result is on the agent's disk until the daemon has answered for it. If the agent itself is killed, its
 * processes end with it; when it starts again, it brings what had ended and says of the rest that it is lost.
 */
#ifndef ORCHESTRATOR_DAEMON_AGENT_AGENT_H
#define ORCHESTRATOR_DAEMON_AGENT_AGENT_H

#include <stddef.h>

#include "common/error.h"

#define AGENT_SLOTS_MAX 256
#define AGENT_FARM_MAX	4096 /* with slurm: no threads */

struct agent_setting {	     /* borrowed */
	const char *url;     /* NULL: as client_open() */
	const char *spool;   /* folder, made if need be */
	const char *host;    /* this machine's name in the daemon; a plain name */
	const char *pool;    /* or NULL */
	const char *tags;    /* "a,b"; or NULL */
	const char *serves;  /* names of host files, "emulated,rack7"; or NULL */
	const char *program; /* nestlab */
	/* NULL, or words before the program: what takes it to where it runs, "srun --gres=emulator:1". The spool has to
	 * be there under the same path; {} stands for the attempt's name. */
	const char *with;
	size_t slots; /* boots at once */
	/* NULL, or options of sbatch, "--gres=emulator:1 --partition=lab": boots are handed to Slurm (farm.h). */
	const char *slurm;
	int reconcile_ms; /* how often Slurm is asked what it knows; with slurm */
};

/* Works until a cancel (common/cancel.h); then what runs is ended and given back. -EBUSY: another agent has
 * the spool. */
int agent_run(const struct agent_setting *setting, struct error *err);

#endif
