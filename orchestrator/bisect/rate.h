/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rate.h - kernels compared by how often their boots fail in the way that is looked for (hunt.h), where
 * position.h has numbers. Fisher's exact test tells whether two rates differ beyond doubt, so failures
 * that come in every boot and those that come in some are one case.
 *
 * A step is bad if it surely fails more often than the good end, good if it surely fails less often than
 * the bad end. It is neither
 *  - if both are true, and the good end fails at times, too: it lies between the ends;
 *  - if it failed this way where the good end never did: then it is not good, however rarely it failed.
 */
#ifndef ORCHESTRATOR_BISECT_RATE_H
#define ORCHESTRATOR_BISECT_RATE_H

#include "orchestrator/bisect/hunt.h"
#include "orchestrator/bisect/position.h"

/* Does @new fail more (VERDICT_REGRESSED) or less often than @base, beyond doubt at @alpha? */
void bisect_rate_compare(const struct bisect_counts *base, const struct bisect_counts *new,
			 double alpha, struct bisect_ratio *out);

/* The boots of each kernel that would settle it at @alpha if they failed as often as so far; 0: more
 * than RESULTS_MORE_BOOTS_MAX, or they fail equally often. */
int bisect_rate_boots_needed(const struct bisect_ratio *r, double alpha);

/* @to_good: the step compared with the good end, @to_bad with the bad one. As bisect_find_side(). */
enum bisect_verdict bisect_rate_find_side(const struct bisect_ratio *to_good,
					  const struct bisect_ratio *to_bad);
/* Where the step's rate lies between those of the ends; its interval is not known (NAN). */
struct bisect_position bisect_rate_locate(const struct bisect_ratio *to_good,
					  const struct bisect_ratio *to_bad);

#endif
