/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine_lab.h - the real struct bisect_lab: candidates become variants (kernels/kernels.h), which the
 * engine (run.h) builds and boots with a scenario of one measurement, and results/compare judges.
 *
 * In SESSION's folder under RUNS: probe.json (the scenario), variants/NAME.json (one a candidate).
 */
#ifndef ORCHESTRATOR_BISECT_ENGINE_LAB_H
#define ORCHESTRATOR_BISECT_ENGINE_LAB_H

#include "orchestrator/bisect/lab.h"
#include "orchestrator/request/request.h"

struct lab; /* private */

/* @request, @session, @runs and @db are borrowed. -EINVAL: see bisect_probe_write(), and variants
 * that cannot be bisected as asked. */
int bisect_lab_open(const struct request_bisect *request, const char *session, const char *runs,
		    struct results_db *db, struct lab **lab, struct error *err);
void bisect_lab_close(struct lab *lab);
struct bisect_lab bisect_lab_ops(struct lab *lab);

/* What candidates are made of: the patches of a series (candidates are its prefixes), the differences
 * of two configs (candidates are sets of them). None for commits. The names are borrowed. */
size_t bisect_lab_names(const struct lab *lab, const char *const **names);

#endif
