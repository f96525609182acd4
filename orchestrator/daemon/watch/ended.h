/* SPDX-License-Identifier: GPL-2.0-only */
/* ended.h - a series whose job has ended: what the database says of it. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_ENDED_H
#define ORCHESTRATOR_DAEMON_WATCH_ENDED_H

#include "orchestrator/daemon/nights/nightly.h"

struct ended { /* free with ended_free() */
	int64_t id;
	int version;
	char *schedule, *message_id, *patches; /* patches: JSON */
	char *base, *base_path, *base_branch, *base_variant, *kernel, *path, *job;
	char *job_state, *job_class, *job_error;
	struct schedule s;
	/* the version before it, if there is one */
	int before_version; /* 0: none */
	char *before_patches, *before_base, *before_kernel, *before_job;
};

/* The next one after @after; also one whose job failed and was retried (`nestlab retry`). 1, 0, or a negative errno. Its schedule is not loaded. */
int ended_take(struct night_context *n, int64_t after, struct ended *out, struct error *err);
void ended_free(struct ended *e);

#endif
