/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.h - the agent that works beside a daemon that was started by hand. It is a process and a session of
 * its own: kill -9 of the daemon ends no boot, and the daemon's next start finds it at work. Under systemd it is a
 * unit of its own (nestlab-worker@.service), and the daemon starts none.
 */
#ifndef ORCHESTRATOR_DAEMON_AGENT_WORKER_H
#define ORCHESTRATOR_DAEMON_AGENT_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

struct worker {			    /* zeroed: there is none */
	const char *state, *socket; /* borrowed */
	const char *serves;	    /* names of host files; NULL: agent's default */
	int slots;		    /* 0: no worker is wanted */
	pid_t pid;
	int pidfd; /* readable when it has ended; -1: there is none */
};

/* Finds the one that is at work, or starts one; again when it has ended. */
int worker_ensure(struct worker *w, struct error *err);
/* True also if none is wanted. */
bool worker_is_running(struct worker *w);
/* Ends it, and waits for it: it gives back what it held. */
void worker_stop(struct worker *w);

#endif
