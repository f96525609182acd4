// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate.c - the L2s of a Linux L1 move between its CPUs: the thread that runs them moves before each KVM_RUN, so
 * that L1's KVM takes the VMCS from the CPU that has it (an IPI, vmclear there) and loads it here.
 */
#include "agents/guest/crew.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/vm.h"

/* In round r L2 i runs on CPU (i + r) % ncpus: never where it ran last. */
static int run_rounds(struct l2set *set, uint32_t ncpus, uint32_t first, uint32_t rounds,
		      struct figures *f)
{
	for (uint32_t r = first; r < first + rounds; r++)
		for (uint32_t i = 0; i < set->count; i++) {
			int ret = crew_pin((i + r) % ncpus);

			if (ret)
				return ret;
			ret = crew_run_turn(&set->l2[i], f);
			if (ret)
				return ret;
		}
	return 0;
}

static int measure_moves(struct l2set *set, const struct plan_measure *m, struct figures *f,
			 struct sink *s)
{
	static struct figures warm_up;
	int ret = l2set_open(set, m, 0, s);

	if (ret)
		return ret;
	/* at least one: the L2s were made on one CPU, which is where round 0 finds some of them */
	ret = run_rounds(set, m->l1_vcpus, 0, m->warmup + 1, &warm_up);
	if (ret)
		return ret;
	ret = run_rounds(set, m->l1_vcpus, m->warmup + 1, m->rounds, f);
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_migrate_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct figures f;
	int ret;

	histogram_init_zeroed(&f.change);
	ret = measure_moves(&set, m, &f, s);
	if (!ret)
		sink_metric(s, "migration", &f.change);
	return vm_result(ret);
}
