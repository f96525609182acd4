/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_vmm.h - what runs a Linux L1: a row for each word of PLAN_VMMS (agents/wire/words.h). l1_linux.c talks to L1
 * through it, and is the same for all of them.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told why not, or a negative errno about
 * which nothing was said. A VMM is always closed, also after an error of open().
 */
#ifndef AGENTS_L0_VMM_L1_VMM_H
#define AGENTS_L0_VMM_L1_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/sink.h"
#include "agents/l0/vmm/l1_stay.h"
#include "agents/wire/protocol.h"

struct kvm_stats;

/* How a move went. Times are of L0's clock, in microseconds. */
struct l1_moved {
	uint64_t downtime_us; /* from L1's stop to its running again */
	uint64_t duration_us; /* from the order to the end */
	uint64_t bytes;	      /* of state and memory */
	uint64_t passes;      /* over L1's memory */
	uint64_t pages;	      /* of L2s, that lay in memory which was unplugged */
	bool wants_l2; /* asked: through a file, and it is to be stopped like that (QEMU alone) */
	bool in_l2;    /* through a file: L1's vCPU 0 was running an L2 when it was stopped */
	enum l1_stay stay; /* not L1_STAY_NOT: it did not move, and runs on where it was */
	char why[L1_STAY_WHY];
};

struct l1_vmm {
	/* Makes the L1 of @m with @kernel (a vmlinux) loaded; nothing of it runs yet. The mail page has its magic
	 * (agents/guest/mail.h), the rest of its head is 0. *vmm is what the others take. */
	int (*open)(const struct plan_measure *m, const char *kernel, struct sink *s, void **vmm);
	/* @len bytes of L1's mail page, from @at on: out of it, and into it. */
	int (*peek)(void *vmm, size_t at, void *to, size_t len);
	int (*poke)(void *vmm, size_t at, const void *from, size_t len);
	/* Runs L1 until it rings. A death, a panic and @limit_s seconds of silence are failures, which the sink is
	 * told with the end of L1's console. */
	int (*run)(void *vmm, unsigned int limit_s);
	/* The same for @ms milliseconds at most, which may pass: *rung says which. NULL where L1 runs only while the
	 * agent waits for it. */
	int (*wait)(void *vmm, unsigned int ms, bool *rung);
	/* Moves the running L1 to another VMM on this host: @live, or through a file. NULL: it cannot. */
	int (*move)(void *vmm, bool live, struct l1_moved *out);
	/* Saves the running L1 for another boot (handover.h); it is gone then. open() brings it there. NULL: it cannot. */
	int (*leave)(void *vmm);
	/* Sends the running L1 to another host, to whose arrive() it comes (agents/wire/crossing.h): downtime_us is up to its
	 * last byte's leaving, and it is gone then. @why is not empty: it stayed, for this reason, and runs on; *rung: it rang
	 * before, and runs on as well. NULL: it cannot. */
	int (*depart)(void *vmm, struct l1_moved *out, bool *rung, char *why);
	/* After an open() that made none: takes an L1 in that depart() sends. downtime_us is from the first of the bytes that were
	 * sent while it stood still, `bytes`. */
	int (*arrive)(void *vmm, struct l1_moved *out);
	/* Writes the running L1 to a file, and lets it run on: downtime_us is how long it stood still. NULL: it cannot. */
	int (*snapshot)(void *vmm, struct l1_moved *out);
	/* L1 is what it was at the last snapshot, in a new VMM, and runs: duration_us is how long that took. */
	int (*revert)(void *vmm, struct l1_moved *out);
	/* Leaves L1 @megabytes of memory in all, or gives it back; until L1 has: *us. Ends early if L1 rings: *rung. NULL:
	 * it cannot. */
	int (*set_memory)(void *vmm, uint32_t megabytes, uint64_t *us, bool *rung);
	/* KVM's statistics of L1 from now on, for kvm_stats_end(); NULL: there are none. */
	struct kvm_stats *(*stats)(void *vmm);
	/* A measurement begins, which need not be open()'s, and one has ended in which L1 may ask for its memory to be changed
	 * (thin.h). NULL: that is nothing to it. */
	void (*begin)(void *vmm, const struct plan_measure *m);
	int (*end)(void *vmm);
	/* NULL: L0 cannot tell. Did L1 enter its last L2 by an enlightened VMCS? */
	bool (*uses_evmcs)(void *vmm);
	void (*kill)(void *vmm);   /* by SIGKILL, what runs L1 */
	void (*close)(void *vmm);  /* NULL is allowed */
	unsigned int boot_limit_s; /* of L0's clock, up to its agent's first word; 0: the usual */
	bool numbers_anew; /* L1 says who it is with each measurement, and numbers its records from 0 */
};

extern const struct l1_vmm l1_vmm_thin, l1_vmm_qemu, l1_vmm_libvirt;
extern const struct l1_vmm l1_vmm_disk; /* QEMU with an L1 on a disk (l1_disk.h) */

#endif
