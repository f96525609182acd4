/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * archive.h - looking at a public-inbox for mails that are new. How far the looking has come is written in the
 * transaction that takes the mails: killed anywhere, none is missed, and each is taken once (by its id).
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_ARCHIVE_H
#define ORCHESTRATOR_DAEMON_WATCH_ARCHIVE_H

#include "orchestrator/daemon/watch/take.h"

/* What is in it that was not there at the last look. *more: there is more than one look takes (ARCHIVE_LOOK_S); the next
 * one goes on. -ETIMEDOUT: it cannot even say in that time what is new. */
#define ARCHIVE_LOOK_S 60
int archive_look(struct night_context *n, const struct schedule *s, bool *more, struct error *err);

/* By kind: archive_git.c, archive_http.c */
int archive_look_git(const struct archive *a, struct error *err);
int archive_look_http(const struct archive *a, bool *more, struct error *err);

#endif
