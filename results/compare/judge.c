// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>

#include "common/alloc.h"

#define RESAMPLES      1000
#define T_TEST_MIN_DF  8  /* fewer tell too little of the noise for a normal distribution's tails */
#define BOOTSTRAP_SEED 20 /* any; fixed, so that the same boots give the same interval */

static const char *const verdict_names[] = {
	[VERDICT_UNCHANGED] = "unchanged",
	[VERDICT_IMPROVED] = "improved",
	[VERDICT_REGRESSED] = "regressed",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
};

const char *results_verdict_name(enum results_verdict v)
{
	return verdict_names[v];
}

/* All calculations use logarithms: a ratio becomes a difference, and a percent up is as far as a
 * percent down. */
static double percent(double log_ratio)
{
	return 100 * expm1(log_ratio);
}

static bool all_above_zero(const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(v[i] > 0))
			return false;
	return true;
}

static double *logs_of(const double *v, size_t n)
{
	double *logs = xcalloc(n, sizeof(*logs));

	for (size_t i = 0; i < n; i++)
		logs[i] = log(v[i]);
	return logs;
}

/* The standard error of a difference of medians: a median of three and more wastes up to a quarter
 * against a mean (sqrt(pi/2), its limit for normal noise). */
static double standard_error(const struct judge_case *c, double sd)
{
	double waste = 1;

	if (c->nbase > 2 || c->nnew > 2)
		waste = sqrt(M_PI_2);
	return waste * sd * sqrt(1.0 / c->nbase + 1.0 / c->nnew);
}

/* RESAMPLES resamples of @n boots of the base (@side 0) or of the new kernel (1). */
static const uint32_t *draw_resamples(struct judge_draws *d, int side, size_t n)
{
	if (d->n[side] == n)
		return d->indices[side];
	free(d->indices[side]);
	d->indices[side] = xcalloc(n * RESAMPLES, sizeof(*d->indices[side]));
	d->n[side] = n;
	statistics_draw(BOOTSTRAP_SEED + (uint64_t)side, n, RESAMPLES, d->indices[side]);
	return d->indices[side];
}

void judge_release_draws(struct judge_draws *d)
{
	free(d->indices[0]);
	free(d->indices[1]);
	*d = (struct judge_draws){0};
}

/* Widens low..high to what resampling these boots gives. */
static void add_bootstrap(const struct judge_case *c, const double *base, const double *new,
			  double *low, double *high)
{
	struct judge_draws own = {0}, *draws = &own;
	struct statistics_sample a = {.v = base, .n = c->nbase}, b = {.v = new, .n = c->nnew};
	double l, h;

	if (c->draws)
		draws = c->draws;
	a.indices = draw_resamples(draws, 0, c->nbase);
	b.indices = draw_resamples(draws, 1, c->nnew);
	statistics_bootstrap(&a, &b, RESAMPLES, 1 - c->alpha, &l, &h);
	judge_release_draws(&own);
	*low = fmin(*low, l);
	*high = fmax(*high, h);
}

static size_t fewer_boots(const struct judge_case *c)
{
	return c->nbase < c->nnew ? c->nbase : c->nnew;
}

/* Degrees of freedom known from other kernels' boots and from the assumption, without these boots'
 * own. */
static double known_df(const struct judge_case *c)
{
	return c->noise->df - (double)(c->nbase - 1) - (double)(c->nnew - 1);
}

/*
 * The chance, whatever shape the noise has, that one side's boots lie outermost among all boots known:
 * all orders are equally likely. A history that never saw a rare mode makes the first boot in that
 * mode look infinitely far off; this is how often it comes first on one side. With @more boots of each.
 */
static double least_p(const struct judge_case *c, size_t more)
{
	size_t known = (size_t)fmax(known_df(c), 0), nbase = c->nbase + more, nnew = c->nnew + more;

	if (!known) /* if one side is outermost at one end, the other is at the other end */
		return statistics_mann_whitney_least(nbase, nnew);
	return fmin(1, statistics_mann_whitney_least(known + nbase, nnew) +
			       statistics_mann_whitney_least(known + nnew, nbase));
}

/* The two boots in the middle; of an odd number both are the same one. */
static void find_middles(const double *v, size_t n, double *lower, double *upper)
{
	__cleanup_free double *sorted = xcalloc(n, sizeof(*sorted));

	memcpy(sorted, v, n * sizeof(*sorted));
	gsl_sort(sorted, 1, n);
	*lower = sorted[(n - 1) / 2];
	*upper = sorted[n / 2];
}

