// SPDX-License-Identifier: GPL-2.0-only
/*
 * scenario_churn.c - pages that nested VMX uses are dropped, replaced, moved and rewritten, while L2
 * runs and checks itself.
 *
 * One operation, then one round on each L1 vCPU: in it L1 changes what the MSR bitmap and the
 * virtual-APIC page say, and L2 shows what L0 believes that they say. So a kernel that goes on with a
 * page that is no longer L1's is found, and so is one that never looks again. Operations are made
 * when L1 vCPUs are in VMX root operation, where the answer is defined on every kernel.
 */
#include <stdbool.h>

#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

struct figures {
	struct histogram operation, resume;
};

/* What the operations of L0 change of an L2 vCPU: all that vmcs02 gets addresses of, and its memory.
 * Not the VMCS region: the unpatched kernel keeps an enlightened VMCS mapped until L1 loads another,
 * and never hears that it has gone (docs/micro-hypervisors.md). */
static const enum l1_block_page pages[] = {
	L1_BLOCK_MSR,	      L1_BLOCK_MSR_OTHER, L1_BLOCK_VAPIC, L1_BLOCK_VAPIC_OTHER,
	L1_BLOCK_APIC_ACCESS, L1_BLOCK_PI_DESC,	  L1_BLOCK_L2};

static int change_pages(struct vm *vm, uint32_t l2,
			int (*change)(struct vm_memory *mem, uint64_t gpa))
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		int ret = change(&vm->mem, l1_block(l2, pages[i]));

		if (ret)
			return ret;
	}
	return 0;
}

static int drop_pages(struct vm *vm, uint32_t l2, bool rare)
{
	(void)rare;
	return change_pages(vm, l2, vm_memory_drop_page);
}

static int move_pages(struct vm *vm, uint32_t l2, bool rare)
{
	(void)rare;
	return change_pages(vm, l2, vm_memory_move_page);
}

static int set_area(struct vm *vm, uint64_t gpa, size_t size)
{
	uint64_t begin = __builtin_ia32_rdtsc();
	int ret = vm_set_slot(vm, VM_SLOT_AREA, gpa, vm->mem.area, size);

	vm->mem.ticks += __builtin_ia32_rdtsc() - begin;
	return ret;
}

/* The whole L2 area to another guest-physical address and back; rarely with other memory behind it,
 * which is a new memslot. */
static int move_slot(struct vm *vm, uint32_t l2, bool rare)
{
	int ret = set_area(vm, L1_AWAY, vm->mem.area_size);

	(void)l2;
	if (ret)
		return ret;
	if (rare) {
		ret = set_area(vm, L1_AWAY, 0);
		if (ret)
			return ret;
		ret = vm_memory_replace_area(&vm->mem);
		if (ret)
			return ret;
	}
	return set_area(vm, L1_AREA, vm->mem.area_size);
}

/* L1's own operations are measured in L1. That the pages under them are new at times, too, is what
 * makes a kernel's memory of the old ones show. */
static int renew_bitmaps(struct vm *vm, uint32_t l2, bool rare)
{
	int ret = vm_memory_move_page(&vm->mem, l1_block(l2, L1_BLOCK_MSR));

	(void)rare;
	if (ret)
		return ret;
	return vm_memory_move_page(&vm->mem, l1_block(l2, L1_BLOCK_MSR_OTHER));
}

static int renew_vapics(struct vm *vm, uint32_t l2, bool rare)
{
	int ret = vm_memory_drop_page(&vm->mem, l1_block(l2, L1_BLOCK_VAPIC));

	(void)rare;
	if (ret)
		return ret;
	return vm_memory_drop_page(&vm->mem, l1_block(l2, L1_BLOCK_VAPIC_OTHER));
}

static const struct operation {
	int (*change)(struct vm *vm, uint32_t l2, bool rare);
	uint32_t l1[2]; /* enum l1_churn, in even and in odd rounds */
} operations[PLAN_OPERATION_COUNT] = {
	[PLAN_OPERATION_DONTNEED] = {drop_pages, {L1_CHURN_FLIP_MSR, L1_CHURN_FLIP_MSR}},
	[PLAN_OPERATION_MIGRATE_PAGE] = {move_pages, {L1_CHURN_FLIP_MSR, L1_CHURN_FLIP_MSR}},
	[PLAN_OPERATION_MEMSLOT] = {move_slot,
				    {L1_CHURN_FLIP_MSR | L1_CHURN_PARK,
				     L1_CHURN_FLIP_MSR | L1_CHURN_PARK}},
	[PLAN_OPERATION_MSR_BITMAP] = {renew_bitmaps,
				       {L1_CHURN_SWAP_MSR | L1_CHURN_TIMED,
					L1_CHURN_FLIP_MSR | L1_CHURN_TIMED}},
	[PLAN_OPERATION_APIC_PAGE] = {renew_vapics,
				      {L1_CHURN_SWAP_APIC | L1_CHURN_TIMED,
				       L1_CHURN_SWAP_APIC | L1_CHURN_TIMED}},
};

