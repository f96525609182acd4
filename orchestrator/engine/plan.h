/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - where a scenario becomes work for a guest: a validated plan (scenarios/scenarios.h) as the
 * text that the agent of one boot reads (agents/wire/protocol.h).
 */
#ifndef ORCHESTRATOR_ENGINE_PLAN_H
#define ORCHESTRATOR_ENGINE_PLAN_H

#include <stdint.h>

#include "scenarios/scenarios.h"

/* The text of /plan for one boot, which measures from @first on; measurement i has id i. The caller frees. */
char *plan_text(const struct scenario_plan *plan, size_t first, uint64_t seed);

#endif
