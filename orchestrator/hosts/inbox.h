/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inbox.h - records that come in POSTs: the bodies are bytes of a line (line.h), and each answer says from
 * where on the agent is to send (agents/wire/frame.h). Whoever has no key of the boot can send what he
 * likes: it is refused and counted.
 *
 * Functions may be called from any thread.
 */
#ifndef ORCHESTRATOR_HOSTS_INBOX_H
#define ORCHESTRATOR_HOSTS_INBOX_H

#include "orchestrator/hosts/line.h"

#define INBOX_POST_MAX (1u << 20) /* bytes of one POST */

struct inbox;

int inbox_open(const struct line_setting *setting, struct inbox **in, struct error *err);
/* The next bytes of a body. -EIO, -ENOSPC, ...: the records cannot be written, now or ever again. */
int inbox_take(struct inbox *in, const char *data, size_t len);
/* The answer to a POST, FRAME_WANT_MAX bytes at most; its length. */
size_t inbox_answer(struct inbox *in, char *text);
/* @heard_at: when the last good frame came, clock_seconds(); 0: none has. */
void inbox_tell(struct inbox *in, struct line_counts *counts, double *heard_at);
void inbox_close(struct inbox *in); /* NULL is allowed */

#endif
