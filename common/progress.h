/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.h - what nestlab is doing, one line for each task.
 *
 * On a terminal (stderr) the live lines are redrawn in place, with a share done and an ETA; in a
 * pipe a line is printed when a task starts, at each tenth, and when it ends. Thread-safe.
 *
 *	struct progress *p = progress_start("build baseline");
 *	progress_update(p, 120, 1400, "CC arch/x86/kvm/x86.o");
 *	progress_end(p, "built in 146 s");
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdint.h>

struct progress;

/* Starts a line; @label is copied. Never NULL. */
struct progress *progress_start(const char *label);
/* @total 0: unknown (no share, no ETA). @detail may be NULL. Cheap: redraws at most 10 times/s. */
void progress_update(struct progress *p, uint64_t done, uint64_t total, const char *detail);
/* Ends and frees it; @outcome is printed after the label. */
void progress_end(struct progress *p, const char *outcome);

/* Prints on stderr without tearing the live lines; log.h goes through it. */
void progress_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
