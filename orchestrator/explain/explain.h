/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explain.h - where the instructions go: boots kernels on a host that can be traced (driver.h), follows a
 * random sample of the operations of one measurement, and says what they consist of.
 *
 *	sampler.[ch]	which operations are followed	walk.[ch]	their call tree
 *	steps.[ch]	what an instruction is		symbols.[ch]	which function it belongs to
 *	registers.[ch]	which MSR an instruction is for
 *	profile.[ch]	tables, with intervals (results/explain)
 */
#ifndef ORCHESTRATOR_EXPLAIN_EXPLAIN_H
#define ORCHESTRATOR_EXPLAIN_EXPLAIN_H

#include "common/error.h"
#include "orchestrator/request/request.h"
#include "results/explain/explain.h"

/*
 * Carries out @request; the boots' folders are in @runs_dir/@session. Free @e with explanation_free().
 * -ENOTSUP: the host cannot be traced, @err says why (a SKIP, no failure). -ENODATA: nothing could be
 * followed. -EINVAL: the request is wrong. -EIO: a boot failed. Else as run_execute().
 */
int explain_execute(const struct request_explain *request, const char *session,
		    const char *runs_dir, struct explanation *e, struct error *err);

#endif
