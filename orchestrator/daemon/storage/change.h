/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.h - a count of the changes after which somebody who found no work may find some: boots were queued, a
 * host was opened. It is raised before the commit, so who looks again after the commit sees the change.
 *
 * What follows a commit and answers nobody (importing, nights, what is due next) settles first: it looks at many
 * commits together, so that a burst of leases is not followed by as many looks at the queue.
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_CHANGE_H
#define ORCHESTRATOR_DAEMON_STORAGE_CHANGE_H

#include <stdint.h>

void change_note(void);
int64_t change_count(void);

/* Waits 20 ms. For a thread that was woken by a commit. */
void change_settle(void);

#endif
