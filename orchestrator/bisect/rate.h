/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rate.h - kernels judged by how often their boots fail in the way that is looked for (hunt.h), where
 * position.h has numbers. Failures that come in every boot and those that come in some are one case.
 * Boots are dear, so everything here may be asked after every boot (docs/statistics.md has the proofs).
 *
 * Ends: do they differ? An e-value tells: how much likelier are the boots if the good end hardly ever fails
 * and the bad one does than under the best single rate for both. Where the rates do not differ it passes
 * 1/alpha in at most a share alpha of all cases, however often it is looked at.
 *
 * Steps: is it like the good end or like the bad end? Wald's sequential test; the rates of the ends are known
 * as well as their boots tell. A step is bad (good) if its boots are 1 / BISECT_RATE_ALPHA times likelier
 * at the bad (good) end's rate. It is neither
 *  - if a rate of its own explains them that much better than both ends', and the good end fails at times, too:
 *    it lies between the ends;
 *  - if it failed this way where the good end never did: then it is not good, however rarely it failed.
 */
#ifndef ORCHESTRATOR_BISECT_RATE_H
#define ORCHESTRATOR_BISECT_RATE_H

#include "orchestrator/bisect/position.h"

#define BISECT_RATE_ALPHA 0.01 /* of one step, to be taken for the wrong end */

/* Does @new fail more (VERDICT_REGRESSED) or less often than @base, beyond doubt at @alpha? */
void bisect_rate_compare(const struct bisect_rate *base, const struct bisect_rate *new,
			 double alpha, struct bisect_ratio *out);

/* The boots of each kernel that would settle it at @alpha if they failed as often as so far; 0: more
 * than RESULTS_MORE_BOOTS_MAX, or they fail equally often. */
int bisect_rate_boots_needed(const struct bisect_ratio *r, double alpha);

/* Which end is the step @step like? BISECT_GOOD, BISECT_BAD, or BISECT_UNTESTED: not sure. */
enum bisect_verdict bisect_rate_find_side(const struct bisect_rate *good,
					  const struct bisect_rate *bad,
					  const struct bisect_rate *step);
/* Where the step's rate lies between those of the ends; its interval is not known (NAN). */
struct bisect_position bisect_rate_locate(const struct bisect_rate *good,
					  const struct bisect_rate *bad,
					  const struct bisect_rate *step);

#endif
