/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mail.h - the mails of an mbox, as git's mailsplit and mailinfo read them: MIME, encodings,
 * in-body From lines and the place where the diff starts are theirs (mailinfo.h).
 */
#ifndef KERNELS_MAIL_H
#define KERNELS_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct mail {
	/* UTF-8, transcoded by the mail's charset; bytes that are of none are shown ("\xe4") */
	char *author, *email, *date;
	char *subject;	  /* decoded, with its tags */
	char *message_id; /* "<...>", or "" */
	char *replies_to; /* the ids of In-Reply-To and References, newest first, each with a blank after it */
	char *sender; /* the address of the header From, which may not be the author's */
	char *body;
	char *diff;	 /* git mailinfo's patch part */
	size_t diff_len; /* up to the end of its last hunk; 0: the mail has no diff */
	bool quoted_cr;	 /* see struct mailinfo */
	bool from_git;	 /* as git format-patch writes it: From is the author's, whoever sends it */
	/* from the subject's tags: */
	bool reply;	   /* "Re:" */
	bool patch;	   /* [PATCH] or [RFC], and not a reply */
	int version;	   /* v2: 2; 1 without */
	int n, m;	   /* 3/5; 0, 0 without numbers */
	bool half;	   /* 1.5/2: n is 1 */
	const char *title; /* the subject after its tags; within @subject */
};

struct mailbox {
	struct mail *mails;
	size_t count;
};

/*
 * Reads the mails of the file (or maildir) @path and adds them to @box, which may have mails from before,
 * with @dir for temporary files. The file may be compressed (gzip, bzip2, xz, zstd), or be a single mail
 * or patch, with whatever above its diff. -EINVAL: no mail, a mail that git cannot read, or one with a
 * NUL byte; which one is said.
 */
int mailbox_read(const char *path, const char *dir, struct mailbox *box, struct error *err);
void mailbox_free(struct mailbox *box);

/* Fills in reply, patch, version, n, m, half and title from mail->subject. */
void mail_parse_subject(struct mail *mail);

/* Fills in message_id, replies_to, sender and from_git from the raw mail. */
void mail_parse_headers(struct mail *mail, const char *raw);

/* The value of a header of the raw mail, unfolded; "" without. The caller frees. */
char *mail_header(const char *raw, const char *name);

/* What to call it in messages: its id, or its subject. The caller frees. */
char *mail_name(const struct mail *mail);

/* The "base-commit: HASH" of a mail, or NULL. The caller frees. */
char *mail_base_commit(const struct mail *mail);

/* Does the diff name a file outside of the tree ("../x", "/x")? Returns that name, which the caller
 * frees, or NULL. */
char *mail_outside_path(const struct mail *mail);

#endif
