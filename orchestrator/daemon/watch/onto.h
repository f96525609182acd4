/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * onto.h - a series onto its base: the commit that its mails name (base-commit), else the schedule's branches in turn.
 * What becomes of it is a variant in STATE/lists/SCHEDULE and a job that measures it against that base; or which
 * patch does not apply where.
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_ONTO_H
#define ORCHESTRATOR_DAEMON_WATCH_ONTO_H

#include "orchestrator/daemon/nights/nightly.h"

/* Each series that is new. */
int onto_run(struct night_context *n, struct error *err);

#endif
