// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/measure.h"

#include <string.h>

static int (*const scenarios[PLAN_SCENARIO_COUNT])(const struct plan_measure *m, struct sink *s) = {
	[PLAN_MULTIPLEX] = scenario_multiplex_run, [PLAN_MIGRATE] = scenario_migrate_run,
	[PLAN_EXITS] = scenario_exits_run,	   [PLAN_CHURN] = scenario_churn_run,
	[PLAN_UNRELATED] = scenario_unrelated_run, [PLAN_KSELFTEST] = scenario_kselftest_run,
};

int measure_run(const struct plan_measure *m, struct sink *s)
{
	const char *unbuilt = plan_measure_unbuilt(m);
	int ret;

	if (unbuilt) {
		sink_skip(s, "%s", unbuilt);
		return 0;
	}
	ret = scenarios[m->scenario](m, s);
	if (ret < 0)
		sink_fail(s, SINK_GUEST, "", strerror(-ret), "the measurement could not be run");
	return ret;
}
