/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trial.h - one boot that measures nothing: does the whole way from power-on to the agent's `bye` work on this
 * host, and what does the agent find there?
 */
#ifndef ORCHESTRATOR_ENGINE_TRIAL_H
#define ORCHESTRATOR_ENGINE_TRIAL_H

#include "orchestrator/engine/boot.h"
#include "orchestrator/places.h"

#define TRIAL_KERNEL "baseline" /* built if it is not there */

struct trial { /* freed by trial_release() */
	struct boot_result result;
	struct json_object *hello; /* NULL: none came */
	char *fatal;		   /* NULL, or why the agent could measure nothing there */
	char *run_dir;		   /* console, records, logs */
};

/* 0: a boot was tried, and trial->result.outcome says what came of it (BOOT_DONE, or @err's text). Else nothing
 * was started. */
int trial_boot(const struct host_config *cfg, const struct places *places, struct trial *trial,
	       struct error *err);
void trial_release(struct trial *trial);

#endif
