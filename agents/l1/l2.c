// SPDX-License-Identifier: GPL-2.0-only
/* l2.c - the L2 guest. What it does to exit is the other side of exits.c. */
#include <stddef.h>

#include "agents/l1/l1.h"

_Static_assert(offsetof(struct l2_page, steps) == 104, "l2_step.S");
_Static_assert(offsetof(struct l2_page, command) == 112, "l2_step.S");
_Static_assert(L2_CMD_STEP == 0, "l2_step.S");

static void vmcall(void)
{
	asm volatile("vmcall" ::: "memory");
}

/* L1 reports the first mismatch only. */
static void check_value(struct l2_page *page, enum l1_check what, uint64_t expected, uint64_t found,
			uint32_t detail)
{
	if (found != expected && !page->fail.what)
		page->fail = (struct l2_fail){what + 1, detail, expected, found};
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

static void run_proof(struct l2_page *page)
{
	uint64_t msr = rdmsr(MSR_KERNEL_GS_BASE);

	check_value(page,
		    page->expect_msr == L2_ANSWER ? L1_CHECK_MSR_INTERCEPTED : L1_CHECK_MSR_PASSED,
		    page->expect_msr, msr, 0);
	if (page->has_cr8)
		check_value(page, L1_CHECK_CR8, page->tpr_now, read_cr8(), 0);
	if (page->apic) {
		check_value(page, L1_CHECK_TPR_MMIO, page->tpr_now << 4,
			    read_apic(page->apic, APIC_TPR), 0);
		check_value(page, L1_CHECK_APIC_READ, L2_APIC_ANSWER,
			    read_apic(page->apic, APIC_VERSION), 0);
	}
	if (page->has_cr8)
		write_cr8(page->tpr_next);
	vmcall();
}

static void run_steps(struct l2_page *page)
{
	uint64_t found, bad = l2_step(page, &found);

	if (!bad)
		return;
	check_value(page, L1_CHECK_L2_REGISTER, page->regs[bad - 1], found, bad - 1);
	vmcall();
}

static void exit_cpuid(struct l2_page *page)
{
	uint32_t a = L2_CPUID_LEAF, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check_value(page, L1_CHECK_REGISTER, L2_CPUID_LEAF + 1, a, 0);
}

static void exit_vmcall(struct l2_page *page)
{
	(void)page;
	vmcall();
}

static void exit_rdmsr(struct l2_page *page)
{
	uint64_t found = rdmsr(MSR_KERNEL_GS_BASE);

	if (found != page->expect_msr)
		check_value(page, L1_CHECK_MSR_PASSED, page->expect_msr, found, 0);
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
	check_value(page, L1_CHECK_APIC_READ, L2_APIC_ANSWER, read_apic(page->apic, APIC_VERSION),
		    0);
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

static void (*const exits[])(struct l2_page *) = {
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
_Static_assert(sizeof(exits) / sizeof(exits[0]) == PLAN_REASON_COUNT, "one for each reason");

static void run_exits(struct l2_page *page)
{
	void (*exit)(struct l2_page *) = exits[page->exit_kind];
	struct l1_sample *s = page->samples;

	for (; page->count; page->count--, s++) {
		uint64_t t0 = l1_tsc(L1_CMD_EXITS, L1_MARK_BEGIN_A);

		exit(page);
		*s = (struct l1_sample){page->id, l1_tsc(L1_CMD_EXITS, L1_MARK_END_A) - t0, 0};
	}
	vmcall();
}

static void (*const commands[])(struct l2_page *) = {
	[L2_CMD_STEP] = run_steps,
	[L2_CMD_PROVE] = run_proof,
	[L2_CMD_EXITS] = run_exits,
};

void l2_main(struct l2_page *page)
{
	for (;;)
		commands[((volatile struct l2_page *)page)->command](page);
}
