/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * position.h - which end is a step nearer, and how sure is that?
 *
 * A step's position is where its metric lies between the ends, on the logarithmic scale on which
 * ratios are distances: 0 is the good end, 1 the bad end. It is found twice, from the comparison with
 * either end, and its interval covers both. Where that interval holds the border (halfway, or the
 * threshold asked for) the step cannot be judged yet.
 */
#ifndef ORCHESTRATOR_BISECT_POSITION_H
#define ORCHESTRATOR_BISECT_POSITION_H

#include "orchestrator/bisect/search.h"
#include "results/compare/compare.h"
#include "results/store/store.h"

/* Boots that failed in the way that is looked for, of those that tell (hunt.h). */
struct bisect_rate {
	unsigned int failed, boots;
};

/* The outcome of a comparison. By failures (rate.h) it is two rates, by a metric it is new / base, its interval, and whether base and new differ beyond
 * doubt. */
struct bisect_ratio {
	double ratio, low, high;      /* low and high NAN: too few boots */
	enum results_verdict verdict; /* improved or regressed: they differ beyond doubt */
	double base_median, new_median;
	char unit[32];
	double smallest_effect; /* percent: a surely smaller difference is `unchanged` */
	bool is_rate;		/* then only the two rates and the verdict are set */
	struct bisect_rate base_rate, new_rate;
	int more_boots; /* inconclusive: that would likely settle it; 0: none would */
};

/* By the boots that @filter leaves, of which one metric is to be left. -ENODATA: a kernel has no
 * number. Other errors: results_compare(). */
int bisect_compare(struct results_db *db, const char *base, const char *new,
		   const struct results_filter *filter, struct bisect_ratio *out,
		   struct error *err);

#define BISECT_ALPHA 0.05 /* of all looks at one step together */

bool bisect_differs(const struct bisect_ratio *r);
/* Is no change at all ruled out, however small the difference is? False without an interval. */
bool bisect_excludes_no_change(const struct bisect_ratio *r);
/* A round number (percent), at most half the difference and below its interval: as --threshold it hunts
 * a difference that is smaller than the smallest effect. */
double bisect_suggest_threshold(const struct bisect_ratio *r);
/* "+1.92 % [+1.80, +2.04]", or "fails in 4 of 4 boots, instead of 0 of 8"; the caller frees. */
char *bisect_ratio_text(const struct bisect_ratio *r);

struct bisect_position {
	double at, low, high;
};

struct bisect_ends {
	double ratio;  /* bad / good; not 1 */
	double border; /* position of the border, (0, 1): see bisect_find_border() */
};

/* Halfway without a @threshold (0); else where the metric is @threshold percent off the good end.
 * -ERANGE if that is not between the ends. */
int bisect_find_border(double ratio, double threshold, double *border, struct error *err);

struct bisect_position bisect_locate(const struct bisect_ends *ends,
				     const struct bisect_ratio *to_good,
				     const struct bisect_ratio *to_bad);
/* BISECT_GOOD, BISECT_BAD, or BISECT_UNTESTED: not sure. */
enum bisect_verdict bisect_find_side(const struct bisect_ends *ends,
				     const struct bisect_position *p);

#endif