/* The L2 vCPU that the operation was about comes first in its L1 vCPU's round; the others' samples
 * are not of an entry after an operation. */
static void take_samples(struct vm *vm, struct figures *f, uint32_t victim)
{
	const struct vm_cpu *cpu = &vm->cpus[victim % vm->ncpus];
	const struct l1_sample *s = &cpu->samples[0];
	uint64_t ticks = vm->mem.ticks;

	if (!f || !cpu->job->nsamples)
		return;
	if (cpu->job->churn & L1_CHURN_TIMED)
		ticks = s->a;
	histogram_add(&f->operation, clock_units(ticks));
	histogram_add(&f->resume, clock_units(s->b));
}

/* Operations go round the L2 vCPUs. The first cycle of five is the rare one: there the L2 vCPU that it is
 * about was the last to run, so that all that L0 keeps of the last one is there, and a memslot comes
 * back with other memory. No more than that, for their costs differ, and the median is to be that of
 * one sort. */
#define CYCLES 5

/* Round @n, counted from the first of the warm-up; @f is NULL in the warm-up. */
static int run_round(struct vm *vm, const struct operation *op, uint32_t n, struct figures *f)
{
	uint32_t nl2 = vm->m->l2_vcpus, cycle = n / nl2, victim = n % nl2, last = ~0u;
	bool rare = cycle % CYCLES == 0;
	/* Each L2 vCPU is the victim of both sorts, however many there are. */
	uint32_t churn = op->l1[(n + cycle) & 1];
	int ret;

	if (rare)
		last = (n + 1) % nl2;
	/* Only an enlightened VMCS stays mapped in L0 while L1 runs. */
	if (!(vm->features & L1_FEATURE_EVMCS))
		churn &= ~(uint32_t)L1_CHURN_PARK;
	vm->mem.ticks = 0;
	ret = op->change(vm, victim, rare);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++) {
		vm->cpus[i].job->first = victim;
		vm->cpus[i].job->last = last;
		vm->cpus[i].job->churn = churn;
	}
	ret = vm_run(vm, L1_CMD_CHURN);
	if (ret)
		return ret;
	take_samples(vm, f, victim);
	return 0;
}

static int run_rounds(struct vm *vm, const struct operation *op, uint32_t first, uint32_t n,
		      struct figures *f)
{
	for (uint32_t i = 0; i < n; i++) {
		int ret = run_round(vm, op, first + i, f);

		if (ret)
			return ret;
	}
	return 0;
}

static int measure_churn(struct vm *vm, const struct operation *op, struct figures *f)
{
	const struct plan_measure *m = vm->m;
	const char *lacks = plan_measure_lacks(m, vm->features);
	struct kvm_stats *stats;
	int ret;

	if (lacks) {
		sink_skip(vm->sink, "churn by %s needs %s", plan_operation_names[m->operation],
			  lacks);
		return VM_SAID;
	}
	ret = run_rounds(vm, op, 0, m->warmup, NULL);
	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = run_rounds(vm, op, m->warmup, m->rounds, f);
	vm_stats_end(vm, stats, ret);
	return ret;
}

int scenario_churn_run(const struct plan_measure *m, struct sink *s)
{
	const struct operation *op = &operations[m->operation];
	static struct figures f;
	struct vm vm;
	int ret;

	if (!op->change) {
		sink_skip(s, "this agent has no churn by %s", plan_operation_names[m->operation]);
		return 0;
	}
	histogram_init_zeroed(&f.operation);
	histogram_init_zeroed(&f.resume);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = measure_churn(&vm, op, &f);
	if (!ret) {
		sink_metric(s, "operation", &f.operation);
		sink_metric(s, "resume", &f.resume);
	}
	vm_close(&vm);
	return vm_result(ret);
}
