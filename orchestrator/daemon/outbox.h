/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outbox.h - mails that leave after all. A mail is written in the transaction of what it tells of, under a key
 * that makes it one; it is tried until the server takes it, and marked then.
 *
 * Killed between both, it is sent again with the same Message-ID: where mails go at least once, that is how
 * a reader's program knows the copy.
 */
#ifndef ORCHESTRATOR_DAEMON_OUTBOX_H
#define ORCHESTRATOR_DAEMON_OUTBOX_H

#include "orchestrator/daemon/writer.h"

struct outbox_setting { /* borrowed */
	const char *
		smtp; /* "smtp://mail.example.org:25", "smtps://..."; NULL: mails are kept, not sent */
	const char *from; /* NULL: nestlab@localhost */
	/* $CREDENTIALS_DIRECTORY/smtp has USER:PASSWORD, if the server wants them */
};

/* In the writer's transaction. Again with the same @dedupe: nothing. @recipients: JSON array. */
int outbox_add(struct daemon_db *db, const char *dedupe, int64_t change, const char *recipients,
	       const char *payload, struct error *err);

/* Sends what is due; *due: seconds since 1970 of the next try, unless that is sooner already. Not in the
 * writer's thread. */
int outbox_send(const struct outbox_setting *setting, struct daemon_db *queue,
		struct writer *writer, int64_t *due, struct error *err);

#endif
