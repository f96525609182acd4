/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_moves.h - what is done to a Linux L1 as a whole while its L2s run: it is moved from VMM to VMM (PLAN_SAVE_RESTORE,
 * PLAN_LIVE_MIGRATE), goes back to snapshots (PLAN_SNAPSHOT_STORM), gives memory up and gets it back (PLAN_L1_BALLOON,
 * PLAN_L1_UNPLUG).
 */
#ifndef AGENTS_L0_VMM_L1_MOVES_H
#define AGENTS_L0_VMM_L1_MOVES_H

#include "agents/l0/vmm/l1_vmm.h"
#include "agents/wire/crossing.h"
#include "common/histogram.h"

struct l1_moves {
	struct histogram downtime, duration; /* clock units; of memory: taking, and giving back */
	uint64_t count, bytes, passes, in_l2, pages;
	struct l1_moved stayed; /* the one that was none, after which there were no more */
};

/* @m->rounds moves, or less if L1 stays where it is, each when all L2s have run again since the one before, at another point each time. L1 was told its
 * plan; it rings afterwards. *rung: it rang before the last one, which only a failure makes it do. As of
 * l1_vmm.h. */
int l1_moves_make(const struct l1_vmm *how, void *vmm, const struct plan_measure *m, struct sink *s,
		  struct l1_moves *moves, bool *rung);

/* L1 leaves for another host (@m->destination) when all its L2s have run. @why is not empty: it stayed, for this reason. */
int l1_moves_depart(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
		    struct sink *s, struct l1_moves *moves, bool *rung, char why[CROSSING_TEXT]);
/* L1 has come from another one (@moved), and all its L2s run on. */
int l1_moves_settle(const struct l1_vmm *how, void *vmm, const struct plan_measure *m,
		    struct sink *s, const struct l1_moved *moved, struct l1_moves *moves,
		    bool *rung);

/* Metrics and counters of what was made. */
void l1_moves_tell(struct l1_moves *moves, const struct plan_measure *m, struct sink *s);

#endif
