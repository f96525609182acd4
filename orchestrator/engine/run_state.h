/* SPDX-License-Identifier: GPL-2.0-only */
/* run_state.h - a run to its own files: what is prepared (run_prepare.c) and then carried out (run.c). */
#ifndef ORCHESTRATOR_ENGINE_RUN_STATE_H
#define ORCHESTRATOR_ENGINE_RUN_STATE_H

#include "orchestrator/engine/attempt.h"
#include "orchestrator/engine/builder.h"
#include "orchestrator/engine/loop.h"
#include "orchestrator/engine/run.h"

struct engine {
	const struct run_request *req;
	struct run_summary *summary;
	struct places places;
	struct host_config host;
	struct host_found found;
	char *environment;	     /* JSON */
	struct scenario_plan *plans; /* one per req->scenarios */
	struct attempt_setting setting;
	struct l1_image disk;
	struct builder *builder;
	struct boot_loop *loop;
	struct job *jobs;
	size_t njobs;
	size_t running; /* boots in the loop */
	int trouble;	/* first error that stops the run; its text is in err */
	struct error *err;
};

struct job { /* one boot */
	size_t kernel, plan;
	int boot;
	bool taken;
};

/* Fills in all of @e that is known before anything is built or booted; what is wrong with the request is told here. 0 or a
 * negative errno; what was filled in is released by the caller either way. */
int run_prepare(struct engine *e, struct error *err);
/* Of what the run was given and none of its scenarios needs. After run_prepare(). */
void run_warn_of_unused(const struct engine *e);

/* What the builder is asked for; the caller adds whom it tells. Borrows from @e. */
struct builder_request run_wanted_kernels(const struct engine *e);

#endif
