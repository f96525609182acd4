// SPDX-License-Identifier: GPL-2.0-only
/* l2.c - the L2 guest of the micro-hypervisors: what it does to exit is the other side of exits.c. */
#include "agents/l1/l1.h"

void l2_end_command(void)
{
	asm volatile("vmcall" ::: "memory");
}

static uint64_t read_cr8(void)
{
	uint64_t v;

	asm volatile("mov %%cr8, %0" : "=r"(v)::"memory");
	return v;
}

static void write_cr8(uint64_t v)
{
	asm volatile("mov %0, %%cr8" ::"r"(v) : "memory");
}

/* A load from the APIC-access page, into EAX. L1 lets L2 go on at R15. */
static uint32_t read_apic(uint64_t page, uint32_t reg)
{
	uint32_t v;

	asm volatile("lea 1f(%%rip), %%r15\n\tmov (%1), %0\n1:"
		     : "=a"(v)
		     : "r"(page + reg)
		     : "r15", "memory");
	return v;
}

void l2_prove(struct l2_page *page)
{
	uint64_t msr = rdmsr(MSR_KERNEL_GS_BASE);

	l2_check_value(page,
		       page->expect_msr == L2_ANSWER ? L1_CHECK_MSR_INTERCEPTED
						     : L1_CHECK_MSR_PASSED,
		       page->expect_msr, msr, 0);
	if (page->has_cr8)
		l2_check_value(page, L1_CHECK_CR8, page->tpr_now, read_cr8(), 0);
	if (page->apic) {
		l2_check_value(page, L1_CHECK_TPR_MMIO, page->tpr_now << 4,
			       read_apic(page->apic, APIC_TPR), 0);
		l2_check_value(page, L1_CHECK_APIC_READ, L2_APIC_ANSWER,
			       read_apic(page->apic, APIC_VERSION), 0);
	}
	if (page->has_cr8)
		write_cr8(page->tpr_next);
}

static void exit_cpuid(struct l2_page *page)
{
	uint32_t a = L2_CPUID_LEAF, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	l2_check_value(page, L1_CHECK_REGISTER, L2_CPUID_LEAF + 1, a, 0);
}

static void exit_vmcall(struct l2_page *page)
{
	(void)page;
	l2_end_command();
}

static void exit_rdmsr(struct l2_page *page)
{
	uint64_t found = rdmsr(MSR_KERNEL_GS_BASE);

	if (found != page->expect_msr)
		l2_check_value(page, L1_CHECK_MSR_PASSED, page->expect_msr, found, 0);
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
	(void)page;
	read_apic(L1_HOLE, 0); /* the same instruction, where the EPT has nothing */
}

static void exit_apic_access(struct l2_page *page)
{
	l2_check_value(page, L1_CHECK_APIC_READ, L2_APIC_ANSWER,
		       read_apic(page->apic, APIC_VERSION), 0);
}

static void exit_tpr_threshold(struct l2_page *page)
{
	(void)page;
	write_cr8(1);
}

static void exit_interrupt(struct l2_page *page)
{
	(void)page;
	wrmsr(MSR_X2APIC_SELF, L2_VECTOR);
}

void (*const l2_exits[PLAN_REASON_COUNT])(struct l2_page *) = {
	[PLAN_REASON_VMCALL] = exit_vmcall,
	[PLAN_REASON_CPUID] = exit_cpuid,
	[PLAN_REASON_RDMSR] = exit_rdmsr,
	[PLAN_REASON_RDMSR_PASSTHROUGH] = exit_rdmsr,
	[PLAN_REASON_HLT] = exit_hlt,
	[PLAN_REASON_IO] = exit_io,
	[PLAN_REASON_EPT_VIOLATION] = exit_ept_violation,
	[PLAN_REASON_APIC_ACCESS] = exit_apic_access,
	[PLAN_REASON_TPR_THRESHOLD] = exit_tpr_threshold,
	[PLAN_REASON_INTERRUPT] = exit_interrupt,
};
