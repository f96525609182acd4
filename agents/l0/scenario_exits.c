// SPDX-License-Identifier: GPL-2.0-only
/* scenario_exits.c - from L2 to L1 and back, by reason; measured in L2 around the instruction. */
#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

static void take_samples(struct histogram *h, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++)
		histogram_add(h, clock_units(cpu->samples[i].a));
}

/* Runs @rounds rounds on each L2 vCPU; @h may be NULL. */
static int run_slice(struct vm *vm, uint32_t rounds, struct histogram *h)
{
	int ret;

	vm_set_rounds(vm, rounds);
	for (uint32_t i = 0; i < vm->ncpus; i++)
		vm->cpus[i].job->exit_kind = vm->m->reason;
	ret = vm_run(vm, L1_CMD_EXITS);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus && h; i++)
		take_samples(h, &vm->cpus[i]);
	return 0;
}

/* The same in slices that the sample memory holds. */
static int run_rounds(struct vm *vm, uint32_t rounds, struct histogram *h)
{
	uint32_t most = vm_most_rounds(vm);
	int ret;

	for (; rounds > most; rounds -= most) {
		ret = run_slice(vm, most, h);
		if (ret)
			return ret;
	}
	return run_slice(vm, rounds, h);
}

static int measure_exits(struct vm *vm, struct histogram *h)
{
	const char *lacks = plan_measure_lacks(vm->m, vm->features);
	struct kvm_stats *stats;
	int ret;

	if (lacks) {
		sink_skip(vm->sink, "exit by %s needs %s", plan_reason_names[vm->m->reason], lacks);
		return VM_SAID;
	}
	ret = run_rounds(vm, vm->m->warmup, NULL);
	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = run_rounds(vm, vm->m->rounds, h);
	vm_stats_end(vm, stats, ret);
	if (ret)
		return ret;
	return vm_run(vm, L1_CMD_PROVE);
}

int scenario_exits_run(const struct plan_measure *m, struct sink *s)
{
	static struct histogram h;
	struct vm vm;
	int ret;

	histogram_init_zeroed(&h);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = measure_exits(&vm, &h);
	if (!ret)
		sink_metric(s, "exit", &h);
	vm_close(&vm);
	return vm_result(ret);
}