/* The difference of the medians. Where a median is the mean of two boots, the one nearer to the other
 * side counts, so that a single boot far off does not move it. Below 0 where they overlap. */
static double middles_apart(const struct judge_case *c, const double *base, const double *new)
{
	double base_lower, base_upper, new_lower, new_upper;

	find_middles(base, c->nbase, &base_lower, &base_upper);
	find_middles(new, c->nnew, &new_lower, &new_upper);
	return fmax(new_lower - base_upper, base_lower - new_upper);
}

/*
 * Ranks assume nothing, but need boots: with few of them even two samples that do not overlap give
 * a p-value that cannot pass among so many others. Then the learned noise decides, through
 * Student's t. Where noise is not assumed to be normal, p is never below what the number of boots alone
 * allows.
 */
static double p_value(const struct judge_case *c, const double *base, const double *new,
		      double difference, double error)
{
	double apart, p;

	if (statistics_mann_whitney_least(c->nbase, c->nnew) <= c->alpha / c->family)
		return statistics_mann_whitney(base, c->nbase, new, c->nnew);
	if (isnan(error) || c->noise->df < T_TEST_MIN_DF)
		return NAN;
	apart = fabs(difference);
	if (!c->assumed_df)
		apart = middles_apart(c, base, new);
	if (!(apart > 0))
		return 1;
	p = statistics_t_p(apart / error, c->noise->df);
	if (c->assumed_df || p > c->alpha)
		return p;
	return fmax(p, fmax(least_p(c, 0), statistics_noise_p(c->noise, fewer_boots(c), apart)));
}

static void weigh_logs(const struct judge_case *c, const double *base, const double *new,
		       struct results_judgement *out)
{
	double difference = statistics_median(new, c->nnew) - statistics_median(base, c->nbase);
	double sd, error, half, low, high;

	statistics_noise_add(c->noise, base, c->nbase);
	statistics_noise_add(c->noise, new, c->nnew);
	sd = statistics_noise_sd(c->noise, c->alpha);
	error = standard_error(c, sd);
	half = error * statistics_t_critical(c->alpha, c->noise->df);
	low = difference - half;
	high = difference + half;
	if (c->nbase > 1 && c->nnew > 1 && !isnan(half))
		add_bootstrap(c, base, new, &low, &high);
	if (difference && !(high > low) && least_p(c, 0) > c->alpha)
		low = high = NAN; /* boots never differed before: the width is unknown */
	out->ratio = exp(difference);
	out->low = exp(low);
	out->high = exp(high);
	out->noise = percent(sd);
	out->noise_from = (int)(c->noise->df - c->assumed_df);
	out->noise_assumed = (int)c->assumed_df;
	out->p_value = p_value(c, base, new, difference, error);
}

void judge_weigh(const struct judge_case *c, struct results_judgement *out)
{
	*out = (struct results_judgement){.low = NAN, .high = NAN, .noise = NAN, .p_value = NAN};
	if (all_above_zero(c->base, c->nbase) && all_above_zero(c->new, c->nnew)) {
		__cleanup_free double *base = logs_of(c->base, c->nbase);
		__cleanup_free double *new = logs_of(c->new, c->nnew);

		weigh_logs(c, base, new, out);
		return;
	}
	out->ratio = statistics_median(c->new, c->nnew) / statistics_median(c->base, c->nbase);
}

/* ---- the verdict ---- */

static int boots_for(size_t have, double factor)
{
	double more = ceil(have * factor * factor) - have;

	if (!(more < RESULTS_MORE_BOOTS_MAX))
		return RESULTS_MORE_BOOTS_MAX;
	return (int)fmax(more, 1);
}

/* Boots more until least_p() is @limit or less. */
static int boots_for_orders(const struct judge_case *c, double limit)
{
	int more = 1;

	while (more < RESULTS_MORE_BOOTS_MAX && least_p(c, (size_t)more) > limit)
		more++;
	return more;
}

