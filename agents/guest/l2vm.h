/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l2vm.h - inside a Linux L1: an L2, that is, a VM with one vCPU through L1's own /dev/kvm.
 *
 * Its guest is the freestanding L2 of agents/l1 (l2_main.c, l2_step.S) with exits of its own
 * (agents/guest/l2). Memory is one memslot from 0 on, mapped one to one by 2 MiB pages; it is far smaller
 * than what the page tables map.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told what is wrong, or a negative errno.
 */
#ifndef AGENTS_GUEST_L2VM_H
#define AGENTS_GUEST_L2VM_H

#include <stdint.h>

#include "agents/l1/l2.h"

#define L2VM_TABLES	  0x1000ull /* PML4, PDPT, PD */
#define L2VM_PAGE	  0x8000ull /* struct l2_page, then the stack, to 0x9000 */
#define L2VM_IMAGE	  0x10000ull
#define L2VM_SAMPLES	  0x20000ull
#define L2VM_MEMORY	  0x40000ull
#define L2VM_NSAMPLES	  5400u /* of 24 bytes: they fit between L2VM_SAMPLES and L2VM_MEMORY */
#define L2VM_HOLE	  0x3fe00000u /* in the page tables, not in the memslot: L1 sees MMIO */
#define L2VM_MSR	  0x1a0u      /* IA32_MISC_ENABLE: L1's KVM intercepts and emulates it */
#define L2VM_HYPERCALL	  0x6e6cu     /* no hypercall of KVM's */
#define L2VM_CPUID_ANSWER 0x6e657374u /* EAX of leaf L2_CPUID_LEAF */

struct sink;
struct kvm_run;

struct l2vm {
	uint32_t id;
	int vm, cpu;
	struct kvm_run *run;
	char *memory;
	struct l2_page *page;	     /* in it */
	uint64_t regs[L2_REGISTERS]; /* what its registers must be at its next step's end */
	uint64_t steps;		     /* how many steps it must have made */
	uint64_t exits;		     /* to the agent, but for the ends of commands */
	struct sink *sink;
};

/* Makes it and lets it come to its first step's end. @seed: of the pattern that it carries. */
int l2vm_open(struct l2vm *l2, int kvm, uint32_t id, uint64_t seed, struct sink *s);

/* One KVM_RUN, which L2's next step ends: this is what is timed. What KVM_RUN returned. */
int l2vm_enter(const struct l2vm *l2);
/* Afterwards, given that: was it the end of a step, with the right registers, memory and number of steps? */
int l2vm_check_step(struct l2vm *l2, int entered);

/* L2 makes @count (L2VM_NSAMPLES at most) exits of @reason and times each; sample i is in the memory at
 * l2vm_samples(). */
int l2vm_exits(struct l2vm *l2, enum plan_reason reason, uint32_t count);
static inline const struct l1_sample *l2vm_samples(const struct l2vm *l2)
{
	return (const struct l1_sample *)(l2->memory + L2VM_SAMPLES);
}

/* L2 checks what it can see by itself. */
int l2vm_prove(struct l2vm *l2);

extern const char l2vm_image[], l2vm_image_end[];

#endif
