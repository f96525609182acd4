/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * news.h - what programs are told besides people's mails: a webhook of what happened, and KCIDB's JSON of what was
 * measured. In the writer's transaction, into the outbox; each once.
 */
#ifndef ORCHESTRATOR_DAEMON_MAIL_NEWS_H
#define ORCHESTRATOR_DAEMON_MAIL_NEWS_H

#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/daemon/nights/schedule.h"

/* A change was reported. @kcidb: a submission, or NULL. */
int news_change(struct daemon_db *db, const struct schedule *s, int64_t change, const char *kcidb,
		struct error *err);
/* It is over: told to whom it was reported. */
int news_fixed(struct daemon_db *db, int64_t change, struct error *err);
/* A series was answered. */
int news_series(struct daemon_db *db, const struct schedule *s, int64_t series, const char *kcidb,
		struct error *err);

#endif
