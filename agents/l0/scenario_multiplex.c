// SPDX-License-Identifier: GPL-2.0-only
/* scenario_multiplex.c - L2 vCPUs take turns on each L1 vCPU. */
#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

struct figures {
	struct histogram change, load, run;
	uint64_t switches, ticks;
};

static void take_samples(struct figures *f, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++) {
		const struct l1_sample *s = &cpu->samples[i];

		histogram_add(&f->change, clock_units(s->a + s->b));
		histogram_add(&f->load, clock_units(s->a));
		histogram_add(&f->run, clock_units(s->b));
	}
	f->switches += cpu->job->nsamples;
}

/* How long the last job took: in turn all of them, at once the longest. */
static uint64_t job_ticks(const struct vm *vm)
{
	uint64_t sum = 0, longest = 0;

	for (uint32_t i = 0; i < vm->ncpus; i++) {
		uint64_t ticks = vm->cpus[i].job->ticks;

		sum += ticks;
		if (ticks > longest)
			longest = ticks;
	}
	return vm->m->parallel ? longest : sum;
}

/* One slice on each L1 vCPU. */
static int run_slice(struct vm *vm, struct figures *f, uint32_t rounds)
{
	int ret;

	vm_set_rounds(vm, rounds);
	ret = vm_run(vm, L1_CMD_MULTIPLEX);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++)
		take_samples(f, &vm->cpus[i]);
	f->ticks += job_ticks(vm);
	return 0;
}

static int run_rounds(struct vm *vm, struct figures *f, uint32_t rounds)
{
	uint32_t most = vm_most_rounds(vm);
	int ret;

	for (; rounds > most; rounds -= most) {
		ret = run_slice(vm, f, most);
		if (ret)
			return ret;
	}
	return run_slice(vm, f, rounds);
}

static int measure_switches(struct vm *vm, struct figures *f)
{
	static struct figures warm_up;
	struct kvm_stats *stats;
	int ret = run_rounds(vm, &warm_up, vm->m->warmup);

	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = run_rounds(vm, f, vm->m->rounds);
	vm_stats_end(vm, stats, ret);
	if (ret)
		return ret;
	return vm_run(vm, L1_CMD_PROVE);
}

int scenario_multiplex_run(const struct plan_measure *m, struct sink *s)
{
	static struct figures f;
	struct vm vm;
	int ret;

	histogram_init_zeroed(&f.change);
	histogram_init_zeroed(&f.load);
	histogram_init_zeroed(&f.run);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = measure_switches(&vm, &f);
	if (!ret) {
		sink_metric(s, "switch", &f.change);
		sink_metric(s, "vmptrld", &f.load);
		sink_metric(s, "entry-exit", &f.run);
		sink_rate(s, "switches-per-mclk", f.switches, f.ticks);
	}
	vm_close(&vm);
	return vm_result(ret);
}
