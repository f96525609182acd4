// SPDX-License-Identifier: GPL-2.0-only
/* exits.c - from L2 to its Linux L1 and back, by reason; measured in L2 around the instruction. */
#include "agents/guest/l2set.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/vm.h"

/* Each L2 makes @rounds exits, in slices that its memory for samples holds; @h may be NULL. */
static int run_rounds(struct l2vm *l2, enum plan_reason reason, uint32_t rounds,
		      struct histogram *h)
{
	while (rounds) {
		uint32_t slice = rounds < L2VM_NSAMPLES ? rounds : L2VM_NSAMPLES;
		int ret = l2vm_exits(l2, reason, slice);

		if (ret)
			return ret;
		for (uint32_t i = 0; i < slice && h; i++)
			histogram_add(h, clock_units(l2vm_samples(l2)[i].a));
		rounds -= slice;
	}
	return 0;
}

static int run_all(struct l2set *set, enum plan_reason reason, uint32_t rounds, struct histogram *h)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int ret = run_rounds(&set->l2[i], reason, rounds, h);

		if (ret)
			return ret;
	}
	return 0;
}

static int measure_exits(struct l2set *set, const struct plan_measure *m, struct histogram *h,
			 struct sink *s)
{
	int ret = l2set_open(set, m, 0, s);

	if (ret)
		return ret;
	ret = run_all(set, m->reason, m->warmup, NULL);
	if (ret)
		return ret;
	ret = run_all(set, m->reason, m->rounds, h);
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_exits_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct histogram h;
	int ret;

	histogram_init_zeroed(&h);
	ret = measure_exits(&set, m, &h, s);
	if (!ret)
		sink_metric(s, "exit", &h);
	return vm_result(ret);
}
