/* SPDX-License-Identifier: GPL-2.0-only */
/* draft.h - the mail around an answer: whom it goes to, what it replies to, who says it. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_DRAFT_H
#define ORCHESTRATOR_DAEMON_WATCH_DRAFT_H

#include "orchestrator/daemon/nights/nightly.h"

/* In the writer's transaction, into the outbox. @text: lines; names from outside have gone through markup_line(). */
int draft_put(struct daemon_db *db, const struct outbox_setting *setting, const struct schedule *s,
	      int64_t series, const char *text, struct error *err);

#endif
