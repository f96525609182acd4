// SPDX-License-Identifier: GPL-2.0-only
/*
 * scenario_migrate.c - L2 vCPUs move between L1 vCPUs: vmclear where they were, vmptrld and vmlaunch
 * where they come. With one L1 vCPU they leave it and come back to it.
 */
#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

struct figures {
	struct histogram source, first_entry, migration;
	uint64_t left[L1_MAX_L2]; /* ticks that leaving took, by L2 vCPU */
};

static void take_pair(struct figures *f, uint64_t source, uint64_t first_entry)
{
	histogram_add(&f->source, clock_units(source));
	histogram_add(&f->first_entry, clock_units(first_entry));
	histogram_add(&f->migration, clock_units(source + first_entry));
}

/* On one L1 vCPU: a slice of @rounds. */
static int run_slice(struct vm *vm, struct figures *f, uint32_t rounds)
{
	const struct vm_cpu *cpu = &vm->cpus[0];
	int ret;

	vm_set_rounds(vm, rounds);
	ret = vm_run(vm, L1_CMD_MIGRATE);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < cpu->job->nsamples; i++)
		take_pair(f, cpu->samples[i].a, cpu->samples[i].b);
	return 0;
}

static int leave_and_come_back(struct vm *vm, struct figures *f, uint32_t rounds)
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

static void take_departures(struct figures *f, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++)
		f->left[cpu->samples[i].l2 % L1_MAX_L2] = cpu->samples[i].a;
}

static void take_arrivals(struct figures *f, const struct vm_cpu *cpu)
{
	for (uint32_t i = 0; i < cpu->job->nsamples; i++)
		take_pair(f, f->left[cpu->samples[i].l2 % L1_MAX_L2], cpu->samples[i].b);
}

/* All L2 vCPUs leave their L1 vCPUs; then each comes to the next one. */
static int move_all(struct vm *vm, struct figures *f)
{
	int ret = vm_run(vm, L1_CMD_RELEASE);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++) {
		take_departures(f, &vm->cpus[i]);
		vm->cpus[i].job->shift++;
	}
	ret = vm_run(vm, L1_CMD_ADOPT);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++)
		take_arrivals(f, &vm->cpus[i]);
	return 0;
}

static int run_rounds(struct vm *vm, struct figures *f, uint32_t n)
{
	if (vm->ncpus == 1)
		return leave_and_come_back(vm, f, n);
	for (; n; n--) {
		int ret = move_all(vm, f);

		if (ret)
			return ret;
	}
	return 0;
}

static int measure_migration(struct vm *vm, struct figures *f)
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

int scenario_migrate_run(const struct plan_measure *m, struct sink *s)
{
	static struct figures f;
	struct vm vm;
	int ret;

	histogram_init_zeroed(&f.source);
	histogram_init_zeroed(&f.first_entry);
	histogram_init_zeroed(&f.migration);
	ret = vm_open(&vm, m, s);
	if (!ret)
		ret = measure_migration(&vm, &f);
	if (!ret) {
		sink_metric(s, "migration", &f.migration);
		sink_metric(s, "source", &f.source);
		sink_metric(s, "first-entry", &f.first_entry);
	}
	vm_close(&vm);
	return vm_result(ret);
}
