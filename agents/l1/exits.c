// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits.c - L1's side of each exit reason (PLAN_REASONS of agents/wire/words.h). A handler is a part of
 * what is timed: it does only what L2 needs to go on. L2's side is in l2.c.
 */
#include "agents/l1/l1.h"

#define THRESHOLD     4u
#define VECTOR_MASK   0xffu
#define X2APIC_ENABLE 0xc00ull /* IA32_APIC_BASE: enabled, x2APIC (SDM 11.12.1) */
#define SPIV_ENABLE   0x1ffu

static void handle_cpuid(struct cpu *cpu, struct l2 *l2)
{
	l2->frame.rax = (uint32_t)l2->frame.rax + 1; /* L2 expects this */
	guest_skip(cpu, l2);
}

static void handle_rdmsr(struct cpu *cpu, struct l2 *l2)
{
	l2->frame.rax = (uint32_t)L2_ANSWER;
	l2->frame.rdx = L2_ANSWER >> 32;
	guest_skip(cpu, l2);
}

static void handle_apic_access(struct cpu *cpu, struct l2 *l2)
{
	l2->frame.rax = L2_APIC_ANSWER;
	guest_resume_at(cpu, l2);
}

static void handle_ept_violation(struct cpu *cpu, struct l2 *l2)
{
	l1_check(L1_CHECK_QUALIFICATION, l2, L1_HOLE, cpu->ops->read(l2, VMCS_GUEST_PHYSICAL),
		 REASON_EPT_VIOLATION);
	guest_resume_at(cpu, l2);
}

static void handle_tpr_threshold(struct cpu *cpu, struct l2 *l2)
{
	(void)cpu;
	*pages_vtpr(l2) = 2 * THRESHOLD << 4; /* RIP is past the MOV to CR8 */
}

static void handle_interrupt(struct cpu *cpu, struct l2 *l2)
{
	l1_check(L1_CHECK_VECTOR, l2, L2_VECTOR,
		 cpu->ops->read(l2, VMCS_EXIT_INTERRUPTION) & VECTOR_MASK, 0);
	wrmsr(MSR_X2APIC_EOI, 0);
}

static void prepare_intercept(struct cpu *cpu, struct l2 *l2)
{
	pages_set_intercept(cpu, l2, cpu->job->exit_kind == PLAN_REASON_RDMSR, false);
}

static void prepare_threshold(struct cpu *cpu, struct l2 *l2)
{
	handle_tpr_threshold(cpu, l2);
	cpu->ops->write(l2, VMCS_TPR_THRESHOLD, THRESHOLD);
}

static void prepare_interrupt(struct cpu *cpu, struct l2 *l2)
{
	(void)cpu;
	(void)l2;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | X2APIC_ENABLE);
	wrmsr(MSR_X2APIC_SPIV, SPIV_ENABLE);
}

static const struct exit_kind {
	uint32_t reason;
	uint32_t each; /* exits each time that L2 does it: 0 or 1 */
	void (*handle)(struct cpu *cpu, struct l2 *l2);
	void (*prepare)(struct cpu *cpu, struct l2 *l2);
} kinds[] = {
	[PLAN_REASON_VMCALL] = {REASON_VMCALL, 1, guest_skip},
	[PLAN_REASON_CPUID] = {REASON_CPUID, 1, handle_cpuid},
	[PLAN_REASON_RDMSR] = {REASON_RDMSR, 1, handle_rdmsr, prepare_intercept},
	[PLAN_REASON_RDMSR_PASSTHROUGH] = {REASON_RDMSR, 0, handle_rdmsr, prepare_intercept},
	[PLAN_REASON_HLT] = {REASON_HLT, 1, guest_skip},
	[PLAN_REASON_IO] = {REASON_IO, 1, guest_skip},
	[PLAN_REASON_EPT_VIOLATION] = {REASON_EPT_VIOLATION, 1, handle_ept_violation},
	[PLAN_REASON_APIC_ACCESS] = {REASON_APIC_ACCESS, 1, handle_apic_access},
	[PLAN_REASON_TPR_THRESHOLD] = {REASON_TPR_THRESHOLD, 1, handle_tpr_threshold,
				       prepare_threshold},
	[PLAN_REASON_INTERRUPT] = {REASON_INTERRUPT, 1, handle_interrupt, prepare_interrupt},
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == PLAN_REASON_COUNT, "a row for each reason");

/* L2 does @count times what makes it exit; there must be exactly as many exits. */
static void exit_repeatedly(struct cpu *cpu, struct l2 *l2, const struct exit_kind *kind,
			    uint32_t count)
{
	l2->page->command = L2_CMD_EXITS;
	l2->page->exit_kind = cpu->job->exit_kind;
	l2->page->count = count;
	l2->page->samples = (struct l1_sample *)l1_samples(cpu->job->cpu) + cpu->job->nsamples;
	for (uint32_t n = 0; n < count * kind->each; n++) {
		guest_enter(l2);
		guest_exited(cpu, l2, kind->reason);
		kind->handle(cpu, l2);
	}
	guest_enter(l2);
	guest_exited(cpu, l2, REASON_VMCALL);
	guest_skip(cpu, l2);
	l2->page->command = L2_CMD_STEP;
	prove_l2_found_nothing(l2);
	/* L2 counts it down to 0. */
	l1_check(L1_CHECK_EXIT_COUNT, l2, 0, l2->page->count, kind->reason);
	cpu->job->nsamples += count;
}

static const struct exit_kind *kind_of(const struct l1_job *job)
{
	if (job->exit_kind >= PLAN_REASON_COUNT || !kinds[job->exit_kind].handle)
		l1_end(L1_STATUS_DIED, L1_DEATH_JOB, ~0u, PLAN_REASON_COUNT, job->exit_kind, 0);
	return &kinds[job->exit_kind];
}

void exits_run(struct cpu *cpu)
{
	const struct exit_kind *kind = kind_of(cpu->job);
	uint32_t count = cpu->job->rounds;

	for_each_l2(cpu, i)
	{
		struct l2 *l2 = &l2s[i];

		if (cpu->job->nsamples + count > L1_NSAMPLES)
			break;
		cpu->ops->load(cpu, l2);
		if (kind->prepare)
			kind->prepare(cpu, l2);
		exit_repeatedly(cpu, l2, kind, count);
		if (l1_has(cpu, L1_FEATURE_TPR_SHADOW))
			cpu->ops->write(l2, VMCS_TPR_THRESHOLD, 0);
		guest_enter(l2);
		guest_exited(cpu, l2, REASON_VMCALL);
		prove_step(cpu, l2);
	}
}
