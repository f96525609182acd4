/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * box.h - the mails of a thread in a folder for temporary files, as kernels/ reads them: each was read alone
 * before, and one that git cannot read counts for nothing and harms no other.
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_BOX_H
#define ORCHESTRATOR_DAEMON_WATCH_BOX_H

#include "common/scratch.h"
#include "kernels/mail.h"
#include "orchestrator/daemon/nights/nightly.h"

struct box { /* free with box_free(), after an error too */
	struct scratch scratch;
	char *maildir;
	struct mailbox mails;
};

/* Notes in the database what could not be read. */
int box_open(struct night_context *n, int64_t thread, struct box *out, struct error *err);
void box_free(struct box *b);

#endif
