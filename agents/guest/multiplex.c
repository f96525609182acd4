// SPDX-License-Identifier: GPL-2.0-only
/* multiplex.c - one thread of a Linux L1 runs its L2s in turn. */
#include "agents/guest/l2set.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/vm.h"
#include "agents/l1/l1.h"

struct figures {
	struct histogram change;
	uint64_t switches, ticks;
};

/* KVM_RUN of the next L2, from L1's userspace and back to it. What is checked is checked after. */
static int run_turn(struct l2vm *l2, struct figures *f)
{
	uint64_t begin = l1_tsc();
	int entered = l2vm_enter(l2);
	uint64_t ticks = l1_tsc() - begin;

	histogram_add(&f->change, clock_units(ticks));
	f->switches++;
	return l2vm_check_step(l2, entered);
}

static int run_rounds(struct l2set *set, struct figures *f, uint32_t rounds)
{
	uint64_t begin = l1_tsc();

	for (uint32_t r = 0; r < rounds; r++)
		for (uint32_t i = 0; i < set->count; i++) {
			int ret = run_turn(&set->l2[i], f);

			if (ret)
				return ret;
		}
	f->ticks = l1_tsc() - begin;
	return 0;
}

static int measure_turns(struct l2set *set, const struct plan_measure *m, struct figures *f,
			 struct sink *s)
{
	static struct figures warm_up;
	int ret = l2set_open(set, m, s);

	if (ret)
		return ret;
	ret = run_rounds(set, &warm_up, m->warmup);
	if (ret)
		return ret;
	ret = run_rounds(set, f, m->rounds);
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
