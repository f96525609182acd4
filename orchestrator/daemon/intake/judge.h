/* SPDX-License-Identifier: GPL-2.0-only */
/* judge.h - what a job came to, when all its results are there. */
#ifndef ORCHESTRATOR_DAEMON_INTAKE_JUDGE_H
#define ORCHESTRATOR_DAEMON_INTAKE_JUDGE_H

#include "orchestrator/daemon/storage/writer.h"
#include "results/store/store.h"

struct judge_setting {		 /* borrowed */
	struct daemon_db *queue; /* to read */
	struct results_db *results;
	struct writer *writer;
};

/*
 * Judges every job that is `judging`: a run as `nestlab run` would (its own boots compared, failed boots
 * counted), a whole command by its exit status.
 */
int judge_jobs(const struct judge_setting *setting, struct error *err);

/* The name that boots of a request's kernel are stored under: a variant's file has its name. The caller frees. */
char *judge_kernel_name(const char *kernel);

#endif
