// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/clock.h"
#include "agents/l0/records/sink.h"
#include "agents/l0/vm.h"

#define STACK \
	(1u << 20) /* what a failure builds its record on is larger than musl's default holds */

struct member { /* what one CPU does */
	struct l2set *set;
	uint32_t cpu, ncpus, rounds;
	struct figures *figures;
	pthread_barrier_t *barrier;
	pthread_t thread;
	int ret;
};

/* The fences keep what is timed between two readings (SDM volume 2B, RDTSC). */
static uint64_t read_tsc(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

int crew_run_turn(struct l2vm *l2, struct figures *f)
{
	uint64_t begin = read_tsc();
	int entered = l2vm_enter(l2);
	uint64_t ticks = read_tsc() - begin;

	histogram_add(&f->change, clock_units(ticks));
	f->switches++;
	return l2vm_check_step(l2, entered);
}

/* One round of the L2s of one CPU, on which the thread is. */
static int run_round(const struct member *m)
{
	for (uint32_t i = m->cpu; i < m->set->count; i += m->ncpus) {
		int ret = crew_run_turn(&m->set->l2[i], m->figures);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- in turn ---- */

static int run_in_turn(struct member *m, uint32_t rounds)
{
	uint64_t begin = read_tsc();

	for (uint32_t r = 0; r < rounds; r++)
		for (m->cpu = 0; m->cpu < m->ncpus; m->cpu++) {
			int ret = m->ncpus > 1 ? crew_pin(m->cpu) : 0;

			if (ret)
				return ret;
			ret = run_round(m);
			if (ret)
				return ret;
		}
	m->figures->ticks += read_tsc() - begin;
	return 0;
}

/* ---- at once ---- */

static void *run_member(void *arg)
{
	struct member *m = arg;
	uint64_t begin;

	m->ret = crew_pin(m->cpu);
	pthread_barrier_wait(m->barrier);
	begin = read_tsc();
	for (uint32_t r = 0; r < m->rounds && !m->ret; r++)
		m->ret = run_round(m);
	m->figures->ticks = read_tsc() - begin;
	return NULL;
}

static int start_members(struct member *members, uint32_t n)
{
	pthread_attr_t attr;
	int ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (uint32_t i = 0; i < n && !ret; i++)
		ret = -pthread_create(&members[i].thread, &attr, run_member, &members[i]);
	pthread_attr_destroy(&attr);
	return ret; /* after an error the process ends, and its threads with it */
}

static void add_histogram(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	for (uint32_t b = histogram_bucket(from->min); b <= histogram_bucket(from->max); b++)
		to->buckets[b] += from->buckets[b];
	to->count += from->count;
	to->sum += from->sum;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
}

/* Waits for all; the first error. */
static int join_members(struct member *members, uint32_t n, struct figures *f)
{
	uint64_t longest = 0;
	int ret = 0;

	for (uint32_t i = 0; i < n; i++) {
		pthread_join(members[i].thread, NULL);
		if (!ret)
			ret = members[i].ret;
		add_histogram(&f->change, &members[i].figures->change);
		f->switches += members[i].figures->switches;
		if (members[i].figures->ticks > longest)
			longest = members[i].figures->ticks;
	}
	f->ticks += longest;
	return ret;
}

static int run_at_once(struct l2set *set, uint32_t ncpus, uint32_t rounds, struct figures *f)
{
	static struct figures each[PLAN_MAX_L1_VCPUS];
	struct member members[PLAN_MAX_L1_VCPUS];
	pthread_barrier_t barrier;
	int ret;

	pthread_barrier_init(&barrier, NULL, ncpus);
	for (uint32_t i = 0; i < ncpus; i++) {
		histogram_init(&each[i].change);
		each[i].switches = 0;
		members[i] = (struct member){.set = set,
					     .cpu = i,
					     .ncpus = ncpus,
					     .rounds = rounds,
					     .figures = &each[i],
					     .barrier = &barrier};
	}
	ret = start_members(members, ncpus);
	if (ret)
		return ret;
	ret = join_members(members, ncpus, f);
	pthread_barrier_destroy(&barrier);
	return ret;
}

/* ---- each in a thread of its own ---- */

struct thread {
	struct l2vm *l2;
	uint32_t cpu;
	int (*run)(struct l2vm *l2, void *arg);
	void *arg;
	pthread_barrier_t *barrier;
	pthread_t thread;
	uint64_t ticks;
};

static void *run_thread(void *arg)
{
	struct thread *t = arg;
	int ret = crew_pin(t->cpu);
	uint64_t begin;

	pthread_barrier_wait(t->barrier);
	begin = read_tsc();
	if (!ret)
		ret = t->run(t->l2, t->arg);
	t->ticks = read_tsc() - begin;
	if (ret < 0)
		sink_fail(t->l2->sink, SINK_GUEST, "", strerror(-ret),
			  "the thread of L2 %" PRIu32 " could not run", t->l2->id);
	if (ret)
		_exit(0); /* the sink was told */
	return NULL;
}

static int start_threads(struct thread *threads, uint32_t n)
{
	pthread_attr_t attr;
	int ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (uint32_t i = 0; i < n && !ret; i++)
		ret = -pthread_create(&threads[i].thread, &attr, run_thread, &threads[i]);
	pthread_attr_destroy(&attr);
	return ret;
}

static int run_each_in_threads(struct l2set *set, uint32_t ncpus,
			       int (*run)(struct l2vm *l2, void *arg), void *arg, uint64_t *ticks)
{
	static struct thread threads[PLAN_MAX_L2_VCPUS];
	pthread_barrier_t barrier;
	uint64_t longest = 0;
	int ret;

	pthread_barrier_init(&barrier, NULL, set->count);
	for (uint32_t i = 0; i < set->count; i++)
		threads[i] = (struct thread){.l2 = &set->l2[i],
					     .cpu = i % ncpus,
					     .run = run,
					     .arg = arg,
					     .barrier = &barrier};
	ret = start_threads(threads, set->count);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < set->count; i++) {
		pthread_join(threads[i].thread, NULL);
		if (threads[i].ticks > longest)
			longest = threads[i].ticks;
	}
	pthread_barrier_destroy(&barrier);
	*ticks += longest;
	return 0;
}

int crew_run_each(struct l2set *set, uint32_t ncpus, bool in_threads,
		  int (*run)(struct l2vm *l2, void *arg), void *arg, uint64_t *ticks)
{
	uint64_t begin = read_tsc();

	if (in_threads)
		return run_each_in_threads(set, ncpus, run, arg, ticks);
	for (uint32_t i = 0; i < set->count; i++) {
		int ret = run(&set->l2[i], arg);

		if (ret)
			return ret;
	}
	*ticks += read_tsc() - begin;
	return 0;
}

struct rounds {
	uint32_t count;
	struct figures *figures;
	pthread_mutex_t lock; /* of the figures */
};

static int run_rounds_of_one(struct l2vm *l2, void *arg)
{
	struct rounds *r = arg;

	for (uint32_t i = 0; i < r->count; i++) {
		uint64_t begin = read_tsc();
		int entered = l2vm_enter(l2), ret;
		uint64_t ticks = read_tsc() - begin;

		pthread_mutex_lock(&r->lock);
		histogram_add(&r->figures->change, clock_units(ticks));
		r->figures->switches++;
		pthread_mutex_unlock(&r->lock);
		ret = l2vm_check_step(l2, entered);
		if (ret)
			return ret;
		sched_yield();
	}
	return 0;
}

int crew_run_rounds_in_threads(struct l2set *set, uint32_t ncpus, uint32_t rounds,
			       struct figures *f)
{
	struct rounds r = {.count = rounds, .figures = f, .lock = PTHREAD_MUTEX_INITIALIZER};

	return crew_run_each(set, ncpus, true, run_rounds_of_one, &r, &f->ticks);
}

int crew_run_rounds(struct l2set *set, uint32_t ncpus, bool at_once, uint32_t rounds,
		    struct figures *f)
{
	struct member all = {.set = set, .ncpus = ncpus, .figures = f};

	if (at_once && ncpus > 1)
		return run_at_once(set, ncpus, rounds, f);
	return run_in_turn(&all, rounds);
}
