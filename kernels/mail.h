/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mail.h - the mails of an mbox, as git's mailsplit and mailinfo read them: MIME, encodings,
 * in-body From lines and where the diff starts are left to them.
 */
#ifndef KERNELS_MAIL_H
#define KERNELS_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct mail {
	char *author, *email, *date;
	char *subject;	   /* decoded, with its tags */
	char *message_id;  /* "<...>", or "" */
	char *body, *diff; /* UTF-8; diff is "" for a mail without one */
	/* from the subject's tags: */
	bool patch;	   /* [PATCH] or [RFC], and not a reply */
	int version;	   /* v2: 2; 1 without */
	int n, m;	   /* 3/5; 0, 0 without numbers */
	const char *title; /* the subject after its tags; within @subject */
};

struct mailbox {
	struct mail *mails;
	size_t count;
};

/* Reads @path, with @dir (which exists) for temporary files. */
int mailbox_read(const char *path, const char *dir, struct mailbox *box, struct error *err);
void mailbox_free(struct mailbox *box);

/* Fills in patch, version, n, m and title from mail->subject. */
void mail_parse_subject(struct mail *mail);

/* The "base-commit: HASH" of a mail, or NULL. The caller frees. */
char *mail_base_commit(const struct mail *mail);

/* Does the diff name a file outside of the tree ("../x", "/x")? Returns that name, which the caller
 * frees, or NULL. */
char *mail_outside_path(const struct mail *mail);

#endif
