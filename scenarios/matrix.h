/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * matrix.h - one entry of a scenario file becomes its measurements. Private to scenarios/.
 */
#ifndef SCENARIOS_MATRIX_H
#define SCENARIOS_MATRIX_H

#include "common/json.h"
#include "scenarios/scenarios.h"

#define MATRIX_MAX_MEASURES 4096 /* in a plan */

/* Sets *out to the number of the string @n in @choices (NULL-terminated). 0, or -EINVAL with a message
 * that lists them. */
int matrix_parse_choice(const struct json_node *n, const char *const *choices, uint64_t *out,
			struct error *err);

/* Appends the measurements of @entry ("$.scenarios[i]") to @plan. @parallel: what "mode" is where the
 * entry does not say. 0 or -EINVAL. */
int matrix_expand(const struct json_node *entry, bool parallel, struct scenario_plan *plan,
		  struct error *err);

/* Either all of @plan's measurements are of L1s that go to one other host, or none is. 0 or -EINVAL (crossing.c). */
int scenario_check_destination(const struct scenario_plan *plan, struct error *err);

#endif
