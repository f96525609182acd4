/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * part.h - some entries of a scenario file alone: "l1-full+7", "l1-full+7-9", "l1-full+7-" (to the last). Private to
 * scenarios/.
 */
#ifndef SCENARIOS_PART_H
#define SCENARIOS_PART_H

#include "common/json.h"
#include "scenarios/scenarios.h"

#define PART_TO_THE_END SIZE_MAX

/* All of its entries. */
void scenario_part_none(struct scenario_plan *plan);
/* Those that @name asks for: then the name without that, to be freed. NULL: it asks for none. */
char *scenario_part_split(const char *name, struct scenario_plan *plan);

/* What PART_TO_THE_END means in the list of entries @list. 0, or -EINVAL: it has not so many. */
int scenario_part_settle(const struct json_node *list, struct scenario_plan *plan,
			 struct error *err);

#endif
