// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/rate.h"

#include <math.h>

#include <gsl/gsl_sf_gamma.h>

/*
 * What is believed of a rate before there are boots: with probability @certain it is exactly @rate (0 or 1),
 * else anything from 0 to 1 alike. Most failures that are hunted come in every boot, and most good kernels never
 * have them; the rest leaves every other rate possible.
 */
struct belief {
	double certain;
	bool rate;
};

static const struct belief of_good_end = {.certain = 0.9, .rate = 0};
static const struct belief of_bad_end = {.certain = 0.4, .rate = 1};
/* Of what a step is compared with: 0 failures in a few boots do not make it sure that there never is one. */
static const struct belief of_good_step = {.certain = 0.5, .rate = 0};

static struct bisect_rate add_rates(const struct bisect_rate *a, const struct bisect_rate *b)
{
	return (struct bisect_rate){a->failed + b->failed, a->boots + b->boots};
}

static double share(const struct bisect_rate *r)
{
	if (!r->boots)
		return 0;
	return (double)r->failed / r->boots;
}

/* The logarithm of how likely these boots are, over all rates from 0 to 1. */
static double ln_over_all_rates(const struct bisect_rate *r)
{
	return gsl_sf_lnbeta(r->failed + 1., r->boots - r->failed + 1.);
}

/* The same at the one rate that fits best. */
static double ln_at_best_rate(const struct bisect_rate *r)
{
	double p = share(r);

	if (p <= 0 || p >= 1)
		return 0;
	return r->failed * log(p) + (r->boots - r->failed) * log1p(-p);
}

/* The same under a belief. */
static double ln_believed(const struct belief *b, const struct bisect_rate *r)
{
	double any = (1 - b->certain) * exp(ln_over_all_rates(r));

	if (r->failed == (b->rate ? r->boots : 0))
		any += b->certain;
	return log(any);
}

/* The same of @r where the boots of @known taught more about the rate. */
static double ln_expected(const struct belief *b, const struct bisect_rate *known,
			  const struct bisect_rate *r)
{
	struct bisect_rate both = add_rates(known, r);

	return ln_believed(b, &both) - ln_believed(b, known);
}

/* ---- two kernels ---- */

/* Does @new surely fail more often than @base? */
static bool fails_more(const struct bisect_rate *base, const struct bisect_rate *new, double alpha)
{
	struct bisect_rate both = add_rates(base, new);
	double ln_e;

	if (share(new) <= share(base))
		return false;
	ln_e = ln_believed(&of_good_end, base) + ln_believed(&of_bad_end, new) -
	       ln_at_best_rate(&both);
	return ln_e >= -log(alpha);
}

static enum results_verdict judge_rates(const struct bisect_rate *base,
					const struct bisect_rate *new, double alpha)
{
	if (fails_more(base, new, alpha))
		return VERDICT_REGRESSED;
	if (fails_more(new, base, alpha))
		return VERDICT_IMPROVED;
	return VERDICT_INCONCLUSIVE;
}

void bisect_rate_compare(const struct bisect_rate *base, const struct bisect_rate *new,
			 double alpha, struct bisect_ratio *out)
{
	*out = (struct bisect_ratio){
		.ratio = NAN,
		.low = NAN,
		.high = NAN,
		.base_median = NAN,
		.new_median = NAN,
		.is_rate = true,
		.base_rate = *base,
		.new_rate = *new,
		.verdict = judge_rates(base, new, alpha),
	};
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

/* ---- a step between the ends ---- */

enum bisect_verdict bisect_rate_find_side(const struct bisect_rate *good,
					  const struct bisect_rate *bad,
					  const struct bisect_rate *step)
{
	double sure = -log(BISECT_RATE_ALPHA);
	double like_good = ln_expected(&of_good_step, good, step);
	double like_bad = ln_expected(&of_bad_end, bad, step);
	double like_neither = ln_over_all_rates(step);
	bool good_end_never = !good->failed;

	if (like_neither >= like_good + sure && like_neither >= like_bad + sure) {
		if (good_end_never && step->failed)
			return BISECT_BAD;
		return BISECT_UNTESTED;
	}
	if (like_bad >= like_good + sure)
		return BISECT_BAD;
	if (like_good >= like_bad + sure && !(good_end_never && step->failed))
		return BISECT_GOOD;
	return BISECT_UNTESTED;
}

struct bisect_position bisect_rate_locate(const struct bisect_rate *good,
					  const struct bisect_rate *bad,
					  const struct bisect_rate *step)
{
	return (struct bisect_position){
		.at = (share(step) - share(good)) / (share(bad) - share(good)),
		.low = NAN,
		.high = NAN,
	};
}
