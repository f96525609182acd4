/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sampler.h - which operations of a boot are followed: the tracer (orchestrator/hosts/driver.h) of one boot
 * after the other of one kernel.
 *
 * It stops at the agent's vm_stats_begin() and vm_stats_end(), between which the measured rounds are, and in
 * between at the RDTSCs with which L1 times the operations (agents/l1/marks.h). From vm_stats_begin() to the
 * first operation everything is followed, to learn the stacks. From then on each operation is followed with
 * the same probability, by a generator with a seed: a simple random sample, whole operations, exactly the
 * instructions that the metric counts.
 */
#ifndef ORCHESTRATOR_EXPLAIN_SAMPLER_H
#define ORCHESTRATOR_EXPLAIN_SAMPLER_H

#include <gsl/gsl_rng.h>

#include "agents/wire/protocol.h"
#include "orchestrator/explain/walk.h"

/* A metric that can be explained. */
struct sampler_metric {
	const char *scenario, *metric;
	const char *operation; /* what one is called */
	bool a, b;	       /* the parts of it (struct l1_sample) */
	bool first;	       /* only the first operation of a job counts */
	uint32_t commands[3];  /* enum l1_command: jobs that have it; ended by 0 */
};
/* NULL with @err: it cannot be explained; these can. */
const struct sampler_metric *sampler_find_metric(const char *scenario, const char *metric,
						 struct error *err);
/* -EINVAL: not in the measurement @m, and why. */
int sampler_check_measure(const struct sampler_metric *metric, const struct plan_measure *m,
			  struct error *err);

struct sampler {
	const struct sampler_metric *metric;
	struct walk walk;
	uint64_t stops[HOST_TRACE_STOPS];
	const struct l1_mark *marks[HOST_TRACE_STOPS]; /* of a stop; NULL: the agent's */
	size_t nstops;
	struct host_tracer tracer;
	gsl_rng *random;
	double budget;	   /* instructions to follow in a boot */
	double operations; /* that a boot has, expected */
	double share;	   /* of the operations that are followed; 0: not known yet */
	/* the boot that goes on */
	enum { SAMPLER_WAITS, SAMPLER_LEARNS, SAMPLER_SKIPS, SAMPLER_FOLLOWS, SAMPLER_DONE } state;
	unsigned int parts; /* of the operation that is followed: 1: a, 2: b */
	uint64_t begun;
	bool job_begun; /* its first operation is still to come */
	bool learned;	/* the first operation told how long one is */
	/* what was found, over all boots */
	struct walk_unit *units;
	size_t nunits, operations_seen;
	double followed; /* instructions */
};

/* Takes the images. -EINVAL: agent or L1 have not got what it stops at. */
int sampler_init(struct sampler *s, const struct sampler_metric *metric,
		 const struct plan_measure *m, struct explain_image *kernel,
		 struct explain_image *agent, struct explain_image *l1, struct error *err);
void sampler_free(struct sampler *s);
/* Before each boot. */
void sampler_restart(struct sampler *s, uint64_t seed);

#endif
