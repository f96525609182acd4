/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * isolate.h - a function in a process of its own, with a time limit: what it wrote, how it ended.
 */
#ifndef AGENTS_L0_ISOLATE_H
#define AGENTS_L0_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

#define ISOLATE_OUTPUT_MAX (16u << 20)

struct isolated {
	char *output; /* NUL-terminated; free() it. NULL if the process could not be started */
	size_t len;
	size_t lost;	/* bytes beyond ISOLATE_OUTPUT_MAX, not kept */
	int status;	/* as of waitpid() */
	bool timed_out; /* it was killed for it, with all of its process group */
};

/* Something to do in this process while the other one runs, so that others see that it goes on. */
struct isolate_pulse {
	unsigned int every_s;
	void (*beat)(void *arg);
	void *arg;
};

/* Forks; the child leads a process group and calls @run(arg, fd) with the pipe's writing end, then
 * exits with what that returned. Waits until it has ended and ends what it left behind. 0, or a
 * negative errno when the process could not be started. @pulse may be NULL. */
int isolate_run(int (*run)(void *arg, int fd), void *arg, unsigned int limit_s,
		const struct isolate_pulse *pulse, struct isolated *out);

/* "exit status 3", "signal 11 (Segmentation fault)", "no end within 60 s" */
void isolate_describe(const struct isolated *end, unsigned int limit_s, char *text, size_t size);

#endif
