/* SPDX-License-Identifier: GPL-2.0-only */
/* due.h - schedules whose time has come: their kernels become a job, once a period. */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_DUE_H
#define ORCHESTRATOR_DAEMON_NIGHTS_DUE_H

#include "orchestrator/daemon/nights/nightly.h"

/*
 * Reads all schedules, keeps their next time, and submits what is due. The time moves on in the transaction
 * that submits, so no step of the clock and no kill makes two nights of one. While a night of a schedule
 * is under way its next one waits, and nights that were due meanwhile become one.
 */
int due_run(struct night_context *n, struct error *err);

#endif
