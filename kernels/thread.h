/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * thread.h - the patch series in a mailbox that may hold a whole thread: which mails are its patches, in
 * which order, and of which version.
 *
 * A mail is a patch by its tags ([PATCH], [RFC], [n/m]) and a diff. It is not one if it is a reply: its
 * subject says "Re:", or it answers a mail of the series, comes from somebody else and is unnumbered (a
 * robot's fix) or carries the number of the mail that it answers (a "Re:" that got lost).
 *
 * Numbered patches of one version and count are one series. The newest complete version is taken unless
 * another one is asked for. A version of which only some patches were sent, each in reply to the patch
 * that it replaces, is completed with those of the version before (b4's "partial reroll"). Patches
 * without numbers (git format-patch -N) are a series in the mailbox's order; if no mail with a diff has any
 * tag, so are all mails that are no replies.
 *
 * What is left out although it looks like a patch is said in a warning.
 */
#ifndef KERNELS_THREAD_H
#define KERNELS_THREAD_H

#include "common/error.h"
#include "kernels/mail.h"

#define THREAD_MAX 1000 /* patches */

struct thread { /* borrowed from the mailbox */
	int version, m;
	const struct mail *cover;    /* NULL: none */
	const struct mail **patches; /* m of them */
};

/* @where: what messages begin with. @version: 0 for the newest complete one. -EINVAL: there is no such
 * series, or nothing says which; the message says what is missing or twice. */
int thread_find(const struct mailbox *box, const char *where, int version, struct thread *s,
		struct error *err);

/* All mails with a diff, in the mailbox's order whatever their subjects say: of patch files. */
int thread_in_order(const struct mailbox *box, const char *where, struct thread *s,
		    struct error *err);

/* The commit that the mails say they were made on ("base-commit:"), or NULL. The caller frees. */
char *thread_base_commit(const struct thread *s);

void thread_free(struct thread *s);

#endif
