/* SPDX-License-Identifier: GPL-2.0-only */
/* isolate.h - a function in a process of its own, with a time limit: what it wrote, how it
 * ended. */
#ifndef AGENTS_L0_ISOLATE_H
#define AGENTS_L0_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

#define ISOLATE_OUTPUT_MAX (16u << 20)

struct isolated {
	char *output; /* NUL-terminated; free() it. "" where on_output() was given it */
	size_t len;
	size_t lost;	/* bytes beyond ISOLATE_OUTPUT_MAX, which were dropped */
	int status;	/* as of waitpid() */
	bool timed_out; /* it was killed because its time was up, with all of its process group */
};

/* What the calling process does while the other one runs. Members may be NULL or 0. */
struct isolate_watch {
	/* Is given what comes down the pipe, piece by piece; else it is kept in `output`. */
	void (*on_output)(void *arg, const char *data, size_t len);
	unsigned int every_s; /* on_beat() is called every so many seconds; 0: never */
	void (*on_beat)(void *arg);
	void *arg;
};

/*
 * Forks; the child leads a process group and calls @run(arg, fd) with the pipe's writing end, then
 * exits with what that returned. Waits until it has ended, and kills what it left behind. 0, or a
 * negative errno when the process could not be started. @watch may be NULL.
 */
int isolate_run(int (*run)(void *arg, int fd), void *arg, unsigned int limit_s,
		const struct isolate_watch *watch, struct isolated *out);

/* "exit status 3", "signal 11 (Segmentation fault)", "no end within 60 s" */
void isolate_describe(const struct isolated *end, unsigned int limit_s, char *text, size_t size);

#endif
