// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/sampler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/l1/abi.h"
#include "common/alloc.h"

#define FOLLOW_INSTRUCTIONS 1500000 /* in a boot: some 14 s of a core */
#define FOLLOW_AT_LEAST	    16	    /* operations in a boot */
#define FOLLOW_AT_MOST	    200

enum { PART_A = 1, PART_B = 2 };

/* ---- metrics ---- */

static const struct sampler_metric metrics[] = {
	{"multiplex", "switch", "switch", true, true, false, {L1_CMD_MULTIPLEX}},
	{"multiplex", "vmptrld", "vmptrld", true, false, false, {L1_CMD_MULTIPLEX}},
	{"multiplex", "entry-exit", "entry and exit", false, true, false, {L1_CMD_MULTIPLEX}},
	{"migrate",
	 "migration",
	 "migration",
	 true,
	 true,
	 false,
	 {L1_CMD_MIGRATE, L1_CMD_RELEASE, L1_CMD_ADOPT}},
	{"migrate", "source", "vmclear", true, false, false, {L1_CMD_MIGRATE, L1_CMD_RELEASE}},
	{"migrate",
	 "first-entry",
	 "first entry",
	 false,
	 true,
	 false,
	 {L1_CMD_MIGRATE, L1_CMD_ADOPT}},
	{"exits", "exit", "exit", true, false, false, {L1_CMD_EXITS}},
	{"churn", "operation", "operation", true, false, true, {L1_CMD_CHURN}},
	{"churn", "resume", "resume", false, true, true, {L1_CMD_CHURN}},
};

static bool is_timed_by_l1(const struct plan_measure *m)
{
	return m->operation == PLAN_OPERATION_MSR_BITMAP ||
	       m->operation == PLAN_OPERATION_APIC_PAGE;
}

int sampler_check_measure(const struct sampler_metric *metric, const struct plan_measure *m,
			  struct error *err)
{
	if (m->parallel)
		return error_set(err, -EINVAL,
				 "with mode=parallel an operation's instructions are not its own: "
				 "leave it out");
	if (metric->first && m->l1_vcpus > 1)
		return error_set(
			err, -EINVAL,
			"with more L1 vCPUs than one the entry after an operation cannot be "
			"told from the others: --param l1_vcpus=1");
	if (m->scenario == PLAN_CHURN && metric->a && !is_timed_by_l1(m))
		return error_set(err, -EINVAL,
				 "the operation %s is timed around the agent's system calls, which "
				 "cannot be followed yet: --metric resume can",
				 plan_operation_names[m->operation]);
	return 0;
}

const struct sampler_metric *sampler_find_metric(const char *scenario, const char *metric,
						 struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (!strcmp(metrics[i].scenario, scenario) && !strcmp(metrics[i].metric, metric))
			return &metrics[i];
	error_set(err, -EINVAL,
		  "%s %s has no operation that could be followed; these have: ", scenario, metric);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		error_append(err, -EINVAL, "%s%s %s", i ? ", " : "", metrics[i].scenario,
			     metrics[i].metric);
	return NULL;
}

/* ---- where it stops ---- */

static bool is_command_of(const struct sampler_metric *metric, uint32_t command)
{
	for (size_t i = 0; i < ARRAY_SIZE(metric->commands); i++)
		if (metric->commands[i] && metric->commands[i] == command)
			return true;
	return false;
}

static bool is_wanted(const struct sampler_metric *metric, const struct l1_mark *mark)
{
	unsigned int bits = 0;

	if (mark->bits & L1_MARK_JOB)
		return metric->first;
	if (metric->a)
		bits |= L1_MARK_BEGIN_A | L1_MARK_END_A;
	if (metric->b)
		bits |= L1_MARK_BEGIN_B | L1_MARK_END_B;
	return is_command_of(metric, mark->command) && mark->bits & bits;
}

static int add_stop(struct sampler *s, uint64_t address, const struct l1_mark *mark,
		    struct error *err)
{
	if (s->nstops == HOST_TRACE_STOPS)
		return error_set(err, -EINVAL, "L1 has more than %d marks for %s", HOST_TRACE_STOPS,
				 s->metric->metric);
	s->marks[s->nstops] = mark;
	s->stops[s->nstops++] = address;
	return 0;
}

static int add_agent_stop(struct sampler *s, const char *name, struct error *err)
{
	const struct explain_symbol *symbol = explain_image_named(&s->walk.agent, name);

	if (!symbol)
		return error_set(err, -EINVAL, "the agent has no function %s", name);
	return add_stop(s, symbol->begin, NULL, err);
}

/* The agent's two come first: their order tells begin from end. */
static int find_stops(struct sampler *s, struct error *err)
{
	int ret = add_agent_stop(s, "kvm_stats_begin", err);

	if (ret)
		return ret;
	ret = add_agent_stop(s, "kvm_stats_end", err);
	for (size_t i = 0; !ret && i < s->walk.l1.nmarks; i++)
		if (is_wanted(s->metric, &s->walk.l1.marks[i]))
			ret = add_stop(s, s->walk.l1.marks[i].address, &s->walk.l1.marks[i], err);
	if (!ret && s->nstops == 2)
		ret = error_set(err, -EINVAL, "L1 has no marks for %s", s->metric->metric);
	return ret;
}

/* ---- a boot ---- */

static bool wants(const struct sampler *s, const struct l1_mark *mark, unsigned int begin_a,
		  unsigned int begin_b)
{
	return (s->metric->a && mark->bits & begin_a) || (s->metric->b && mark->bits & begin_b);
}

