/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenarios.h - what the agent measures when it runs inside a Linux L1: L2s through /dev/kvm.
 * As the scenarios of agents/l0/measure.h, each returns 0 when the sink was told everything.
 */
#ifndef AGENTS_GUEST_SCENARIOS_H
#define AGENTS_GUEST_SCENARIOS_H

#include "agents/l0/records/sink.h"
#include "agents/wire/protocol.h"

/* Those that no file defines a Linux L1 does not run: NULL. Windows' programs have no such symbols: the agent there has a
 * table of its own (agents/windows/main.c). */
#ifdef _WIN32
#define GUEST_MAY_LACK
#else
#define GUEST_MAY_LACK __attribute__((weak))
#endif
#define GUEST_DECLARE(id, function, ...) \
	int guest_##function##_run(const struct plan_measure *m, struct sink *s) GUEST_MAY_LACK;
PLAN_SCENARIOS(GUEST_DECLARE)

/* The one of @m. */
int guest_measure(const struct plan_measure *m, struct sink *s);

#endif
