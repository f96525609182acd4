/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_linux.h - a Linux as L1, from the side of L0: it boots once, and measures what it is asked for, one
 * measurement after the other (agents/guest/mail.h). Its records are checked and passed on with "via".
 */
#ifndef AGENTS_L0_VMM_L1_LINUX_H
#define AGENTS_L0_VMM_L1_LINUX_H

#include <stddef.h>

#include "agents/l0/records/sink.h"
#include "agents/wire/protocol.h"

/* Its vmlinux: /l1/vmlinux. */
extern const char *l1_linux_kernel;

/* How many of the @n measurements from @m on one Linux L1 serves; 0 if the first wants no Linux L1, or
 * another VMM than the agent itself. */
size_t l1_linux_count(const struct plan_measure *m, size_t n);

/*
 * Runs those @n. @s is the first one's. After each but the last, an `end` record is written to the sink, and a
 * byte is read from @ack before anything else is done: then the end and the next one's `begin` are on their
 * way. Ends early, the sink told why, when L1 cannot go on; the rest is for another L1 then.
 */
void l1_linux_run(const struct plan_measure *m, size_t n, struct sink *s, int ack);

/* ---- l1_records.c: what L1 says ---- */

struct l1_records {
	const char *via;	/* the word of PLAN_VMMS */
	uint64_t next;		/* number of L1's next record */
	const char *nested;	/* what L1's KVM must drive L0 with: "vmcs" or "evmcs" */
	const char *hypervisor; /* what L1's CPUID must name below it */
	const char *clock;	/* its clock; NULL: L0 has told it */
};

/* Checks the @len bytes of records that L1 wrote and passes them on: its first one must be its `hello`, all
 * others of measurement @s->id, and of the kinds that a measurement has. 0, or VM_SAID: the sink was told that one
 * is damaged or missing, or that L1 is not the one that was asked for. */
int l1_records_pass(struct l1_records *r, const char *text, size_t len, struct sink *s);

#endif
