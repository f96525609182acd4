// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2.c - the L2 guest of a Linux L1: what it does to exit. CPUID, RDMSR and VMCALL end in L1's kernel; the
 * others, and the end of a command, in the agent that runs there (agents/guest/l2vm.c).
 */
#include <stddef.h>

#include "agents/guest/l2/proof.h"
#include "agents/guest/l2/work.h"
#include "agents/guest/l2vm.h"
#include "agents/l1/l1.h"

_Static_assert(offsetof(struct l2_page, interrupts) == 216, "start.S");

#define KVM_ENOSYS 1000 /* linux/kvm_para.h */

void l2_end_command(void)
{
	asm volatile("out %%al, %0" ::"i"(L1_PORT), "a"(0) : "memory");
}

/* Its pages are L1's own: there is nothing more to prove. Each vCPU comes here before any of them works. */
void l2_prove(struct l2_page *page)
{
	if (page->apic)
		l2_enable_apic(page);
	l2_check_value(page, L1_CHECK_MSR_PASSED, L1_GS_VALUE, rdmsr(MSR_KERNEL_GS_BASE), 0);
}

static void exit_vmcall(struct l2_page *page)
{
	int64_t a = L2VM_HYPERCALL;

	asm volatile("vmcall" : "+a"(a)::"memory");
	l2_check_value(page, L1_CHECK_REGISTER, -KVM_ENOSYS, a, 0);
}

static void exit_cpuid(struct l2_page *page)
{
	uint32_t a = L2_CPUID_LEAF, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	l2_check_value(page, L1_CHECK_REGISTER, L2VM_CPUID_ANSWER, a, 0);
}

static void exit_rdmsr(struct l2_page *page)
{
	l2_check_value(page, L1_CHECK_MSR_INTERCEPTED, page->expect_msr, rdmsr(L2VM_MSR), 0);
}

static void exit_rdmsr_passthrough(struct l2_page *page)
{
	l2_check_value(page, L1_CHECK_MSR_PASSED, L1_GS_VALUE, rdmsr(MSR_KERNEL_GS_BASE), 0);
}

static void exit_hlt(struct l2_page *page)
{
	(void)page;
	asm volatile("hlt" ::: "memory");
}

static void exit_io(struct l2_page *page)
{
	(void)page;
	asm volatile("out %%al, %%dx" ::"a"(0), "d"(L2_IO_PORT) : "memory");
}

static void exit_ept_violation(struct l2_page *page)
{
	uint32_t found;

	/* into EAX: Hyper-V's platform leaves it to us to finish the instruction (agents/windows/hv_whp.c) */
	asm volatile("movl (%1), %0" : "=a"(found) : "r"((uint64_t)L2VM_HOLE) : "memory");
	l2_check_value(page, L1_CHECK_MEMORY, L2_APIC_ANSWER, found, 0);
}

#define WORK_ROW(id, word) [L2VM_EXIT_OF_WORK(PLAN_WORK_##id)] = l2_work_##id,

void (*const l2_exits[])(struct l2_page *) = {
	[PLAN_REASON_VMCALL] = exit_vmcall,
	[PLAN_REASON_CPUID] = exit_cpuid,
	[PLAN_REASON_RDMSR] = exit_rdmsr,
	[PLAN_REASON_RDMSR_PASSTHROUGH] = exit_rdmsr_passthrough,
	[PLAN_REASON_HLT] = exit_hlt,
	[PLAN_REASON_IO] = exit_io,
	[PLAN_REASON_EPT_VIOLATION] = exit_ept_violation,
	PLAN_WORKS(WORK_ROW)[L2VM_PROOF_STATE] = l2_proof_STATE,
	[L2VM_PROOF_SPIN] = l2_proof_SPIN};
