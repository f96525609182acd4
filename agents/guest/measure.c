// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agents/guest/scenarios.h"

#define ROW(id, function, ...) [PLAN_##id] = guest_##function##_run,

static int (*const scenarios[])(const struct plan_measure *m,
				struct sink *s) = {PLAN_SCENARIOS(ROW)};

int guest_measure(const struct plan_measure *m, struct sink *s)
{
	int ret;

	if (!scenarios[m->scenario]) {
		sink_skip(s, "a Linux L1 does not run %s", plan_scenario_names[m->scenario]);
		return 0;
	}
	ret = scenarios[m->scenario](m, s);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "success", strerror(-ret),
			  "the measurement could not be run in L1");
	return ret;
}
