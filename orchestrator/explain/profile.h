/* SPDX-License-Identifier: GPL-2.0-only */
/* profile.h - from the operations that were followed to an explanation. */
#ifndef ORCHESTRATOR_EXPLAIN_PROFILE_H
#define ORCHESTRATOR_EXPLAIN_PROFILE_H

#include "orchestrator/explain/sampler.h"
#include "results/explain/explain.h"

/*
 * Fills in the totals, tables and nodes of @e from @samplers, one for each of its sides, whose operations,
 * followed and boots are set here as well. -ENODATA: of one too few
 * operations were followed to say anything.
 */
int profile_explain(struct sampler *const *samplers, struct explanation *e, struct error *err);

#endif
