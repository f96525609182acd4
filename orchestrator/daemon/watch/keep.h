/* SPDX-License-Identifier: GPL-2.0-only */
/* keep.h - mails as the daemon's database has them: each once, in its thread. In the writer's transaction. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_KEEP_H
#define ORCHESTRATOR_DAEMON_WATCH_KEEP_H

#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/daemon/watch/letter.h"

#define KEEP_THREAD_MAX 500 /* mails of a thread; those that come after are refused */

/* A mail that is there already is a success. */
int keep_mail(struct daemon_db *db, const char *schedule, const struct letter *letter,
	      const char *raw, size_t len, struct error *err);
/* Is it there? 1, 0, or a negative errno. */
int keep_has(struct daemon_db *db, const char *schedule, const char *message_id, struct error *err);

#endif
