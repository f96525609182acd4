// SPDX-License-Identifier: GPL-2.0-only
/* multiplex.c - the L2s of a Linux L1 take turns on its CPUs. */
#include "agents/guest/crew.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/vm.h"

static int run_rounds(struct l2set *set, const struct plan_measure *m, uint32_t rounds,
		      struct figures *f)
{
	if (m->threads)
		return crew_run_rounds_in_threads(set, m->l1_vcpus, rounds, f);
	return crew_run_rounds(set, m->l1_vcpus, m->parallel, rounds, f);
}

static int measure_turns(struct l2set *set, const struct plan_measure *m, struct figures *f,
			 struct sink *s)
{
	static struct figures warm_up;
	int ret = l2set_open(set, m, 0, s);

	if (ret)
		return ret;
	ret = run_rounds(set, m, m->warmup, &warm_up);
	if (ret)
		return ret;
	ret = run_rounds(set, m, m->rounds, f);
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_multiplex_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct figures f;
	int ret;

	histogram_init_zeroed(&f.change);
	ret = measure_turns(&set, m, &f, s);
	if (!ret) {
		sink_metric(s, "switch", &f.change);
		sink_rate(s, "switches-per-mclk", f.switches, f.ticks);
	}
	return vm_result(ret);
}