/* Follow this operation? The first one tells how many can be. */
static bool choose(struct sampler *s)
{
	s->operations_seen++;
	if (!s->learned)
		return true;
	return gsl_rng_uniform(s->random) < s->share;
}

static enum host_trace begin_operation(struct sampler *s, const struct host_step *step)
{
	if (s->metric->first && !s->job_begun)
		return HOST_TRACE_OFF;
	s->job_begun = false;
	if (s->state == SAMPLER_LEARNS)
		walk_keep(&s->walk);
	s->state = SAMPLER_SKIPS;
	if (!choose(s))
		return HOST_TRACE_OFF;
	s->state = SAMPLER_FOLLOWS;
	s->begun = step->time;
	walk_begin(&s->walk);
	return HOST_TRACE_ON;
}

static void learn_length(struct sampler *s, double length)
{
	double n = s->budget / length;

	if (n < FOLLOW_AT_LEAST)
		n = FOLLOW_AT_LEAST;
	if (n > FOLLOW_AT_MOST)
		n = FOLLOW_AT_MOST;
	s->share = n / s->operations;
	s->learned = true;
}

static void end_operation(struct sampler *s, const struct host_step *step, unsigned int parts)
{
	struct walk_unit unit = {.parts = parts};

	walk_end(&s->walk, step->time, &unit);
	s->state = SAMPLER_SKIPS;
	s->followed += (double)unit.total;
	/* The first is not part of the sample: it was not chosen by chance. */
	if (!s->learned) {
		learn_length(s, (double)unit.total);
		s->operations_seen--;
		free(unit.nodes);
		free(unit.events);
		return;
	}
	s->units = xrealloc(s->units, s->nunits + 1, sizeof(*s->units));
	s->units[s->nunits++] = unit;
}

static enum host_trace stop_at_mark(struct sampler *s, const struct l1_mark *mark,
				    const struct host_step *step)
{
	bool begins = wants(s, mark, L1_MARK_BEGIN_A, L1_MARK_BEGIN_B);
	bool ends = wants(s, mark, L1_MARK_END_A, L1_MARK_END_B);

	if (s->state == SAMPLER_WAITS || s->state == SAMPLER_DONE)
		return HOST_TRACE_OFF;
	if (mark->bits & L1_MARK_JOB) {
		s->job_begun = true;
		return s->state == SAMPLER_LEARNS ? HOST_TRACE_ON : HOST_TRACE_OFF;
	}
	if (begins && ends) { /* from part a to part b of one operation */
		s->parts = PART_A | PART_B;
		return s->state == SAMPLER_FOLLOWS ? HOST_TRACE_ON : HOST_TRACE_OFF;
	}
	if (begins) {
		s->parts = mark->bits & L1_MARK_BEGIN_A ? PART_A : PART_B;
		return begin_operation(s, step);
	}
	if (s->state == SAMPLER_FOLLOWS)
		end_operation(s, step, s->parts);
	return s->state == SAMPLER_LEARNS ? HOST_TRACE_ON : HOST_TRACE_OFF;
}

static enum host_trace at_stop(const struct host_step *step, void *arg)
{
	struct sampler *s = arg;
	bool user = (step->cs & 3) == 3;

	for (size_t i = 0; i < s->nstops; i++) {
		if (s->stops[i] != step->rip)
			continue;
		if (s->marks[i] && !user)
			return stop_at_mark(s, s->marks[i], step);
		if (!user) /* before the kernel has booted these addresses are somebody else's */
			break;
		if (i == 0) {
			s->state = SAMPLER_LEARNS;
			return HOST_TRACE_ON;
		}
		s->state = SAMPLER_DONE;
		return HOST_TRACE_END;
	}
	return HOST_TRACE_OFF;
}

static void on_step(const struct host_step *step, void *arg)
{
	struct sampler *s = arg;

	if (s->state == SAMPLER_LEARNS || s->state == SAMPLER_FOLLOWS)
		walk_step(&s->walk, step);
}

/* ---- all boots ---- */

static double count_operations(const struct plan_measure *m)
{
	if (m->scenario == PLAN_CHURN)
		return m->rounds;
	return (double)m->rounds * m->l2_vcpus;
}

int sampler_init(struct sampler *s, const struct sampler_metric *metric,
		 const struct plan_measure *m, struct explain_image *kernel,
		 struct explain_image *agent, struct explain_image *l1, struct error *err)
{
	*s = (struct sampler){
		.metric = metric,
		.budget = FOLLOW_INSTRUCTIONS,
		.operations = count_operations(m),
		.random = gsl_rng_alloc(gsl_rng_mt19937),
	};
	walk_init(&s->walk, kernel, agent, l1);
	*kernel = *agent = *l1 = (struct explain_image){0};
	s->tracer = (struct host_tracer){
		.stops = s->stops, .at_stop = at_stop, .on_step = on_step, .arg = s};
	return find_stops(s, err);
}

void sampler_restart(struct sampler *s, uint64_t seed)
{
	walk_restart(&s->walk);
	s->tracer.nstops = s->nstops;
	s->state = SAMPLER_WAITS;
	s->job_begun = s->learned = false;
	gsl_rng_set(s->random, seed);
}

void sampler_free(struct sampler *s)
{
	for (size_t i = 0; i < s->nunits; i++) {
		free(s->units[i].nodes);
		free(s->units[i].events);
	}
	free(s->units);
	walk_free(&s->walk);
	if (s->random)
		gsl_rng_free(s->random);
	*s = (struct sampler){0};
}
