/* SPDX-License-Identifier: GPL-2.0-only */
/* mail.h - what is written to people about a change: one mail for it, and a reply when it is fixed. */
#ifndef ORCHESTRATOR_DAEMON_MAIL_MAIL_H
#define ORCHESTRATOR_DAEMON_MAIL_MAIL_H

#include "orchestrator/daemon/mail/outbox.h"

/* In the writer's transaction, into the outbox. @recipients: JSON array; an empty one: nothing is written. */
int mail_change(struct daemon_db *db, int64_t change, const char *recipients, struct error *err);
/* To those who got the mail of the change; nothing if there was none. */
int mail_fixed(struct daemon_db *db, int64_t change, struct error *err);

/* The text of the change's mail without its headers, for pages too; the caller frees. NULL on error. */
char *mail_text(struct daemon_db *db, int64_t change, struct error *err);

/* The header Date of a mail that is written now (RFC 5322). */
void mail_add_date(struct strbuf *out);
/* The address that mails are from. */
const char *mail_from(const struct outbox_setting *setting);
/* Lines of a mail end with CR LF; the caller frees. */
char *mail_with_crlf(const char *text);

#endif
