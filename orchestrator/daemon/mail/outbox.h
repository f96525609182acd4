/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outbox.h - what leaves after all: mails, webhooks, submissions to KCIDB. It is written in the transaction of what it
 * tells of, under a key that makes it one; it is tried until the other side takes it, and marked then.
 *
 * Killed between both, it is sent again: where things go at least once, the same Message-ID, delivery or ids of
 * objects are how the other side knows the copy.
 */
#ifndef ORCHESTRATOR_DAEMON_MAIL_OUTBOX_H
#define ORCHESTRATOR_DAEMON_MAIL_OUTBOX_H

#include "orchestrator/daemon/storage/writer.h"

struct outbox_setting { /* borrowed */
	const char *
		smtp; /* "smtp://mail.example.org:25", "smtps://..."; NULL: mails are kept, not sent */
	const char *from; /* NULL: nestlab@localhost */
	/* Files with a secret in their first line; NULL: systemd's credentials of these names
	 * ($CREDENTIALS_DIRECTORY/webhook, kcidb). $CREDENTIALS_DIRECTORY/smtp has USER:PASSWORD, if the mail
	 * server wants them. */
	const char *webhook_secret, *kcidb_token;
};
#define OUTBOX_FROM "nestlab@localhost"

struct outbox_item {		/* borrowed */
	const char *dedupe;	/* again with the same key: nothing */
	const char *kind;	/* "mail", "webhook", "kcidb" */
	const char *recipients; /* of a mail: a JSON array */
	const char *target;	/* of the others: an address, or (kcidb) a folder */
	const char *payload;
	int64_t change, series; /* that it tells of; 0: none */
	bool held;		/* a draft: it waits until somebody releases it */
};

/* In the writer's transaction. */
int outbox_add(struct daemon_db *db, const struct outbox_item *item, struct error *err);
/* Lets a draft go. -ENOENT: there is none of that series; -EEXIST: it was sent, or a newer version has come. */
int outbox_release(struct daemon_db *db, int64_t series, struct error *err);

/* Sends what is due; *due: seconds since 1970 of the next try, unless that is sooner already. Not in the
 * writer's thread. */
int outbox_send(const struct outbox_setting *setting, struct daemon_db *queue,
		struct writer *writer, int64_t *due, struct error *err);

/* ---- how each kind leaves: outbox_mail.c, outbox_post.c ---- */

#define OUTBOX_WHY_MAX 256
struct outbox_parcel {
	int64_t id;
	int tries;
	char *dedupe, *kind, *recipients, *target, *payload;
	bool taken;
	char why[OUTBOX_WHY_MAX]; /* why it was not */
};
void outbox_send_mail(const struct outbox_setting *setting, struct outbox_parcel *p);
void outbox_send_webhook(const struct outbox_setting *setting, struct outbox_parcel *p);
void outbox_send_kcidb(const struct outbox_setting *setting, struct outbox_parcel *p);

#endif
