/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * matrix.h - one entry of a scenario file becomes its measurements. Private to scenarios/.
 */
#ifndef SCENARIOS_MATRIX_H
#define SCENARIOS_MATRIX_H

#include "common/json.h"
#include "scenarios/scenarios.h"

#define MATRIX_MAX_MEASURES 4096 /* in a plan */

/* Appends the measurements of @entry ("$.scenarios[i]") to @plan. @mode: the file's default for
 * "mode", or NULL. 0 or -EINVAL. */
int matrix_expand(const struct json_node *entry, const char *mode, struct scenario_plan *plan,
		  struct error *err);

#endif
