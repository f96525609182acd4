/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answer.h - what is answered to a series: measured, does not build, applies nowhere. A reply to its cover letter (or
 * only patch), in the transaction of what it tells of; a draft, unless the schedule says that it is sent.
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_ANSWER_H
#define ORCHESTRATOR_DAEMON_WATCH_ANSWER_H

#include "orchestrator/daemon/nights/nightly.h"

/* Of a series that is new. In the writer's transaction. */
int answer_unapplied(struct daemon_db *db, const struct outbox_setting *setting,
		     const struct schedule *s, int64_t series, const char *why, struct error *err);

/* Each series whose job has ended. */
int answer_run(struct night_context *n, struct error *err);

#endif
