/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * here.h - this machine and the kernel that it runs: nothing is booted, the agent is a process.
 *
 * The agent makes the machine quiet (agents/l0/quiet.h) and puts it back. What it changed is in the journal
 * CACHE/hosts/here.journal meanwhile; the next boot here begins by putting back what one that was
 * killed left there.
 */
#ifndef ORCHESTRATOR_HOSTS_HERE_H
#define ORCHESTRATOR_HOSTS_HERE_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_here;

#endif
