/* SPDX-License-Identifier: GPL-2.0-only */
/* tick.h - what time brings: leases that expire, waits that are over, deadlines. */
#ifndef ORCHESTRATOR_DAEMON_QUEUE_TICK_H
#define ORCHESTRATOR_DAEMON_QUEUE_TICK_H

#include "orchestrator/daemon/storage/database.h"

/* Does what is due. */
int tick_run(struct daemon_db *db, struct error *err);
/* *due: when something is due next (database_now()'s clock); INT64_MAX: nothing is. */
int tick_next(struct daemon_db *db, int64_t *due, struct error *err);

#endif
