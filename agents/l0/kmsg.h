/* SPDX-License-Identifier: GPL-2.0-only */
/* kmsg.h - complaints (agents/wire/complaints.h) in the kernel's log, and other lines of it. */
#ifndef AGENTS_L0_KMSG_H
#define AGENTS_L0_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the log at its first message that is still there, or behind its last one: what a machine that has
 * run for weeks said before is no fault of the measurement's. A descriptor or a negative errno. */
int kmsg_open(bool from_now);

/* The next new complaint, as one line in @text; false if there is none (or @fd is negative). */
bool kmsg_next_complaint(int fd, char *text, size_t size);

/* The next line of the kernel's that has one of @words (ended by NULL) in it; false if there is none. */
bool kmsg_find(int fd, const char *const *words, char *text, size_t size);

#endif