/* An interval narrows, and a p-value's normal deviate grows, with the root of the boots. */
static int more_boots(const struct judge_case *c, const struct results_judgement *j)
{
	double away = fabs(log(j->ratio)), effect = log1p(c->effect / 100);
	double half = fmax(log(j->high / j->ratio), log(j->ratio / j->low));
	double factor, limit = c->alpha / (double)c->family;

	if (!all_above_zero(c->base, c->nbase) || !all_above_zero(c->new, c->nnew))
		return 0; /* more boots would not help */
	if (isnan(half) && !(c->noise->df > 0))
		return 1;
	if (isnan(half))
		return boots_for_orders(c, c->alpha);
	if (away < effect)
		return boots_for(fewer_boots(c), half / (effect - away));
	if (isnan(j->p_value))
		return (int)ceil((T_TEST_MIN_DF - c->noise->df) / 2);
	factor = half / away;
	if (j->p_value > c->alpha && !c->assumed_df && least_p(c, 0) > limit)
		return (int)fmax(boots_for(fewer_boots(c), factor), boots_for_orders(c, limit));
	if (j->p_value > c->alpha)
		factor = fmax(factor, gsl_cdf_ugaussian_Qinv(c->alpha / 2) /
					      gsl_cdf_ugaussian_Qinv(j->p_value / 2));
	return boots_for(fewer_boots(c), factor);
}

static enum results_verdict verdict_of(const struct judge_case *c,
				       const struct results_judgement *j)
{
	double effect = 1 + c->effect / 100;
	bool beyond = j->ratio >= effect || j->ratio <= 1 / effect;

	if (isnan(j->low))
		return VERDICT_INCONCLUSIVE;
	if (j->low >= 1 / effect && j->high <= effect)
		return VERDICT_UNCHANGED;
	if (!beyond || !(j->p_value <= c->alpha) || (j->low <= 1 && j->high >= 1))
		return VERDICT_INCONCLUSIVE;
	if ((j->ratio > 1) == c->higher_is_better)
		return VERDICT_IMPROVED;
	return VERDICT_REGRESSED;
}

static char *noise_source(const struct results_judgement *j)
{
	if (j->noise_from <= 0)
		return xstrdup("assumed: this host has no history yet");
	if (j->noise_assumed)
		return xasprintf("learned from %d repeated boots and an assumption worth %d",
				 j->noise_from, j->noise_assumed);
	return xasprintf("learned from %d repeated boots", j->noise_from);
}

/* Smaller p-values depend on the assumed shape of the tail, not on the boots. */
#define P_SHOWN 1e-6

static char *p_words(double p)
{
	if (p < P_SHOWN)
		return xasprintf("p < %g", P_SHOWN);
	return xasprintf("p %.2g", p);
}

static char *explain_inconclusive(const struct judge_case *c, const struct results_judgement *j,
				  const char *p, const char *source)
{
	const char *across = "the smallest effect";

	if (isnan(j->p_value))
		return xasprintf("too few boots for a test; boots differ by %.2g %% (%s)", j->noise,
				 source);
	if (j->p_value > c->alpha && (j->low > 1 || j->high < 1))
		return xasprintf("%s is not enough among %zu numbers; boots differ by %.2g %% (%s)",
				 p, c->family, j->noise, source);
	if (j->low <= 1 && j->high >= 1)
		across = "both no change and the smallest effect";
	return xasprintf("the interval reaches across %s; boots differ by %.2g %% (%s)", across,
			 j->noise, source);
}

static char *explain(const struct judge_case *c, const struct results_judgement *j)
{
	__cleanup_free char *source = NULL;
	__cleanup_free char *p = p_words(j->p_value);

	if (!all_above_zero(c->base, c->nbase) || !all_above_zero(c->new, c->nnew))
		return xstrdup("there is a 0 among the values, so there is no ratio to judge");
	if (isnan(j->low) && c->noise->df > 0)
		return xasprintf("it never differed between boots of one kernel, but %d repeated "
				 "boots are too few to rely on that",
				 j->noise_from);
	if (isnan(j->low))
		return xstrdup("one boot each and no history of this host: its noise is unknown");
	source = noise_source(j);
	if (j->verdict == VERDICT_UNCHANGED)
		return xasprintf("the interval lies within the smallest effect, %g %%; boots "
				 "differ by %.2g %% (%s)",
				 c->effect, j->noise, source);
	if (j->verdict == VERDICT_INCONCLUSIVE)
		return explain_inconclusive(c, j, p, source);
	return xasprintf("%s, beyond the smallest effect of %g %%; boots differ by %.2g %% (%s)", p,
			 c->effect, j->noise, source);
}

void judge_decide(const struct judge_case *c, struct results_judgement *out)
{
	out->verdict = verdict_of(c, out);
	out->more_boots = 0;
	if (out->verdict == VERDICT_INCONCLUSIVE)
		out->more_boots = more_boots(c, out);
	out->why = explain(c, out);
}

/* Each look gets an equal share: the sum bounds the error, however the looks depend on each other. */
double results_sequential_alpha(double alpha, int max_looks)
{
	return alpha / max_looks;
}
