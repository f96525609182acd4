/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - what the agent (agents/l0) and the micro-hypervisor (agents/l1) share: the layout of L1's
 * guest-physical memory, the job pages, the samples.
 *
 * L1 is a flat image at L1_IMAGE. All of L1 and L2 is mapped one to one (virtual = L2 physical = L1
 * physical) by 2 MiB pages. Memory is two KVM memslots: the base slot [0, L1_AREA), which never
 * moves, and the L2 area [L1_AREA, ...), one block of L1_BLOCK_SIZE bytes for each L2 vCPU, which
 * churn moves and drops.
 *
 * A conversation: the agent fills in the job page of an L1 vCPU and runs it. L1 does the job (one
 * slice of work), fills in status, report and samples, and ends with OUT to L1_PORT. The next
 * KVM_RUN starts the next job. L1 never exits to the agent inside a timed operation on its own
 * account. Samples are differences of RDTSC.
 */
#ifndef AGENTS_L1_ABI_H
#define AGENTS_L1_ABI_H

#include <stdint.h>

#include "agents/wire/words.h"

#define L1_PAGE		 4096ull
#define L1_MAX_CPUS	 PLAN_MAX_L1_VCPUS
#define L1_MAX_L2	 PLAN_MAX_L2_VCPUS
#define L1_PORT		 0x4e	    /* any port without a device */
#define L1_PAGE_TABLES	 0x1000ull  /* PML4, PDPT, PD: written by the agent */
#define L1_JOBS		 0x10000ull /* a page for each L1 vCPU */
#define L1_VMXON_REGIONS 0x28000ull /* likewise: VMXON regions */
#define L1_ASSIST	 0x40000ull /* likewise: Hyper-V VP assist pages */
#define L1_EPT		 0x58000ull /* L2's EPT: PML4, PDPT, PD */
#define L1_L2_TABLES	 0x5b000ull /* L2's page tables: PML4, PDPT, PD */
#define L1_STACKS	 0x60000ull
#define L1_STACK_SIZE	 0x4000ull
#define L1_IMAGE	 0x100000ull
#define L1_IMAGE_MAX	 0x100000ull /* with its .bss */
#define L1_SAMPLES	 0x200000ull
#define L1_NSAMPLES	 10922u /* for each L1 vCPU */
#define L1_SAMPLES_SIZE	 0x40000ull
#define L1_AREA		 0x800000ull
#define L1_MAPPED	 0x40000000ull /* what the page tables and the EPT map */
#define L1_HOLE		 0x3fe00000ull /* L2 physical address that the EPT does not map */
#define L1_AWAY		 0x20000000ull /* where churn moves the L2 area to and back from */

/* The pages of an L2 vCPU's block. */
enum l1_block_page {
	L1_BLOCK_VMCS,	    /* VMCS region or enlightened VMCS */
	L1_BLOCK_MSR,	    /* MSR bitmap */
	L1_BLOCK_MSR_OTHER, /* the one that churn changes to and back */
	L1_BLOCK_VAPIC,	    /* virtual-APIC page */
	L1_BLOCK_VAPIC_OTHER,
	L1_BLOCK_APIC_ACCESS,
	L1_BLOCK_PI_DESC, /* posted-interrupt descriptor */
	L1_BLOCK_L2,	  /* L2's own memory: struct l2_page, then its stack */
	L1_BLOCK_PAGES
};
#define L1_BLOCK_SIZE (L1_BLOCK_PAGES * L1_PAGE)

static inline uint64_t l1_block(uint32_t l2, enum l1_block_page page)
{
	return L1_AREA + l2 * L1_BLOCK_SIZE + page * L1_PAGE;
}

enum l1_command {
	L1_CMD_NONE,
	L1_CMD_START,	  /* enter VMX operation; on vCPU 0 first: it builds what all share */
	L1_CMD_SETUP,	  /* make this vCPU's L2 vCPUs, launch each, prove */
	L1_CMD_MULTIPLEX, /* samples: a = vmptrld, b = vmresume to exit */
	L1_CMD_MIGRATE, /* clear, load and launch here: a = vmclear, b = vmptrld + vmlaunch to exit */
	L1_CMD_RELEASE, /* a = vmclear of each L2 vCPU in turn; then no L1 vCPU has it */
	L1_CMD_ADOPT,	/* b = vmptrld + vmlaunch of each released L2 vCPU of this vCPU */
	L1_CMD_EXITS,	/* a = one exit of kind @exit_kind, measured in L2 from before to after */
	L1_CMD_CHURN, /* one round after an operation: b = vmptrld + vmresume to exit, a = L1's part */
	L1_CMD_PROVE, /* each L2 vCPU proves its MSR bitmap and APIC pages */
	L1_CMD_MAX
};

/* What L1 does itself before an L1_CMD_CHURN round, as bits. */
enum l1_churn {
	L1_CHURN_FLIP_MSR = 1 << 0,  /* flips an intercept in the MSR bitmap in use */
	L1_CHURN_SWAP_MSR = 1 << 1,  /* changes to the other bitmap: opposite intercept */
	L1_CHURN_SWAP_APIC = 1 << 2, /* changes to the other virtual-APIC page */
	L1_CHURN_TIMED = 1 << 3,     /* this is what is measured: a = its ticks */
	L1_CHURN_PARK = 1 << 4,	     /* ends with no VMCS current, so that L0 keeps none mapped */
};

