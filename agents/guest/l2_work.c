// SPDX-License-Identifier: GPL-2.0-only
/*
 * l2_work.c - what guests do all day, in the L2s of a Linux L1: each operation is timed in L2
 * (agents/guest/l2/work.c), and all of them over the time that they took together.
 */
#include <pthread.h>

#include "agents/guest/crew.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/vm.h"

/* How L1 helps. A slice is what L2 does at once. */
static const struct work {
	unsigned int extras; /* enum l2vm_extra */
	uint32_t slice;
	uint32_t asleep; /* ticks of each operation that are no cost */
	int (*check)(struct l2vm *l2, uint32_t count);
} works[PLAN_WORK_COUNT] = {
	[PLAN_WORK_MEMORY] = {L2VM_WITH_WINDOW, L2VM_WINDOW_PAGES, .check = l2vm_renew_window},
	[PLAN_WORK_SYSCALL] = {L2VM_WITH_SYSCALL, L2VM_NSAMPLES},
	[PLAN_WORK_DOORBELL] = {L2VM_WITH_BELL, L2VM_NSAMPLES},
	[PLAN_WORK_TIMER] = {L2VM_WITH_APIC, L2VM_NSAMPLES, L2VM_SLEEP},
	[PLAN_WORK_IPI] = {L2VM_WITH_APIC, L2VM_NSAMPLES},
};

struct job {
	const struct work *work;
	uint32_t kind, rounds;
	struct histogram *latency;
	uint64_t operations;
	pthread_mutex_t lock; /* of the two */
};

/* Of a pair that sends to each other, the even one times both ways. */
static bool is_timed(const struct job *job, const struct l2vm *l2)
{
	return job->kind != L2VM_EXIT_OF_WORK(PLAN_WORK_IPI) || !(l2->number & 1);
}

static void add_samples(struct job *job, const struct l2vm *l2, uint32_t count)
{
	pthread_mutex_lock(&job->lock);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t ticks = l2vm_samples(l2)[i].a;

		if (ticks <
		    job->work
			    ->asleep) /* it cannot wake before its time: L2 counted the interrupt */
			ticks = job->work->asleep;
		histogram_add(job->latency, clock_units(ticks - job->work->asleep));
	}
	job->operations += count;
	pthread_mutex_unlock(&job->lock);
}

static int run_slice(struct l2vm *l2, struct job *job, uint32_t count)
{
	int ret = l2vm_exits(l2, job->kind, count);

	if (!ret && job->work->check)
		ret = job->work->check(l2, count);
	if (!ret && is_timed(job, l2))
		add_samples(job, l2, count);
	return ret;
}

static int run_work(struct l2vm *l2, void *arg)
{
	struct job *job = arg;
	uint32_t left = job->rounds;

	while (left) {
		uint32_t count = left < job->work->slice ? left : job->work->slice;
		int ret = run_slice(l2, job, count);

		if (ret)
			return ret;
		left -= count;
	}
	return 0;
}

/* The bell is the VM's: all of its vCPUs ring it. */
static int check_bells(struct l2set *set, const struct plan_measure *m)
{
	for (uint32_t i = 0; i < set->count; i += m->l2_smp) {
		int ret =
			l2vm_check_bell(&set->l2[i], (uint64_t)(m->warmup + m->rounds) * m->l2_smp);

		if (ret)
			return ret;
	}
	return 0;
}

static int measure_work(struct l2set *set, const struct plan_measure *m, struct job *job,
			uint64_t *ticks, struct sink *s)
{
	static struct histogram warm_up;
	struct job first = *job;
	uint64_t unused = 0;
	int ret = l2set_open(set, m, job->work->extras, s);

	if (ret)
		return ret;
	first.rounds = m->warmup;
	first.latency = &warm_up;
	ret = crew_run_each(set, m->l1_vcpus, m->threads, run_work, &first, &unused);
	if (ret)
		return ret;
	ret = crew_run_each(set, m->l1_vcpus, m->threads, run_work, job, ticks);
	if (!ret && job->work->extras & L2VM_WITH_BELL)
		ret = check_bells(set, m);
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_l2_work_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct histogram latency;
	struct job job = {.work = &works[m->work],
			  .kind = L2VM_EXIT_OF_WORK(m->work),
			  .rounds = m->rounds,
			  .latency = &latency,
			  .lock = PTHREAD_MUTEX_INITIALIZER};
	uint64_t ticks = 0;
	int ret;

	histogram_init_zeroed(&latency);
	ret = measure_work(&set, m, &job, &ticks, s);
	if (!ret) {
		sink_metric(s, "latency", &latency);
		sink_rate(s, "operations-per-mclk", job.operations, ticks);
	}
	return vm_result(ret);
}
