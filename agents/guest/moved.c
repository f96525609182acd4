// SPDX-License-Identifier: GPL-2.0-only
/*
 * moved.c - L2s run while their Linux L1 is saved and restored, or moves to another VMM: they take turns, and between
 * two rounds one of them proves itself, works for a while without an exit, so that L1 is often stopped inside an L2, and
 * then L1 does. L0 says when it is enough, and may say that L1 is to be outside of its L2s when it is stopped.
 */
#include "agents/guest/crew.h"
#include "agents/guest/hv.h"
#include "agents/guest/mail.h"
#include "agents/guest/plugged.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
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

/* They lie where they are wanted, and L0 is told where. */
static int settle(const struct l2set *set, const struct plan_measure *m, uint32_t *plugged)
{
	volatile struct mail *mail = mail_page;
	uint32_t wanted = mail->plugged, pages;
	int ret = 0;

	if (wanted != *plugged)
		ret = plugged_settle(set, m->l2_smp);
	*plugged = wanted;
	if (!ret)
		ret = plugged_count(set, m->l2_smp, &pages);
	if (!ret)
		mail->pages = pages;
	return ret;
}

/* What L2 has just changed L0 has not brought to L1 yet; after the move it is to be there. */
static int stay_outside(struct l2vm *l2, volatile struct mail *mail)
{
	int ret = hv_prove(l2);

	if (ret)
		return ret;
	mail->stay = MAIL_STAY_IS;
	while (mail->stay == MAIL_STAY_IS)
		;
	return hv_prove(l2);
}

/* *gap: the longest time from one round's end to the next one's, in TSC ticks: each L2 ran at both. */
static int run_until_stopped(struct l2set *set, const struct plan_measure *m, struct figures *f,
			     uint64_t *gap, struct sink *s)
{
	volatile struct mail *mail = mail_page;
	uint32_t plugged = 0;
	int ret = l2set_open(set, m, 0, s);
	uint64_t last = __builtin_ia32_rdtsc();

	for (uint32_t round = 0; !ret && !mail->stop; round++) {
		uint64_t now;

		if (m->scenario == PLAN_L1_UNPLUG)
			ret = settle(set, m, &plugged);
		if (!ret && mail->stay == MAIL_STAY_ASKED)
			ret = stay_outside(&set->l2[round % set->count], mail);
		if (!ret)
			ret = run_round(set, m, round, f);
		mail->progress = round + 1;
		now = __builtin_ia32_rdtsc();
		if (now - last > *gap)
			*gap = now - last;
		last = now;
	}
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_moved_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct figures f;
	static struct histogram gaps;
	uint64_t gap = 0;
	int ret;

	histogram_init_zeroed(&f.change);
	histogram_init_zeroed(&gaps);
	ret = run_until_stopped(&set, m, &f, &gap, s);
	if (ret)
		return vm_result(ret);
	sink_metric(s, "switch", &f.change);
	histogram_add(&gaps, clock_units(gap));
	if (m->scenario == PLAN_LIVE_MIGRATE)
		sink_metric(s, "gap", &gaps);
	return vm_result(ret);
}
