// SPDX-License-Identifier: GPL-2.0-only
/* scenario_exits.c - from L2 to L1 and back, by reason; measured in L2 around the instruction. */
#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

/* @rounds on each L2 vCPU, in slices that the sample memory holds; @h may be NULL. */
static int rounds(struct vm *vm, uint32_t left, struct histogram *h)
{
	uint32_t per_cpu = (vm->m->l2_vcpus + vm->m->l1_vcpus - 1) / vm->m->l1_vcpus;
	uint32_t most = L1_NSAMPLES / per_cpu;
	int ret = 0;

	while (left && !ret) {
		uint32_t n = left < most ? left : most;

		vm_set_rounds(vm, n);
		for (uint32_t i = 0; i < vm->ncpus; i++)
			vm->cpus[i].job->exit_kind = vm->m->reason;
		ret = vm_run(vm, L1_CMD_EXITS);
		for (uint32_t i = 0; i < vm->ncpus && !ret && h; i++)
			for (uint32_t k = 0; k < vm->cpus[i].job->nsamples; k++)
				histogram_add(h, clock_units(vm->cpus[i].samples[k].a));
		left -= n;
	}
	return ret;
}

static int run(struct vm *vm, struct histogram *h)
{
	const char *lacks = plan_measure_lacks(vm->m, vm->features);
	struct kvm_stats *stats;
	int ret;

	if (lacks) {
		sink_skip(vm->sink, "exit by %s needs %s", plan_reason_names[vm->m->reason], lacks);
		return VM_SAID;
	}
	ret = rounds(vm, vm->m->warmup, NULL);
	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = rounds(vm, vm->m->rounds, h);
	kvm_stats_end(stats, ret ? NULL : vm->sink);
	return ret ? ret : vm_run(vm, L1_CMD_PROVE);
}

int scenario_exits_run(const struct plan_measure *m, struct sink *s)
{
	static struct histogram h;
	struct vm vm;
	int ret;

	histogram_init(&h);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = run(&vm, &h);
	if (!ret)
		sink_metric(s, "exit", &h);
	vm_close(&vm);
	return vm_result(ret);
}
