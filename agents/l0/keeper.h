/* SPDX-License-Identifier: GPL-2.0-only */
/* keeper.h - the process that makes a machine quiet (quiet.h), lets a child measure, and puts it back. */
#ifndef AGENTS_L0_KEEPER_H
#define AGENTS_L0_KEEPER_H

#include "agents/l0/quiet.h"

/*
 * Makes the machine quiet, calls @run(arg) in a child and puts the machine back when that has ended: by
 * itself, by a crash, or because a signal (SIGINT, SIGTERM, SIGHUP) ended it and us. The child's exit
 * status, or a negative errno with @why if it was not started. Only a SIGKILL of ours leaves the machine as it is,
 * and the journal for quiet_restore().
 */
int keeper_run(struct quiet *q, int (*run)(void *arg), void *arg, char *why, size_t len);

#endif
