/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * complaints.h - what the kernel logs when something is wrong (WARNING, BUG, KASAN, lockdep, RCU
 * stalls, hung tasks, ...): one list, for the agent's look at /dev/kmsg and the orchestrator's at
 * the console.
 *
 * The emulated host's kernel warns twice at boot about the emulator's CPU. These two are known by
 * file and function and left out; every other WARNING counts.
 */
#ifndef AGENTS_WIRE_COMPLAINTS_H
#define AGENTS_WIRE_COMPLAINTS_H

#include <stdbool.h>

/* Is @line, as printk() got it (no time, no level), a complaint, and not one of the two known
 * ones? */
bool complaints_has(const char *line);

#endif
