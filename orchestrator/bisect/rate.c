// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/rate.h"

#include <math.h>

#include "results/compare/statistics.h"

/* These p-values are fractions of whole numbers: 1/20 has to pass 0.05. */
static bool is_significant(double p, double alpha)
{
	return p <= alpha * (1 + 1e-9);
}

static double p_of_more(const struct bisect_rate *base, const struct bisect_rate *new)
{
	return statistics_fisher(base->failed, base->boots, new->failed, new->boots);
}

static enum results_verdict judge_rates(const struct bisect_rate *base,
					const struct bisect_rate *new, double alpha)
{
	if (is_significant(p_of_more(base, new), alpha))
		return VERDICT_REGRESSED;
	if (is_significant(p_of_more(new, base), alpha))
		return VERDICT_IMPROVED;
	return VERDICT_INCONCLUSIVE;
}

static struct bisect_rate rate_of(const struct bisect_counts *c)
{
	return (struct bisect_rate){
		.failed = (unsigned int)c->this_way,
		.boots = (unsigned int)(c->this_way + c->passed),
	};
}

void bisect_rate_compare(const struct bisect_counts *base, const struct bisect_counts *new,
			 double alpha, struct bisect_ratio *out)
{
	*out = (struct bisect_ratio){
		.ratio = NAN,
		.low = NAN,
		.high = NAN,
		.base_median = NAN,
		.new_median = NAN,
		.is_rate = true,
		.base_rate = rate_of(base),
		.new_rate = rate_of(new),
	};
	out->verdict = judge_rates(&out->base_rate, &out->new_rate, alpha);
}

static double share(const struct bisect_rate *r)
{
	if (!r->boots)
		return 0;
	return (double)r->failed / r->boots;
}

int bisect_rate_boots_needed(const struct bisect_ratio *r, double alpha)
{
	for (unsigned int n = 1; n <= RESULTS_MORE_BOOTS_MAX; n++) {
		struct bisect_rate base = {(unsigned int)lround(share(&r->base_rate) * n), n};
		struct bisect_rate new = {(unsigned int)lround(share(&r->new_rate) * n), n};

		if (judge_rates(&base, &new, alpha) != VERDICT_INCONCLUSIVE)
			return (int)n;
	}
	return 0;
}

enum bisect_verdict bisect_rate_find_side(const struct bisect_ratio *to_good,
					  const struct bisect_ratio *to_bad)
{
	bool good_end_never = !to_good->base_rate.failed;
	bool more = to_good->verdict == VERDICT_REGRESSED;
	bool less = to_bad->verdict == VERDICT_IMPROVED;

	if (more && (!less || good_end_never))
		return BISECT_BAD;
	if (less && !more && !(good_end_never && to_good->new_rate.failed))
		return BISECT_GOOD;
	return BISECT_UNTESTED;
}

struct bisect_position bisect_rate_locate(const struct bisect_ratio *to_good,
					  const struct bisect_ratio *to_bad)
{
	double good = share(&to_good->base_rate), bad = share(&to_bad->base_rate);

	return (struct bisect_position){
		.at = (share(&to_good->new_rate) - good) / (bad - good),
		.low = NAN,
		.high = NAN,
	};
}
