/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confirm.h - what becomes of an alarm: fresh boots of both kernels, interleaved, judged as any comparison; then a
 * bisect, an explanation (explained.h), then a mail and news.
 *
 *	alarm -> confirming -> confirmed -> bisecting -> culprit -> reported
 *	                   \-> noise, inconclusive
 */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_CONFIRM_H
#define ORCHESTRATOR_DAEMON_NIGHTS_CONFIRM_H

#include "orchestrator/daemon/nights/nightly.h"

#define CONFIRM_BOOTS 4 /* of each kernel */

/* Brings every change as far as it goes without waiting. */
int confirm_run(struct night_context *n, struct error *err);

#endif
