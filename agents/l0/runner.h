/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * runner.h - the measurements of a plan, each in a process of its own, and their records on the channel:
 * on L0, and inside a Linux L1 as well.
 */
#ifndef AGENTS_L0_RUNNER_H
#define AGENTS_L0_RUNNER_H

#include "agents/l0/records/channel.h"
#include "agents/l0/records/sink.h"
#include "agents/wire/protocol.h"

struct runner {
	struct channel channel;
	int kmsg; /* negative: the kernel's log is not read */
	int complaints;
	/* As of agents/l0/measure.h: measure_run(); called in the measurement's process. */
	int (*measure)(const struct plan_measure *m, struct sink *s);
};

void runner_send_text(struct runner *r, const char *type, const char *text);
/* A `console` record for each new complaint of the kernel. */
void runner_send_complaints(struct runner *r);

/* From `begin` to `end`, whatever happens to the process. */
void runner_run(struct runner *r, const struct plan_measure *m);
/* The same of @n measurements of one Linux L1 (l1_linux.h), which boots once for all that it survives. */
void runner_run_linux(struct runner *r, const struct plan_measure *m, size_t n);

#endif
