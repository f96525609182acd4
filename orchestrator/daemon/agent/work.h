/* SPDX-License-Identifier: GPL-2.0-only */
/* work.h - what agents have in common, whoever runs their boots: how they ask for one, and the command of one. */
#ifndef ORCHESTRATOR_DAEMON_AGENT_WORK_H
#define ORCHESTRATOR_DAEMON_AGENT_WORK_H

#include "orchestrator/daemon/agent/agent.h"
#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/agent/spool.h"

/* Asks for a boot, and waits for one so long. *lease: NULL: there was none. The caller puts it. */
int work_ask(struct client *c, const struct agent_setting *set, int wait_seconds,
	     struct json_object **lease, struct error *err);

#define WORK_ARGV_MAX 32

struct work_command { /* free with work_command_free() */
	const char *argv[WORK_ARGV_MAX];
	int n;
	char *words, *db;
};
/* `nestlab run --request request.json ...`, to be started in the attempt's folder. */
int work_command_make(const struct agent_setting *set, const struct spooled *work,
		      struct work_command *out, struct error *err);
void work_command_free(struct work_command *c);

/* Cuts @words up and appends them, as long as there is room for @max. Returns the new count. */
int work_add_words(const char **argv, int n, int max, char *words);

#endif
