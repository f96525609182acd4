// SPDX-License-Identifier: GPL-2.0-only
/*
 * moved.c - L2s run while their Linux L1 is saved and restored, or moves to another VMM: they take turns, and between
 * two rounds one of them proves itself, works for a while without an exit, so that L1 is often stopped inside an L2, and
 * then L1 does. L0 says when it is enough.
 */
#include "agents/guest/crew.h"
#include "agents/guest/hv.h"
#include "agents/guest/mail.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/vm.h"

/* RDMSRs that take no exit, and how often an L2 is told to do them: several times what a round of eight turns takes. */
#define WORK   5000
#define SLICES 5
/* Of all L2s in a round. The first switches after all that are dear; with one turn they are half of all, and the median
 * is by chance one of them. */
#define TURNS 3
/* Ticks that L1 works itself afterwards: where it is stopped outside of the L2, L0 still has some of what this did. */
#define L1_WORK 600000

static void work_in_l1(void)
{
	uint64_t begin = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - begin < L1_WORK)
		;
}

static int run_round(struct l2set *set, const struct plan_measure *m, uint32_t round,
		     struct figures *f)
{
	struct l2vm *worker = &set->l2[round % set->count];
	int ret = hv_prove(worker);

	for (int i = 0; i < SLICES && !ret; i++)
		ret = l2vm_exits(worker, PLAN_REASON_RDMSR_PASSTHROUGH, WORK);
	if (ret)
		return ret;
	work_in_l1();
	return crew_run_rounds(set, m->l1_vcpus, false, TURNS, f);
}

static int run_until_stopped(struct l2set *set, const struct plan_measure *m, struct figures *f,
			     struct sink *s)
{
	volatile struct mail *mail = mail_page;
	int ret = l2set_open(set, m, 0, s);

	for (uint32_t round = 0; !ret && !mail->stop; round++) {
		ret = run_round(set, m, round, f);
		mail->progress = round + 1;
	}
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_moved_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct figures f;
	int ret;

	histogram_init_zeroed(&f.change);
	ret = run_until_stopped(&set, m, &f, s);
	if (!ret)
		sink_metric(s, "switch", &f.change);
	return vm_result(ret);
}
