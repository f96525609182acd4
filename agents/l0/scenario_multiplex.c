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

static void take(struct figures *f, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++) {
		const struct l1_sample *s = &cpu->samples[i];

		histogram_add(&f->change, clock_units(s->a + s->b));
		histogram_add(&f->load, clock_units(s->a));
		histogram_add(&f->run, clock_units(s->b));
	}
	f->switches += cpu->job->nsamples;
}

/* One slice on each L1 vCPU. Time passes once for all in parallel mode. */
static int slice(struct vm *vm, struct figures *f, uint32_t rounds)
{
	uint64_t ticks = 0;
	int ret;

	vm_set_rounds(vm, rounds);
	ret = vm_run(vm, L1_CMD_MULTIPLEX);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++) {
		uint64_t t = vm->cpus[i].job->ticks;

		take(f, &vm->cpus[i]);
		ticks = !vm->m->parallel ? ticks + t : t > ticks ? t : ticks;
	}
	f->ticks += ticks;
	return 0;
}

static int measure(struct vm *vm, struct figures *f)
{
	const struct plan_measure *m = vm->m;
	uint32_t per_cpu = (m->l2_vcpus + m->l1_vcpus - 1) / m->l1_vcpus;
	uint32_t most = L1_NSAMPLES / per_cpu;
	int ret = 0;

	for (uint32_t left = m->rounds; left && !ret;) {
		uint32_t rounds = left < most ? left : most;

		ret = slice(vm, f, rounds);
		left -= rounds;
	}
	return ret;
}

static int run(struct vm *vm, struct figures *f)
{
	static struct figures warm_up;
	struct kvm_stats *stats;
	int ret = slice(vm, &warm_up, vm->m->warmup);

	if (ret)
		return ret;
	stats = vm_stats_begin(vm);
	ret = measure(vm, f);
	kvm_stats_end(stats, ret ? NULL : vm->sink);
	return ret ? ret : vm_run(vm, L1_CMD_PROVE);
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
		ret = run(&vm, &f);
	if (!ret) {
		sink_metric(s, "switch", &f.change);
		sink_metric(s, "vmptrld", &f.load);
		sink_metric(s, "entry-exit", &f.run);
		sink_rate(s, "switches-per-mclk", f.switches, f.ticks);
	}
	vm_close(&vm);
	return vm_result(ret);
}
