/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h - lists that are watched, as parts of the nights' thread (night.h).
 *
 *	archive.[ch]	looks for new mails	archive_git.c, archive_http.c, fetch.[ch], take.[ch]
 *	letter.[ch]	a mail's first look	keep.[ch]  keeps it, in its thread
 *	series.[ch]	finds series (box.[ch])	onto.[ch]  applies them, and has them measured
 *	answer.[ch]	answers them		ended.[ch], measured.[ch], draft.[ch]
 */
#ifndef ORCHESTRATOR_DAEMON_WATCH_WATCH_H
#define ORCHESTRATOR_DAEMON_WATCH_WATCH_H

#include "orchestrator/daemon/nights/nightly.h"

#define WATCH_TROUBLE_S 30 /* until what failed is tried again */

/* Brings everything as far as it goes without waiting. */
int watch_run(struct night_context *n, struct error *err);

#endif
