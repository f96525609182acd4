/* SPDX-License-Identifier: GPL-2.0-only */
/* profile.h - from the operations that were followed to an explanation. */
#ifndef ORCHESTRATOR_EXPLAIN_PROFILE_H
#define ORCHESTRATOR_EXPLAIN_PROFILE_H

#include "orchestrator/explain/sampler.h"
#include "results/explain/explain.h"

/*
 * Fills in the totals, tables and nodes of @e from @samplers, one for each of its sides, whose operations,
 * followed and boots are set here as well. -ENODATA: of one nothing was followed.
 */
int profile_explain(struct sampler *const *samplers, struct explanation *e, struct error *err);

/* How precisely is the difference (of one kernel: the total) known? Half of its interval. */
double profile_half_width(const struct explanation *e);

#endif
