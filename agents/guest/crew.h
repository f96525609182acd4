/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crew.h - L2s run on the CPUs of a Linux L1, L2 i on CPU i % ncpus, and are timed.
 *
 * In turn: one thread, which goes from CPU to CPU. At once: a pinned thread for each CPU, all from one barrier on. With
 * threads of their own: a pinned thread for each L2 vCPU, likewise.
 */
#ifndef AGENTS_GUEST_CREW_H
#define AGENTS_GUEST_CREW_H

#include "agents/guest/l2set.h"
#include "common/histogram.h"

struct figures {
	struct histogram change; /* clock units of each KVM_RUN */
	uint64_t switches;
	uint64_t ticks; /* of all rounds; at once: of the CPU that took longest */
};

/* The calling thread runs on this CPU of L1 from now on. 0, or a negative errno. */
int crew_pin(uint32_t cpu);

/* KVM_RUN of an L2, timed from L1's userspace and back to it, and checked after. As of l2vm.h. */
int crew_run_turn(struct l2vm *l2, struct figures *f);

/* @rounds of all L2s on @ncpus CPUs; what is measured is added to @f. */
int crew_run_rounds(struct l2set *set, uint32_t ncpus, bool at_once, uint32_t rounds,
		    struct figures *f);

/* @rounds of all L2s, each in a thread of its own, which yields after each KVM_RUN; as crew_run_rounds(). */
int crew_run_rounds_in_threads(struct l2set *set, uint32_t ncpus, uint32_t rounds,
			       struct figures *f);

/* What a thread does for its L2 vCPU, as of l2vm.h. One that fails ends the process: others may wait for it. */
/* @run for each L2 vCPU: one after the other on CPU 0, or each in a thread of its own. Adds to *ticks how long all took.
 * One that fails ends the process, once the sink was told: others may wait for it for ever. */
int crew_run_each(struct l2set *set, uint32_t ncpus, bool in_threads,
		  int (*run)(struct l2vm *l2, void *arg), void *arg, uint64_t *ticks);

#endif
