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
	const char *const
		*env;	 /* NULL, or NULL-terminated "K=V" added to (or, "K", removed from) ours */
	const char *cwd; /* NULL: ours */
	const char *stdin_path; /* NULL: /dev/null */
	const char *log_path;	/* NULL, or the file that stdout and stderr are appended to */
	struct strbuf *out; /* NULL, or where stdout is collected (stderr then goes to the log) */
	/* NULL, or called with each line (no newline) of output, stdout and stderr merged */
	void (*on_line)(const char *line, void *arg);
	void *arg;
	int timeout_ms; /* 0: none; over it: -ETIMEDOUT */
};

/*
 * Runs it to its end. Returns 0 with *status the exit status (128 + N for signal N), or a negative
 * errno (could not be started, cancelled, timed out) with @err set. With @status NULL a non-zero
 * status is an error too (-EIO), naming the program, its status and the log's path.
 */
int subprocess_run(const struct subprocess *sp, int *status, struct error *err);

/* Is @program in PATH? */
bool subprocess_have(const char *program);

/* Ends the process group of @pid (TERM, a grace of @grace_ms, KILL) and reaps @pid.
 * Returns what waitpid() stored, or a negative errno. */
int subprocess_end_group(pid_t pid, int grace_ms);

#endif
