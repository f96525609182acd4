/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.h - a count of the changes after which somebody who found no work may find some: boots were queued, a
 * host was opened. It is raised before the commit, so who looks again after the commit sees the change.
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_CHANGE_H
#define ORCHESTRATOR_DAEMON_STORAGE_CHANGE_H

#include <stdint.h>

void change_note(void);
int64_t change_count(void);

#endif
