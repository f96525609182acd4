/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2vm.h - inside an L1 of the user's: an L2 vCPU, in a VM through L1's own hypervisor (hv.h). Several may
 * share a VM.
 *
 * Its guest is the freestanding L2 of agents/l1 (l2_main.c, l2_step.S) with exits and works of its own
 * (agents/guest/l2). Memory is one piece from L2VM_BASE on, mapped one to one by 2 MiB pages; it is far smaller
 * than what the page tables map. What all vCPUs of a VM share, page tables, descriptors, image, comes before
 * L2VM_SAMPLES; vCPU n has page n from L2VM_PAGE on, and its own samples.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told what is wrong, or a negative errno.
 */
#ifndef AGENTS_GUEST_L2VM_H
#define AGENTS_GUEST_L2VM_H

#include <stdint.h>

#include "agents/l1/l2.h"

#define L2VM_BASE	  0x30000000ull /* of its memory: free in any process, too (tests/lib/whp.c) */
#define L2VM_TABLES	  (L2VM_BASE + 0x1000) /* PML4, PDPT, PD */
#define L2VM_GDT	  (L2VM_BASE + 0x4000)
#define L2VM_IDT	  (L2VM_BASE + 0x5000)
#define L2VM_FRESH	  (L2VM_BASE + 0x6000) /* what L1 takes away and gives anew at each proof */
#define L2VM_PAGE	  (L2VM_BASE + 0x8000) /* struct l2_page, then the stack; of vCPU 0 */
#define L2VM_IMAGE	  (L2VM_BASE + 0x10000) /* l2.lds */
#define L2VM_ON_INTERRUPT (L2VM_IMAGE + 0x20)	/* start.S */
#define L2VM_SAMPLES	  (L2VM_BASE + 0x20000)
#define L2VM_SAMPLES_SIZE 0x20000ull
#define L2VM_SIZE(smp)	  (L2VM_SAMPLES - L2VM_BASE + (smp)*L2VM_SAMPLES_SIZE) /* of it all */
#define L2VM_NSAMPLES	  5400u			 /* of 24 bytes: they fit L2VM_SAMPLES_SIZE */
#define L2VM_WINDOW	  (L2VM_BASE + 0x400000) /* what work memory touches: of vCPU 0 */
#define L2VM_WINDOW_PAGES 64u
#define L2VM_BELL \
	0x3fd00000u /* in the page tables, in no memslot: L1's kernel has an eventfd there */
#define L2VM_HOLE	  0x3fe00000u /* likewise, and nothing is there: L1 sees MMIO */
#define L2VM_MSR	  0x1a0u      /* IA32_MISC_ENABLE: L1's KVM intercepts and emulates it */
#define L2VM_HYPERCALL	  0x6e6cu     /* no hypercall of KVM's */
#define L2VM_CPUID_ANSWER 0x6e657374u /* EAX of leaf L2_CPUID_LEAF */
#define L2VM_VECTOR	  0x51u	      /* of all interrupts that an L2 gets */
#define L2VM_SLEEP	  100000u     /* ticks of the TSC that work timer sleeps */
#define L2VM_SPIN	  5000000u    /* ticks after which it spins no longer, whatever L1 says */

/* l2_page.exit_kind of a work: they follow the reasons. */
#define L2VM_EXIT_OF_WORK(work) (PLAN_REASON_COUNT + (work))

/* What follows the works: proofs (hv_prove()). */
enum l2vm_proof {
	L2VM_PROOF_STATE = L2VM_EXIT_OF_WORK(PLAN_WORK_COUNT),
	L2VM_PROOF_SPIN,
};

/* What L2 @id leaves behind at its proof number @proof: never the same twice, nor that of another L2. */
static inline uint64_t l2vm_pattern(uint64_t id, uint64_t proof)
{
	return L2_STRIDE * (id + 1 + proof * PLAN_MAX_L2_VCPUS);
}

/* Registers that reach L1 only when it asks or loads another VMCS. */
enum l2_state { L2_STATE_FS, L2_STATE_GDT_LIMIT, L2_STATE_IDT_LIMIT, L2_STATE_CR2 };

/* What L2 @id writes to page @page of its window. */
static inline uint64_t l2vm_window_word(uint64_t id, uint64_t page)
{
	return L2_STRIDE * (id * L2VM_WINDOW_PAGES + page + 1);
}

/* What a VM has besides, as bits. */
enum l2vm_extra {
	L2VM_WITH_APIC = 1 << 0, /* local APICs, and so HLT, in L1's kernel */
	L2VM_WITH_BELL = 1 << 1,
	L2VM_WITH_WINDOW = 1 << 2,
	L2VM_WITH_SYSCALL = 1 << 3, /* EFER.SCE: L1's KVM has three more MSRs to switch then */
};

struct sink;
struct hv_cpu;

struct l2vm {
	uint32_t id;
	uint32_t number; /* of the vCPU in its VM */
	struct hv_cpu *hv;
	char *memory, *window;	     /* the VM's; this vCPU's */
	struct l2_page *page;	     /* in its memory */
	uint64_t regs[L2_REGISTERS]; /* what its registers must be at its next step's end */
	uint64_t steps;		     /* how many steps it must have made */
	uint64_t exits;		     /* to the agent, but for the ends of commands */
	uint64_t tsc;		     /* when it proved itself last */
	struct sink *sink;
};

/* What is to be made: L2s of @smp vCPUs each (1..PLAN_MAX_L2_SMP). */
struct l2vm_recipe {
	intptr_t host; /* hv_open_host()'s */
	uint32_t smp;
	unsigned int extras; /* enum l2vm_extra */
	uint64_t seed;	     /* of the pattern that it carries */
};

/* Makes vCPU @id and lets it come to its first step's end. The first of a VM makes that; the others follow their
 * sibling @before, NULL for the first. */
int l2vm_open(struct l2vm *l2, const struct l2vm_recipe *recipe, uint32_t id,
	      const struct l2vm *before, struct sink *s);

/* Runs it to its next exit, the end of its next step: this is what is timed. 0, or a negative errno. Each hypervisor's
 * own (hv.h). */
int l2vm_enter(const struct l2vm *l2);
/* Afterwards, given that: was it the end of a step, with the right registers, memory and number of steps? */
int l2vm_check_step(struct l2vm *l2, int entered);

/* L2 makes @count (L2VM_NSAMPLES at most) exits of @kind, a plan_reason or L2VM_EXIT_OF_WORK(), and times each; sample i
 * is at l2vm_samples(). */
int l2vm_exits(struct l2vm *l2, uint32_t kind, uint32_t count);
static inline const struct l1_sample *l2vm_samples(const struct l2vm *l2)
{
	return (const struct l1_sample *)(l2->memory + (L2VM_SAMPLES - L2VM_BASE) +
					  l2->number * L2VM_SAMPLES_SIZE);
}

/* After work memory: are the last @count pages of its window what L2 wrote? Then they are fresh again. */
int l2vm_renew_window(struct l2vm *l2, uint32_t count);
/* After work doorbell: was the VM's bell rung @count times? */
int l2vm_check_bell(struct l2vm *l2, uint64_t count);

/* L2 checks what it can see by itself. */
int l2vm_prove(struct l2vm *l2);
/* Is @found what it must be? An integrity failure if not. */
int l2vm_check_word(const struct l2vm *l2, enum l1_check what, uint64_t expected, uint64_t found,
		    uint32_t detail);

extern const char l2vm_image[], l2vm_image_end[];

#endif
