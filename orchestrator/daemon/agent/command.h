/* SPDX-License-Identifier: GPL-2.0-only */
/* command.h - the process that carries out a boot, in a process group of its own that can be ended at any time. */
#ifndef ORCHESTRATOR_DAEMON_AGENT_COMMAND_H
#define ORCHESTRATOR_DAEMON_AGENT_COMMAND_H

#include <sys/types.h>

#include "common/error.h"

struct command_process {
	pid_t pid;
	int pidfd; /* readable when it has ended */
};

/* Starts argv[0] in @cwd with both outputs appended to @log. It is killed when the thread that started it ends. */
int command_start(const char *const *argv, const char *cwd, const char *log,
		  struct command_process *out, struct error *err);
/* After pidfd was readable: its exit status, 128 + N for signal N. Closes pidfd. */
int command_reap(struct command_process *p);
/* Ends its group: TERM, then KILL. */
void command_end(struct command_process *p);

#endif
