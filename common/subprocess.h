/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subprocess.h - run a program: argument vector, no shell, own process group.
 *
 * A cancel or a time limit ends the whole group (SIGTERM, then SIGKILL after two seconds), and so
 * does the death of nestlab itself (PR_SET_PDEATHSIG on the leader).
 */
#ifndef COMMON_SUBPROCESS_H
#define COMMON_SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/strbuf.h"

struct subprocess {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	/* NULL, or NULL-terminated: "K=V" is added to our environment, "K" removed from it; in order */
	const char *const *env;
	const char *cwd;	/* NULL: ours */
	const char *stdin_path; /* NULL: /dev/null */
	/* NULL, or a file that output is appended to unless it is collected below. Should that fail
	 * half-way (a full disk), the program goes on. */
	const char *log_path;
	struct strbuf *out;    /* NULL, or stdout is appended to it */
	struct strbuf *errors; /* NULL, or stderr is appended to it */
	/* NULL, or called with each line (no newline) of stdout, and of stderr unless out or errors
	 * is set */
	void (*on_line)(const char *line, void *arg);
	void *arg;
	int timeout_ms; /* 0: none; over it: -ETIMEDOUT */
	int secret_fd;	/* 0: none; else one of ours that the program keeps: /dev/fd/N there */
	bool undoes; /* it undoes what was done: only a second Ctrl-C keeps it from running, or ends it */
};

/*
 * Runs it to its end. Returns 0 with *status the exit status (128 + N for signal N), or a negative
 * errno (could not be started, cancelled, timed out) with @err set. With @status NULL a non-zero
 * status is an error too (-EIO), naming the program, its status and the log's path.
 * Cancelled or timed out, *status says how it ended: 128 + SIGKILL if it did not within the two seconds. (Unchanged
 * if it was never started.)
 */
int subprocess_run(const struct subprocess *sp, int *status, struct error *err);

/*
 * Looks in the output of a program that failed (run with LC_ALL=C) for a sign that this machine was at its
 * limits: -ENOSPC, -ENOMEM, -EMFILE or -EAGAIN; 0 if there is none. Such a failure says nothing about
 * the program's input.
 */
int subprocess_find_limit(const char *output);

/* Is @program in PATH? */
bool subprocess_have(const char *program);

/* For how long @pid has waited for a processor, in seconds; 0 where the kernel does not count that. */
double subprocess_starved_s(pid_t pid);

/* Ends the process group of @pid (TERM, a grace of @grace_ms, KILL) and reaps @pid.
 * Returns what waitpid() stored, or a negative errno. */
int subprocess_end_group(pid_t pid, int grace_ms);

#endif
