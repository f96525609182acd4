/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explained.h - `nestlab explain` of a change: the job that makes it, and the few lines that a mail has of it. An
 * explanation is no result: it is kept as logs/JOB/explanation.json, and beside the results for reports.
 */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_EXPLAINED_H
#define ORCHESTRATOR_DAEMON_NIGHTS_EXPLAINED_H

#include "orchestrator/daemon/nights/nightly.h"

#define EXPLAINED_ROWS	  5
#define EXPLAINED_WAIT_MS 900000 /* a mail waits no longer for it */

/* The request for two kernels, as requests call them. @params: a JSON object. The caller frees. */
char *explained_request(const struct schedule *s, const char *base, const char *kernel,
			const char *scenario, const char *metric, const char *params);
/* {"l2_vcpus": 8} as ["l2_vcpus=8"], as requests have parameters. */
struct json_object *explained_params(const char *params);

/* Takes what came of the job, the file @json. @results: the database of results. */
int explained_keep(const char *state, const char *results, const char *job, const char *json,
		   struct error *err);
/* What moved most: lines without control characters, which the caller frees. NULL: the job left nothing. */
char *explained_lines(const char *state, const char *job);

#endif
