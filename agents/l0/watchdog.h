/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watchdog.h - the machine's watchdogs reset it when the agent, or the kernel under it, hangs: a server that
 * nobody can switch then comes back to a system of its own.
 *
 * All that the kernel knows are armed: which one works on a machine is not known before it has to.
 */
#ifndef AGENTS_L0_WATCHDOG_H
#define AGENTS_L0_WATCHDOG_H

/*
 * The machine is reset @seconds from now, if watchdog_disarm() does not come before that; sooner, where the
 * hardware cannot count so far (iTCO: 613 s) and is not fed. 0 and less: nothing is armed. What became
 * of it is said on stderr, which is the console.
 */
void watchdog_arm(int seconds);

/* A sign of life, before each measurement: what counts less than watchdog_arm() was told begins anew. */
void watchdog_feed(void);

/* Before a reboot in good order: firmware takes its time, and some watchdogs go on counting meanwhile. */
void watchdog_disarm(void);

#endif
