/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * farm.h - an agent whose boots Slurm runs: it takes as many as it has slots, hands them over as job arrays (one for each set of
 * features), watches their folders on the disk that all nodes share, and brings what is there.
 *
 * The daemon's row is the truth. A boot is handed over after its lease is committed and written down here. What Slurm does not know
 * any more, twice in a row, and that left no result is given back: the daemon queues it again under the next epoch. Slurm itself
 * repeats nothing (--no-requeue), and of two copies of an attempt the second finds `begun` in its folder and goes away; of
 * two attempts the daemon takes the newer one's result.
 *
 *	SPOOL/NAME.array/script, folders	what Slurm runs, and where: line N + 1 is task N's folder
 *	SPOOL/BOOT.EPOCH/command		the boot's command line
 *	SPOOL/BOOT.EPOCH/begun/			made by the copy that runs it
 *	SPOOL/BOOT.EPOCH/slurm			"JOB_TASK"
 *	SPOOL/BOOT.EPOCH/status			its exit status, at its end
 *
 * A cancel ends the agent alone: Slurm goes on, and the next start takes up what it finds.
 */
#ifndef ORCHESTRATOR_DAEMON_AGENT_FARM_H
#define ORCHESTRATOR_DAEMON_AGENT_FARM_H

#include "orchestrator/daemon/agent/agent.h"

/* Works until a cancel. The caller holds the spool's lock. */
int farm_run(const struct agent_setting *set, struct error *err);

#endif
