// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agents/guest/scenarios.h"

static int (*const scenarios[PLAN_SCENARIO_COUNT])(const struct plan_measure *m, struct sink *s) = {
	[PLAN_MULTIPLEX] = guest_multiplex_run, [PLAN_MIGRATE] = guest_migrate_run,
	[PLAN_EXITS] = guest_exits_run,		[PLAN_SAVE_RESTORE] = guest_moved_run,
	[PLAN_LIVE_MIGRATE] = guest_moved_run,
};

int guest_measure(const struct plan_measure *m, struct sink *s)
{
	int ret;

	if (!scenarios[m->scenario]) {
		sink_skip(s, "a Linux L1 does not run %s", plan_scenario_names[m->scenario]);
		return 0;
	}
	ret = scenarios[m->scenario](m, s);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "", strerror(-ret),
			  "the measurement could not be run in L1");
	return ret;
}
