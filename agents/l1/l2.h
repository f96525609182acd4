/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2.h - the L2 guest: what L1 and L2 say to each other through L2's own page.
 *
 * L2 runs one command at a time and ends each with an exit to L1: VMCALL, or OUT to L1_PORT where L1 is
 * a Linux, whose KVM gives that to its userspace (agents/guest). L2_CMD_STEP is the one that switches are
 * measured with: its registers and their copy in memory change by L2_STRIDE each time, and both L2 and
 * L1 check them. `fail` has the first thing that L2 found wrong.
 */
#ifndef AGENTS_L1_L2_H
#define AGENTS_L1_L2_H

#include <stdint.h>

#include "agents/l1/abi.h"

#define L2_REGISTERS	   13 /* rax rbx rcx rdx rsi rdi r8..r14; rbp is L2's page, r15 the stride */
#define L2_STACK_TOP(page) ((uint64_t)(page) + L1_PAGE)
#define L2_STRIDE	   0x9e3779b97f4a7c15ull /* odd: 2^64 steps before a pattern comes again */
#define L2_CPUID_LEAF	   0x40000000u		 /* the leaf that L2 reads */
#define L2_IO_PORT	   0x80u
#define L2_VECTOR	   0x41u /* of the interrupt that L2 sends to its own L1 vCPU */
#define L2_ANSWER	   0x600dc0de5a5a1234ull /* what L1 answers for an intercepted MSR */
#define L2_APIC_ANSWER	   0x00050014u		 /* ... and for the APIC version register */
#define L2_POISON	   0xdead00ddeadbeefull /* content of APIC-access pages: must never be seen */
#define L1_GS_VALUE	   0x00007f0012345000ull /* MSR_KERNEL_GS_BASE itself */

enum l2_command { L2_CMD_STEP, L2_CMD_PROVE, L2_CMD_EXITS };

struct l2_fail {       /* L2 found something wrong: what != 0 */
	uint32_t what; /* enum l1_check + 1 */
	uint32_t detail;
	uint64_t expected, found;
};

struct l2_page {		     /* l2_step.S knows the first three offsets */
	uint64_t regs[L2_REGISTERS]; /* copy of the registers */
	uint64_t steps;
	uint64_t command; /* enum l2_command */
	struct l2_fail fail;
	/* L2_CMD_PROVE */
	uint64_t expect_msr; /* reading MSR_KERNEL_GS_BASE must give this */
	uint64_t
		apic; /* address of its APIC-access page, 0 without; in a Linux L1: has it an APIC? */
	uint64_t has_cr8;	    /* TPR shadow: CR8 may be touched */
	uint64_t tpr_now, tpr_next; /* priority class to find and to leave, 0..15 */
	/* L2_CMD_EXITS */
	uint64_t exit_kind; /* enum plan_reason; in a Linux L1 enum plan_work, too: l2vm.h */
	uint64_t count;	    /* how often; L2 counts it down */
	struct l1_sample *samples;
	uint64_t id;
	/* L2s of a Linux L1 alone: agents/guest/l2 */
	uint64_t interrupts; /* that came; start.S knows the offset */
	uint64_t answered;   /* those that work ipi has dealt with */
	uint64_t number;     /* of the vCPU in its VM, which is its APIC ID */
	uint64_t window;     /* address of the memory that work memory touches */
	uint64_t prepared;   /* what L2 has set up for its works, as bits */
	uint64_t proofs;     /* how many it has made */
	uint64_t tsc;	     /* of the last one */
	uint64_t go;	     /* L1 says: go on */
};

/* l2_main.c */
void l2_main(struct l2_page *page) __attribute__((noreturn));

/* Keeps the first mismatch in page->fail, for L1 to report. */
static inline void l2_check_value(struct l2_page *page, enum l1_check what, uint64_t expected,
				  uint64_t found, uint32_t detail)
{
	if (found != expected && !page->fail.what)
		page->fail = (struct l2_fail){what + 1, detail, expected, found};
}

/* Each L1's own: agents/l1/l2.c, agents/guest/l2/l2.c */
void l2_end_command(void);
void l2_prove(struct l2_page *page);
/* By enum plan_reason; NULL where this L2 has no such exit. */
extern void (*const l2_exits[])(struct l2_page *page);

/* l2_step.S: steps while the command is L2_CMD_STEP; returns 0, or 1 + the number of the register
 * that is not what L2's memory says, with its value in *found. */
uint64_t l2_step(struct l2_page *page, uint64_t *found);

#endif
