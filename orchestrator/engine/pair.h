/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair.h - two boots at the same time, from one of which L1s go to the other while they run: that of the kernel under test,
 * and that of the kernel which the plan names as their destination. Each is an attempt with a row of its own; what
 * joins them is the carrier of their machines' memory.
 */
#ifndef ORCHESTRATOR_ENGINE_PAIR_H
#define ORCHESTRATOR_ENGINE_PAIR_H

#include <json-c/json.h>

#include "kernels/kernels.h"
#include "orchestrator/engine/boot.h"
#include "orchestrator/engine/carrier.h"
#include "scenarios/scenarios.h"

struct pair;

/* Can the L1s of @plans that go to another host do that on hosts as @host, and do their destinations boot kernels that there are?
 * 0; -ENODEV: SKIP, as the error says; or what is wrong with a kernel. */
int pair_check(const struct host_config *host, const struct kernel_env *env,
	       const struct scenario_plan *plans, size_t nplans, struct error *err);

/* For @plan, which has a destination, on @source, the name of the kernel under test. Two attempts hold it. */
int pair_new(const struct scenario_plan *plan, const char *source, struct pair **out,
	     struct error *err);
/* What the destination's boot measures. */
const struct scenario_plan *pair_arriving(const struct pair *p);
/* A record of the boot on @side: where its agent is ready to be carried to or from, it is. An error says why it cannot be; the other side is told, too. */
int pair_record(struct pair *p, enum carrier_side side, struct boot *b, struct json_object *record,
		struct error *err);
/* The boot of that side is over, or never began: @label says which one it was. */
void pair_leave(struct pair *p, enum carrier_side side, const char *label);
/* One of the two holds it no more; NULL is allowed. */
void pair_drop(struct pair *p);

#endif
