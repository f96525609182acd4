/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.h - one measurement: from a line of the plan to records.
 *
 * Each scenario is a function in agents/l0/scenario_NAME.c and a row of PLAN_SCENARIOS (words.h). It
 * runs in a process of its own (measure_run() forks before there is a VM), so it may leave its VM,
 * mappings and threads to the kernel's clean-up, and a crash or a hang of it is a `fail` record, not
 * the end of the agent.
 *
 * A scenario function returns 0 when it said what happened (metrics, sink_skip() or sink_fail()), or
 * a negative errno if it could not do its work and said nothing: that becomes a `fail` of class guest
 * with the errno's name.
 */
#ifndef AGENTS_L0_MEASURE_H
#define AGENTS_L0_MEASURE_H

#include "agents/l0/records/sink.h"
#include "agents/wire/protocol.h"

/* Those that no file defines are of Linux L1s (agents/guest/scenarios.h, l1_linux.h): NULL. */
#define MEASURE_DECLARE(id, function, ...)                                          \
	int scenario_##function##_run(const struct plan_measure *m, struct sink *s) \
		__attribute__((weak));
PLAN_SCENARIOS(MEASURE_DECLARE)

/* How many seconds a selftest, of either kind, may take. */
unsigned int scenario_kselftest_limit(const struct plan_measure *m);

/* Where those scenarios find their programs: /selftests. */
extern const char *selftests_dir;

/* Runs one measurement in the calling process, through the table. */
int measure_run(const struct plan_measure *m, struct sink *s);

#endif
