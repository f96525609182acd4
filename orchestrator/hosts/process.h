/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - a program that runs beside us, for drivers whose methods may not wait: started, looked at,
 * ended. It leads a process group of its own, and dies with nestlab.
 *
 *	process_start(&p, &setting, err);
 *	s->wake_fd = p.wake;			// readable when it said something, or has ended
 *	if (process_look(&p)) ...		// it has ended: process_result()
 *	process_end(&p);			// always, also after an error
 */
#ifndef ORCHESTRATOR_HOSTS_PROCESS_H
#define ORCHESTRATOR_HOSTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/strbuf.h"

struct process {	    /* start with PROCESS_INIT */
	pid_t pid;	    /* 0: none, or it has ended */
	int in;		    /* its stdin, or -1: /dev/null */
	int out;	    /* its stdout, or -1: closed */
	int pidfd, wake;    /* readable: it has ended; that, or it said something */
	struct strbuf said; /* what came from there so far */
	char *name, *log;   /* for messages; the file that its stderr goes to */
	int status;	    /* as of waitpid() */
};
#define PROCESS_INIT                                                              \
	{                                                                         \
		.in = -1, .out = -1, .pidfd = -1, .wake = -1, .said = STRBUF_INIT \
	}

struct process_setting {	 /* borrowed for the call */
	const char *const *argv; /* argv[0] is looked up in PATH */
	const char *log;	 /* stderr is added to it */
	const char *stdin_path;	 /* NULL: /dev/null */
	bool wants_input;	 /* p->in is a pipe to its stdin instead */
};

int process_start(struct process *p, const struct process_setting *setting, struct error *err);
/* Reads what it said since. True: it has ended, and all that it said is there. */
bool process_look(struct process *p);
/* Of one that has ended: 0 for exit status 0, else -EIO with what it complained of last. */
int process_result(const struct process *p, struct error *err);
/* Closes its stdin: for many programs the order to end. */
void process_close_input(struct process *p);
/* Ends it if it runs, and frees all. It is PROCESS_INIT again. */
void process_end(struct process *p);

#endif