enum l1_status {
	L1_STATUS_NONE, /* L1 did not finish its job */
	L1_STATUS_OK,
	L1_STATUS_UNSUPPORTED, /* report.what: enum l1_lack */
	L1_STATUS_BROKEN,      /* integrity; report.what: enum l1_check */
	L1_STATUS_DIED,	       /* report.what: enum l1_death */
};

enum l1_lack {
	L1_LACK_VMX,
	L1_LACK_EPT,
	L1_LACK_VPID,
	L1_LACK_MSR_BITMAP,
	L1_LACK_TPR_SHADOW,
	L1_LACK_APIC_ACCESS,
	L1_LACK_POSTED,
	L1_LACK_EVMCS,
	L1_LACK_CONTROL, /* expected: bits wanted, found: IA32_VMX_* capability MSR's number */
	L1_LACK_MAX
};

enum l1_check {
	L1_CHECK_REGISTER,	  /* detail: number in l2_page.regs; seen by L1 */
	L1_CHECK_MEMORY,	  /* detail: likewise, of the copy in L2's page; seen by L1 */
	L1_CHECK_L2_REGISTER,	  /* a register and L2's copy of it differ; seen by L2 */
	L1_CHECK_EXIT_REASON,	  /* another one than expected */
	L1_CHECK_EXIT_COUNT,	  /* detail: exit reason */
	L1_CHECK_STEPS,		  /* L2's own count of its steps */
	L1_CHECK_MSR_INTERCEPTED, /* L2 read something else than L1 gave it: no exit was taken */
	L1_CHECK_MSR_PASSED,	  /* L2 did not read the MSR itself */
	L1_CHECK_CR8,		  /* L2 reads CR8, L1 had set the virtual TPR */
	L1_CHECK_TPR_MMIO,	  /* L2 reads the TPR through the APIC-access page */
	L1_CHECK_VTPR,		  /* L1 reads the virtual-APIC page, L2 had written CR8 */
	L1_CHECK_APIC_READ,	  /* L2 reads an APIC register that L1 emulates */
	L1_CHECK_QUALIFICATION,	  /* exit qualification */
	L1_CHECK_VECTOR,	  /* of an external interrupt */
	L1_CHECK_INTERRUPTS,	  /* L2 of a Linux L1 was woken by another number of them */
	L1_CHECK_STATE, /* detail: enum l2_state; L2 of a Linux L1 had left another value there */
	L1_CHECK_FRESH, /* L1 gave L2 a fresh page, L2 or L1 sees what was there before */
	L1_CHECK_TSC,	/* L2's TSC went back, or is not between L1's readings before and after */
	L1_CHECK_TIMER, /* L2, which takes no exit, ran on although a timer of L1's was due */
	L1_CHECK_MAX
};

enum l1_death {
	L1_DEATH_EXCEPTION, /* in L1: expected: RIP, found: vector, detail: error code */
	L1_DEATH_VMFAIL,    /* expected: enum l1_instruction, found: VM-instruction error or ~0 */
	L1_DEATH_ENTRY,	    /* VM entry failed late: found: exit reason, detail: qualification */
	L1_DEATH_L2_EXCEPTION, /* expected: L2's RIP, found: interruption information */
	L1_DEATH_JOB,	       /* a job that L1 does not know, or with numbers out of range */
	L1_DEATH_MAX
};

enum l1_instruction { L1_VMXON, L1_VMCLEAR, L1_VMPTRLD, L1_VMREAD, L1_VMWRITE, L1_VMENTRY };

struct l1_report {
	uint32_t what; /* by status */
	uint32_t l2;   /* which L2 vCPU, or ~0 */
	uint64_t expected, found, detail;
};

struct l1_job { /* the job page of an L1 vCPU */
	/* the agent's */
	uint32_t command;    /* enum l1_command */
	uint32_t cpu, ncpus; /* this L1 vCPU, and how many there are */
	uint32_t nl2;	     /* L2 vCPUs in all */
	uint32_t features;   /* enum l1_feature (agents/wire/words.h) */
	uint32_t rounds;     /* of this slice */
	uint32_t first;	     /* churn: the L2 vCPU to begin with */
	uint32_t last;	     /* churn: the one to end with; no effect if another L1 vCPU has it */
	uint32_t churn;	     /* enum l1_churn */
	uint32_t exit_kind;  /* enum plan_reason */
	uint32_t shift;	     /* L2 vCPU i is on L1 vCPU (i + shift) % ncpus */
	uint64_t seed;	     /* of the patterns */
	/* L1's */
	uint32_t status; /* enum l1_status */
	uint32_t nsamples;
	uint64_t ticks;	  /* from the slice's begin to its end */
	uint64_t entries; /* L2 entries in this slice */
	struct l1_report report;
};

struct l1_sample {
	uint64_t l2;   /* which L2 vCPU */
	uint64_t a, b; /* ticks; see enum l1_command */
};

static inline uint64_t l1_samples(uint32_t cpu)
{
	return L1_SAMPLES + cpu * L1_SAMPLES_SIZE;
}

#endif
