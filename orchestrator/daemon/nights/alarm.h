/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alarm.h - a night that is over against those before it: new changes are opened as alarms, and those whose
 * numbers are back where they were are closed as fixed.
 */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_ALARM_H
#define ORCHESTRATOR_DAEMON_NIGHTS_ALARM_H

#include "orchestrator/daemon/nights/nightly.h"

/*
 * Looks at every night that is over, in order. One with a change of its branch before it that is not confirmed or refused
 * yet waits for that: what it is compared with depends on it.
 */
int alarm_run(struct night_context *n, struct error *err);

#endif
