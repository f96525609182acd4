/* SPDX-License-Identifier: GPL-2.0-only */
/* series.h - which patch series are in the threads that got mails, and which version takes whose place. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_SERIES_H
#define ORCHESTRATOR_DAEMON_WATCH_SERIES_H

#include "orchestrator/daemon/nights/nightly.h"

/* Looks through every thread with new mails. */
int series_find(struct night_context *n, struct error *err);

#endif
