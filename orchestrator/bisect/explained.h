/* SPDX-License-Identifier: GPL-2.0-only */
/* explained.h - where the culprit's instructions went (orchestrator/explain). */
#ifndef ORCHESTRATOR_BISECT_EXPLAINED_H
#define ORCHESTRATOR_BISECT_EXPLAINED_H

#include "orchestrator/bisect/answer.h"

/*
 * Explains @culprit against @parent in the metric that was bisected, keeps that for reports, and sets
 * r->explanation to its summary, or to why there is none: a host that cannot be traced, a failure instead of a
 * metric. An answer is one without it, too; only a cancel is an error.
 */
int bisect_explain_culprit(struct bisect_run *r, const char *parent, const char *culprit,
			   struct error *err);

#endif
