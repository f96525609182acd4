/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hv.h - what an L1's hypervisor does for an L2 vCPU (l2vm.h): hv_kvm.c by /dev/kvm of a Linux L1,
 * agents/windows/hv_whp.c by the Windows Hypervisor Platform.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told what is wrong, or a negative errno.
 */
#ifndef AGENTS_GUEST_HV_H
#define AGENTS_GUEST_HV_H

#include "agents/guest/l2vm.h"

/* What makes VMs here; closed with the process. */
int hv_open_host(intptr_t *host, struct sink *s);

/* Memory for an L2: whole pages, zero. NULL: there is none. */
void *hv_get_memory(size_t size);

/* Gives @l2 its machine: in a new VM, or in its sibling's. */
int hv_create(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2vm *before);
/* The VM has @memory at @at; @slot tells its pieces apart. */
int hv_map(struct l2vm *l2, uint32_t slot, uint64_t at, void *memory, size_t size);
/* Pages of a piece are fresh again: zero, and nowhere in RAM. */
int hv_renew(struct l2vm *l2, void *memory, size_t size);

/* What a vCPU begins with, in 64-bit mode at CPL 0. */
struct l2_start {
	uint64_t rip, rsp, rdi, cr3, gs, gdt, idt;
	uint16_t gdt_limit, idt_limit;
	uint64_t kernel_gs; /* MSR_KERNEL_GS_BASE */
	bool has_apic;	    /* in x2APIC mode */
	bool has_syscall;
};

/* The vCPU @l2->number. */
int hv_add_cpu(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2_start *start);
/* What L2 will read of this MSR. */
int hv_read_msr(const struct l2vm *l2, uint32_t msr, uint64_t *value);

/* Why l2vm_enter() came back. */
enum l2_exit {
	L2_EXIT_END, /* OUT to L1_PORT */
	L2_EXIT_IO,  /* OUT to L2_IO_PORT */
	L2_EXIT_HLT,
	L2_EXIT_MMIO, /* a read of 32 bits at L2VM_HOLE */
	L2_EXIT_OTHER,
};
enum l2_exit hv_exit(const struct l2vm *l2);
/* What that read gives. */
void hv_answer(struct l2vm *l2, uint32_t value);
/* In words, given what l2vm_enter() returned. */
void hv_describe(const struct l2vm *l2, int entered, char *text, size_t len);

/* rax, rbx, rcx, rdx, rsi, rdi, r8 to r14; and where it is. */
int hv_read_registers(const struct l2vm *l2, uint64_t regs[L2_REGISTERS], uint64_t *rip);

/*
 * What L2 and L1 can prove beyond l2vm_prove() where L2 has a whole machine: registers that reach L1 only when it asks,
 * a page that L1 takes away and gives anew, the TSC; and once in a process, that L1's timers end L2's runs.
 * proof.c for KVM.
 */
int hv_prove(struct l2vm *l2);
/* The run that is, or else the next one, ends with -EINTR. For signal handlers. */
void hv_leave(const struct l2vm *l2);

/* Of a VM with a bell: how often it was rung since this was asked last. */
uint64_t hv_take_rings(const struct l2vm *l2);

#endif
