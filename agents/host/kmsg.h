/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmsg.h - complaints in the kernel's log (WARNING, BUG, Oops, ...).
 *
 * The emulated host's kernel complains twice at boot, about the emulator's CPU: those two are known by
 * file and function (see kmsg.c) and left out; any other one is told.
 */
#ifndef AGENTS_HOST_KMSG_H
#define AGENTS_HOST_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the log at its first message that is still there. A descriptor or a negative errno. */
int kmsg_open(void);

/* The next new complaint, as one line in @text; false if there is none (or @fd is negative). */
bool kmsg_next_complaint(int fd, char *text, size_t size);

/* Is this line of the log a complaint that is not known? */
bool kmsg_is_complaint(const char *text);

#endif
