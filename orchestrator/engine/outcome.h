/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outcome.h - what a boot came to: how its host says it ended and what its records say become one
 * class and one text.
 */
#ifndef ORCHESTRATOR_ENGINE_OUTCOME_H
#define ORCHESTRATOR_ENGINE_OUTCOME_H

#include "orchestrator/engine/collect.h"
#include "orchestrator/engine/boot.h"

enum results_class outcome_class(enum boot_outcome outcome);

/*
 * The class of a boot that ended with @outcome (and @host_error, boot_end()'s) and left @c, which
 * is finished here. Unless it is RESULTS_OK, @why says what was wrong. A guest that computed
 * something wrong and complained on its console (or died) is of class integrity, and @why has
 * both: the second after RESULTS_BESIDES.
 */
enum results_class outcome_judge(enum boot_outcome outcome, const struct error *host_error,
				 struct collector *c, struct error *why);

#endif
