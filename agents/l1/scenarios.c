// SPDX-License-Identifier: GPL-2.0-only
/* scenarios.c - the jobs that are measured: L2 vCPUs in turn, moved, and disturbed. */
#include "agents/l1/l1.h"

/* The exit of a step, after it was timed. */
static void finish_step(struct cpu *cpu, struct l2 *l2)
{
	guest_exited(cpu, l2, REASON_VMCALL);
	prove_step(cpu, l2);
}

void job_setup(struct cpu *cpu)
{
	for_each_l2(cpu, i)
	{
		struct l2 *l2 = &l2s[i];

		l2->id = i;
		guest_setup(cpu, l2);
		guest_enter(l2);
		finish_step(cpu, l2);
	}
	job_prove(cpu);
}

void job_prove(struct cpu *cpu)
{
	for_each_l2(cpu, i)
	{
		cpu->ops->load(cpu, &l2s[i]);
		prove_pages(cpu, &l2s[i]);
		guest_enter(&l2s[i]);
		finish_step(cpu, &l2s[i]);
	}
}

static void switch_to(struct cpu *cpu, struct l2 *l2)
{
	uint64_t t0, t1, t2;

	t0 = l1_tsc(L1_CMD_MULTIPLEX, L1_MARK_BEGIN_A);
	cpu->ops->load(cpu, l2);
	t1 = l1_tsc(L1_CMD_MULTIPLEX, L1_MARK_END_A | L1_MARK_BEGIN_B);
	guest_enter(l2);
	t2 = l1_tsc(L1_CMD_MULTIPLEX, L1_MARK_END_B);
	finish_step(cpu, l2);
	l1_sample(cpu, l2, t1 - t0, t2 - t1);
}

void job_multiplex(struct cpu *cpu)
{
	for (uint32_t r = 0; r < cpu->job->rounds; r++)
		for_each_l2(cpu, i) switch_to(cpu, &l2s[i]);
}

static void migrate_l2(struct cpu *cpu, struct l2 *l2)
{
	uint64_t t0, t1, t2;

	t0 = l1_tsc(L1_CMD_MIGRATE, L1_MARK_BEGIN_A);
	cpu->ops->clear(cpu, l2);
	t1 = l1_tsc(L1_CMD_MIGRATE, L1_MARK_END_A | L1_MARK_BEGIN_B);
	cpu->ops->load(cpu, l2);
	guest_enter(l2);
	t2 = l1_tsc(L1_CMD_MIGRATE, L1_MARK_END_B);
	finish_step(cpu, l2);
	l1_sample(cpu, l2, t1 - t0, t2 - t1);
}

void job_migrate(struct cpu *cpu)
{
	for (uint32_t r = 0; r < cpu->job->rounds; r++)
		for_each_l2(cpu, i) migrate_l2(cpu, &l2s[i]);
}

void job_release(struct cpu *cpu)
{
	for_each_l2(cpu, i)
	{
		uint64_t t0 = l1_tsc(L1_CMD_RELEASE, L1_MARK_BEGIN_A);

		cpu->ops->clear(cpu, &l2s[i]);
		l1_sample(cpu, &l2s[i], l1_tsc(L1_CMD_RELEASE, L1_MARK_END_A) - t0, 0);
	}
}

void job_adopt(struct cpu *cpu)
{
	for_each_l2(cpu, i)
	{
		struct l2 *l2 = &l2s[i];
		uint64_t t0 = l1_tsc(L1_CMD_ADOPT, L1_MARK_BEGIN_B), t1;

		cpu->ops->load(cpu, l2);
		guest_enter(l2);
		t1 = l1_tsc(L1_CMD_ADOPT, L1_MARK_END_B);
		finish_step(cpu, l2);
		l1_sample(cpu, l2, 0, t1 - t0);
	}
}

/* What L1 itself does to the pages of an L2 vCPU. Each round changes whether reading the MSR exits, so
 * that an L0 which goes on with an old bitmap takes the wrong exits. */
static void change_pages(struct cpu *cpu, struct l2 *l2)
{
	uint32_t how = cpu->job->churn;

	if (how & (L1_CHURN_FLIP_MSR | L1_CHURN_SWAP_MSR))
		pages_set_intercept(cpu, l2, !l2->intercepted, how & L1_CHURN_SWAP_MSR);
	if (how & L1_CHURN_SWAP_APIC)
		pages_swap_vapic(cpu, l2);
}

static void churn_l2(struct cpu *cpu, struct l2 *l2)
{
	bool timed = cpu->job->churn & L1_CHURN_TIMED;
	uint64_t t0, t1, t2;

	/*
	 * If the change is L1's own, it writes to the VMCS, so the VMCS is loaded before the clock
	 * starts. A change by L0 is complete by now: then the way back into L2 is timed, the load
	 * included.
	 */
	if (timed) {
		cpu->ops->load(cpu, l2);
		pages_touch(l2);
	}
	t0 = l1_tsc(L1_CMD_CHURN, L1_MARK_BEGIN_A);
	change_pages(cpu, l2);
	t1 = l1_tsc(L1_CMD_CHURN, L1_MARK_END_A | L1_MARK_BEGIN_B);
	if (!timed)
		cpu->ops->load(cpu, l2);
	guest_enter(l2);
	t2 = l1_tsc(L1_CMD_CHURN, L1_MARK_END_B);
	finish_step(cpu, l2);
	l1_sample(cpu, l2, timed ? t1 - t0 : 0, t2 - t1);
	prove_pages(cpu, l2);
}

static bool is_mine(const struct cpu *cpu, uint32_t l2)
{
	return l2 < cpu->job->nl2 && l2 % cpu->job->ncpus == l1_first(cpu);
}

void job_churn(struct cpu *cpu)
{
	uint32_t first = cpu->job->first, last = cpu->job->last;
	bool mine = is_mine(cpu, first);

	if (mine)
		churn_l2(cpu, &l2s[first]);
	for_each_l2(cpu, i) if (!mine || i != first) churn_l2(cpu, &l2s[i]);
	if (is_mine(cpu, last)) {
		cpu->ops->load(cpu, &l2s[last]);
		guest_enter(&l2s[last]);
		finish_step(cpu, &l2s[last]);
	}
	if (cpu->job->churn & L1_CHURN_PARK && cpu->loaded)
		cpu->ops->clear(cpu, cpu->loaded);
}
