/* SPDX-License-Identifier: GPL-2.0-only */
/* state.h - a demo to its own files: its programs (programs.c), and what it does with them (demo.c). */
#ifndef ORCHESTRATOR_DEMO_STATE_H
#define ORCHESTRATOR_DEMO_STATE_H

#include "common/progress.h"
#include "common/scratch.h"
#include "orchestrator/daemon/agent/command.h"
#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/demo/demo.h"

struct demo {
	const struct demo_setting *setting;
	char *folder, *socket, *url;
	struct scratch scratch; /* that the folder is in, if the user names none */
	struct demo_cache cache;
	struct command_process daemon, agent; /* pid 0: not started */
	struct client *client;
	struct daemon_db *queue;
	struct progress *line;
	int done_s; /* of what has ended */
	double level;
};

/* nestlabd in the demo's folder, and what talks to it; an agent that takes its boots. */
int demo_start_daemon(struct demo *d, struct error *err);
int demo_start_agent(struct demo *d, struct error *err);

/* A moment. An error if a program has ended, or a cancel came. */
int demo_wait(struct demo *d, struct error *err);
/* The number that @sql asks the queue for. */
int64_t demo_ask_queue(struct demo *d, const char *sql);

#endif
