// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/measure.h"

#include <string.h>

#define ROW(id, function, ...) [PLAN_##id] = scenario_##function##_run,

static int (*const scenarios[])(const struct plan_measure *m,
				struct sink *s) = {PLAN_SCENARIOS(ROW)};

int measure_run(const struct plan_measure *m, struct sink *s)
{
	int ret;

	if (!scenarios[m->scenario]) {
		sink_skip(s, "%s runs inside an L1 alone", plan_scenario_names[m->scenario]);
		return 0;
	}
	ret = scenarios[m->scenario](m, s);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "success", strerror(-ret),
			  "the measurement could not be run");
	return ret;
}
