// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/scenarios.h"

#include <string.h>

const struct scenario_metric scenario_metrics[] = {
	{"multiplex", "switch", "clocks", "lower", true,
	 "from one L2 vCPU to the next: vmptrld, entry, L2's exit"},
	{"multiplex", "vmptrld", "clocks", "lower", false, "vmptrld alone (or the eVMCS switch)"},
	{"multiplex", "entry-exit", "clocks", "lower", false,
	 "vmresume to the exit, without vmptrld"},
	{"multiplex", "switches-per-mclk", "per-mclk", "higher", false,
	 "switches per million clock units, all L1 vCPUs together"},
	{"migrate", "migration", "clocks", "lower", true, "source and first entry together"},
	{"migrate", "source", "clocks", "lower", false, "vmclear on the L1 vCPU that is left"},
	{"migrate", "first-entry", "clocks", "lower", false,
	 "vmptrld, vmlaunch and exit on the L1 vCPU that is reached"},
	{"exits", "exit", "clocks", "lower", true, "from L2 to L1 and back"},
	{"churn", "operation", "clocks", "lower", false, "the change itself"},
	{"churn", "resume", "clocks", "lower", true,
	 "the first entry after the change, to its exit"},
	{"l2-work", "latency", "clocks", "lower", true,
	 "one operation, from before to after, in L2"},
	{"l2-work", "operations-per-mclk", "per-mclk", "higher", false,
	 "operations per million clock units, all L2 vCPUs together"},
	{"l1-boot", "boot", "clocks", "lower", true,
	 "from a Linux L1's first instruction to its agent's first word"},
	{NULL},
};

const struct scenario_metric *scenario_find_metric(const char *scenario, const char *metric)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->scenario, scenario) && !strcmp(m->name, metric))
			return m;
	return NULL;
}
