/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - many boots in one thread, woken by events.
 *
 * What wakes it: a run directory's file that grows (inotify), a driver's wake_fd (the pidfd of an
 * emulator), a limit or a driver's poll_ms, a cancel, boot_loop_wake(). While nothing happens, nothing
 * runs. A guest that writes its serial line byte by byte wakes it 20 times a second, not at each byte.
 *
 *	boot_loop_new(&loop, err);
 *	boot_loop_add(loop, boot_begin(...));	// as many as shall run at once
 *	while (...) {
 *		over = boot_loop_wait(loop);
 *		if (over)
 *			boot_end(over, &result, err);	// and maybe add the next one
 *	}
 *	boot_loop_free(loop);
 */
#ifndef ORCHESTRATOR_ENGINE_LOOP_H
#define ORCHESTRATOR_ENGINE_LOOP_H

#include "orchestrator/engine/boot.h"

struct boot_loop;

/* -errno when the system gives no more descriptors. Where it gives no inotify (a user has 128 of
 * them, fs.inotify.max_user_instances), boots are looked at five times a second instead. */
int boot_loop_new(struct boot_loop **loop, struct error *err);
/* Every boot that was added is over. */
void boot_loop_free(struct boot_loop *loop);

/* Takes @b in; boot_loop_wait() starts it. Its run directory is there. */
void boot_loop_add(struct boot_loop *loop, struct boot *b);

/*
 * Drives the boots until one is over, which leaves the loop and is the caller's to boot_end(). NULL:
 * somebody called boot_loop_wake(), or a cancel was requested (returned once; it ends every boot). Waits
 * for ever where there is no boot to drive and no wake to come.
 */
struct boot *boot_loop_wait(struct boot_loop *loop);

/* From any thread: ends a boot_loop_wait() that goes on, or else the next one. */
void boot_loop_wake(struct boot_loop *loop);

/* One boot from begin to end: boot_end()'s results. */
int boot_once(const struct host_config *cfg, const struct boot_request *request,
	      struct boot_result *result, struct error *err);

#endif
