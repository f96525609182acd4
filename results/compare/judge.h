/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judge.h - from the boots of two kernels to a verdict. No SQL. Private to results/ and its tests;
 * the rules and their reasons are in docs/statistics.md.
 *
 * Judging takes two passes, because the false discovery rate is held over all numbers of a comparison:
 * judge_weigh() each, statistics_benjamini_hochberg() over their p-values, judge_decide() each.
 */
#ifndef RESULTS_COMPARE_JUDGE_H
#define RESULTS_COMPARE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "results/compare/compare.h"
#include "results/store/store.h"
#include "results/compare/statistics.h"

/* The resamples that all numbers with so many boots share. Start from { 0 }. */
struct judge_draws {
	uint32_t *indices[2]; /* the base's, the new kernel's */
	size_t n[2];
};
void judge_release_draws(struct judge_draws *d);

struct judge_case {
	const double *base, *new; /* one value a boot: the boot's median, or its p99 */
	size_t nbase, nnew;
	bool higher_is_better;
	double effect; /* the smallest that matters, percent */
	/* What other boots say of the noise; judge_weigh() adds the boots of both sides. */
	struct statistics_noise *noise;
	double assumed_df; /* of noise->df, how many were assumed and not seen */
	double alpha;
	size_t family; /* numbers judged in this comparison */
	struct judge_draws
		*draws; /* kept from case to case: drawing takes longest; NULL: own ones */
};

/* Sets all of @out but verdict, more_boots and why; p_value is not adjusted yet. */
void judge_weigh(const struct judge_case *c, struct results_judgement *out);

/* With the adjusted p_value in place: verdict, more_boots, why (allocated). */
void judge_decide(const struct judge_case *c, struct results_judgement *out);

#endif
