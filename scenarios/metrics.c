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
	{"l1-save-restore", "downtime", "clocks", "lower", false,
	 "from L1's stop to its running again in a new VMM"},
	{"l1-save-restore", "switch", "clocks", "lower", true, "from one L2 to the next meanwhile"},
	{"l1-live-migrate", "downtime", "clocks", "lower", true,
	 "from L1's stop in one VMM to its running in the other"},
	{"l1-live-migrate", "duration", "clocks", "lower", false,
	 "from the order to the end, L1 and both VMMs on L0's CPUs"},
	{"l1-live-migrate", "departure", "clocks", "lower", true,
	 "to another host: from L1's stop to its last byte's leaving, by the source's clock"},
	{"l1-live-migrate", "arrival", "clocks", "lower", true,
	 "from another host: from the first byte that was sent while L1 stood still to its running"},
	{"l1-live-migrate", "gap", "clocks", "lower", false,
	 "the longest time that an L2 did not run, by L1's TSC"},
	{"l1-live-migrate", "switch", "clocks", "lower", false,
	 "from one L2 to the next meanwhile"},
	{"l1-snapshot-storm", "downtime", "clocks", "lower", true,
	 "from L1's stop to its running on, its memory written to a file"},
	{"l1-snapshot-storm", "revert", "clocks", "lower", false,
	 "from the order to its running in a new VMM as it was at the snapshot"},
	{"l1-snapshot-storm", "switch", "clocks", "lower", false,
	 "from one L2 to the next meanwhile"},
	{"l1-balloon", "inflate", "clocks", "lower", true,
	 "from the order to L1's having given the memory up"},
	{"l1-balloon", "deflate", "clocks", "lower", false,
	 "from the order to L1's having it back"},
	{"l1-balloon", "switch", "clocks", "lower", false, "from one L2 to the next meanwhile"},
	{"l1-unplug", "unplug", "clocks", "lower", true,
	 "from the order to L1's having given up the memory that its L2s lay in"},
	{"l1-unplug", "plug", "clocks", "lower", false, "from the order to L1's having it back"},
	{"l1-unplug", "switch", "clocks", "lower", false, "from one L2 to the next meanwhile"},
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
	{"l2-boot", "boot", "clocks", "lower", true,
	 "from a Linux L2's first instruction to its agent's first word"},
	{"unrelated", "vmm-page", "clocks", "lower", true,
	 "MADV_DONTNEED of a page of the VMM's that is not L1's memory"},
	{"unrelated", "vmm-page-no-l2", "clocks", "lower", true,
	 "the same, of a VM whose vCPUs have not run"},
	{"unrelated", "vmm-range", "clocks", "lower", true,
	 "MADV_DONTNEED of 2 MiB of the VMM's with one page in it"},
	{"unrelated", "l1-page", "clocks", "lower", true,
	 "MADV_DONTNEED of a page of L1's that nested VMX does not use"},
	{NULL},
};

const struct scenario_metric *scenario_find_metric(const char *scenario, const char *metric)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->scenario, scenario) && !strcmp(m->name, metric))
			return m;
	return NULL;
}
