/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenarios.h - what the agent measures when it runs inside a Linux L1: L2s through /dev/kvm.
 * As the scenarios of agents/l0/measure.h, each returns 0 when the sink was told everything.
 */
#ifndef AGENTS_GUEST_SCENARIOS_H
#define AGENTS_GUEST_SCENARIOS_H

#include "agents/l0/sink.h"
#include "agents/wire/protocol.h"

int guest_multiplex_run(const struct plan_measure *m, struct sink *s);
int guest_migrate_run(const struct plan_measure *m, struct sink *s);
int guest_exits_run(const struct plan_measure *m, struct sink *s);
int guest_moved_run(const struct plan_measure *m, struct sink *s);

/* The one of @m. */
int guest_measure(const struct plan_measure *m, struct sink *s);

#endif
