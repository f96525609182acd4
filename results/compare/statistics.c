// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "common/alloc.h"

static double quantile_in_place(double *v, size_t n, double q)
{
	gsl_sort(v, 1, n);
	return gsl_stats_quantile_from_sorted_data(v, 1, n, q);
}

static double *copy_of(const double *v, size_t n)
{
	double *copy = xcalloc(n, sizeof(*copy));

	memcpy(copy, v, n * sizeof(*copy));
	return copy;
}

double statistics_quantile(const double *v, size_t n, double q)
{
	__cleanup_free double *copy = copy_of(v, n);

	return quantile_in_place(copy, n, q);
}

double statistics_median(const double *v, size_t n)
{
	return statistics_quantile(v, n, 0.5);
}

/* ---- bootstrap ---- */

void statistics_draw(uint64_t seed, size_t n, size_t count, uint32_t *indices)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

	gsl_rng_set(rng, seed);
	for (size_t i = 0; i < count * n; i++)
		indices[i] = gsl_rng_uniform_int(rng, n);
	gsl_rng_free(rng);
}

/*
 * A side's values by rank, and how often a resample drew each. A resample's order statistics come from
 * counting: that takes time in proportion to the boots, where sorting each of a thousand resamples takes
 * seconds with a thousand boots.
 */
struct ranked {
	const struct statistics_sample *sample;
	double *sorted;
	size_t *rank_of; /* of the sample's value i */
	uint32_t *drawn; /* of each rank, in one resample */
};

static void rank_values(struct ranked *r, const struct statistics_sample *s)
{
	__cleanup_free size_t *order = xcalloc(s->n, sizeof(*order));

	*r = (struct ranked){
		.sample = s,
		.sorted = xcalloc(s->n, sizeof(*r->sorted)),
		.rank_of = xcalloc(s->n, sizeof(*r->rank_of)),
		.drawn = xcalloc(s->n, sizeof(*r->drawn)),
	};
	gsl_sort_index(order, s->v, 1, s->n);
	for (size_t i = 0; i < s->n; i++) {
		r->sorted[i] = s->v[order[i]];
		r->rank_of[order[i]] = i;
	}
}

static void release_ranked(struct ranked *r)
{
	free(r->sorted);
	free(r->rank_of);
	free(r->drawn);
}

/* The median of resample @which: the mean of the two values in the middle, which may be one. */
static double resampled_median(struct ranked *r, size_t which)
{
	size_t n = r->sample->n, seen = 0, rank = 0;
	const uint32_t *indices = r->sample->indices + which * n;
	double lower;

	memset(r->drawn, 0, n * sizeof(*r->drawn));
	for (size_t i = 0; i < n; i++)
		r->drawn[r->rank_of[indices[i]]]++;
	while (seen + r->drawn[rank] <= (n - 1) / 2)
		seen += r->drawn[rank++];
	lower = r->sorted[rank];
	while (seen + r->drawn[rank] <= n / 2)
		seen += r->drawn[rank++];
	return (lower + r->sorted[rank]) / 2;
}

void statistics_bootstrap(const struct statistics_sample *a, const struct statistics_sample *b,
			  size_t count, double level, double *low, double *high)
{
	__cleanup_free double *differences = xcalloc(count, sizeof(*differences));
	struct ranked base, new;

	rank_values(&base, a);
	rank_values(&new, b);
	for (size_t i = 0; i < count; i++)
		differences[i] = resampled_median(&new, i) - resampled_median(&base, i);
	release_ranked(&base);
	release_ranked(&new);
	gsl_sort(differences, 1, count);
	*low = gsl_stats_quantile_from_sorted_data(differences, 1, count, (1 - level) / 2);
	*high = gsl_stats_quantile_from_sorted_data(differences, 1, count, (1 + level) / 2);
}

/* ---- tests ---- */

/* Twice the midranks, so that they are whole numbers. @ties: the sum of t^3 - t over ties of t. */
static void double_ranks(const double *v, size_t n, size_t *ranks, double *ties)
{
	__cleanup_free size_t *order = xcalloc(n, sizeof(*order));

	gsl_sort_index(order, v, 1, n);
	*ties = 0;
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && v[order[j]] == v[order[i]]; j++)
			;
		for (size_t k = i; k < j; k++)
			ranks[order[k]] = i + j + 1; /* ranks i+1..j average (i+1+j)/2 */
		*ties += pow(j - i, 3) - (j - i);
	}
}

/* ways[s]: in how many ways do @na of the @n ranks sum up to s? One row of the subset-sum table per
 * size of the subset; the caller frees. */
static double *count_sums(const size_t *ranks, size_t n, size_t na, size_t *max)
{
	size_t total = 0;
	double *ways;

	for (size_t i = 0; i < n; i++)
		total += ranks[i];
	*max = total;
	ways = xcalloc((na + 1) * (total + 1), sizeof(*ways));
	ways[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1 < na ? i + 1 : na; k > 0; k--)
			for (size_t s = total; s >= ranks[i]; s--)
				ways[k * (total + 1) + s] +=
					ways[(k - 1) * (total + 1) + s - ranks[i]];
	memmove(ways, ways + na * (total + 1), (total + 1) * sizeof(*ways));
	return ways;
}

static double exact_p(const size_t *ranks, size_t n, size_t na, size_t observed)
{
	size_t max;
	__cleanup_free double *ways = count_sums(ranks, n, na, &max);
	double center = (double)na * (n + 1); /* of doubled ranks */
	double far = 0, all = 0;

	for (size_t s = 0; s <= max; s++) {
		all += ways[s];
		if (fabs(s - center) >= fabs(observed - center))
			far += ways[s];
	}
	return far / all;
}

static double approximate_p(double na, double nb, double ties, double observed)
{
	double n = na + nb;
	double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
	double away = fabs(observed / 2 - na * (n + 1) / 2) - 0.5;

	if (variance <= 0 || away <= 0)
		return 1;
	return 2 * gsl_cdf_ugaussian_Q(away / sqrt(variance));
}

double statistics_mann_whitney(const double *a, size_t na, const double *b, size_t nb)
{
	size_t n = na + nb, observed = 0;
	__cleanup_free double *all = xcalloc(n, sizeof(*all));
	__cleanup_free size_t *ranks = xcalloc(n, sizeof(*ranks));
	double ties;

	memcpy(all, a, na * sizeof(*a));
	memcpy(all + na, b, nb * sizeof(*b));
	double_ranks(all, n, ranks, &ties);
	for (size_t i = 0; i < na; i++)
		observed += ranks[i];
	if (n > STATISTICS_EXACT_MAX)
		return approximate_p(na, nb, ties, observed);
	return exact_p(ranks, n, na, observed);
}

double statistics_mann_whitney_least(size_t na, size_t nb)
{
	double ways = exp(gsl_sf_lnchoose(na + nb, na));

	return fmin(1, 2 / ways);
}

double statistics_fisher(unsigned int failed_a, unsigned int na, unsigned int failed_b,
			 unsigned int nb)
{
	unsigned int failed = failed_a + failed_b;

	if (!failed_b)
		return 1;
	return fmin(1, gsl_cdf_hypergeometric_Q(failed_b - 1, failed, na + nb - failed, nb));
}

double statistics_t_p(double t, double df)
{
	if (!(df > 0))
		return NAN;
	if (isinf(t))
		return 0;
	return 2 * gsl_cdf_tdist_Q(fabs(t), df);
}

double statistics_t_critical(double alpha, double df)
{
	if (!(df > 0))
		return NAN;
	return gsl_cdf_tdist_Qinv(alpha / 2, df);
}

void statistics_benjamini_hochberg(double *p, size_t n)
{
	__cleanup_free size_t *order = xcalloc(n, sizeof(*order));
	__cleanup_free size_t *known = xcalloc(n, sizeof(*known));
	__cleanup_free double *values = xcalloc(n, sizeof(*values));
	double least = 1;
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(p[i])) {
			known[m] = i;
			values[m++] = p[i];
		}
	gsl_sort_index(order, values, 1, m);
	for (size_t i = m; i-- > 0;) {
		double adjusted = values[order[i]] * m / (i + 1);

		least = fmin(adjusted, least);
		p[known[order[i]]] = least;
	}
}

/* ---- noise ---- */

#define GAPS_FROM   50 /* of a group's newest values: pairs grow with the square */
#define NOISE_DRAWS 10000
#define NOISE_SEED  20 /* any; fixed, so that the same boots give the same p */

/* Called thousands of times with a handful of boots: much faster than gsl_sort there. */
static void insertion_sort(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t k = i;

		for (; k && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

void statistics_noise_prior(struct statistics_noise *noise, double sd, double df)
{
	noise->squares += sd * sd * df;
	noise->df += df;
}

void statistics_noise_add(struct statistics_noise *noise, const double *v, size_t n)
{
	if (n < 2)
		return;
	noise->squares += gsl_stats_tss(v, 1, n);
	noise->df += n - 1;
	if (n > GAPS_FROM) {
		v += n - GAPS_FROM;
		n = GAPS_FROM;
	}
	noise->gaps = xrealloc(noise->gaps, noise->ngaps + n * (n - 1) / 2, sizeof(*noise->gaps));
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			noise->gaps[noise->ngaps++] = fabs(v[i] - v[j]);
}

void statistics_noise_release(struct statistics_noise *noise)
{
	free(noise->gaps);
	*noise = (struct statistics_noise){0};
}

double statistics_noise_sd(const struct statistics_noise *noise, double alpha)
{
	double pooled, gap = 0;

	if (!(noise->df > 0))
		return NAN;
	pooled = sqrt(noise->squares / noise->df);
	if (noise->ngaps)
		gap = statistics_quantile(noise->gaps, noise->ngaps, 0.99);
	return fmax(pooled, gap / (M_SQRT2 * statistics_t_critical(alpha, noise->df)));
}

double statistics_noise_p(const struct statistics_noise *noise, size_t n, double difference)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	__cleanup_free double *drawn = xcalloc(n, sizeof(*drawn));
	double far = 0;

	gsl_rng_set(rng, NOISE_SEED);
	for (int k = 0; k < NOISE_DRAWS; k++) {
		for (size_t i = 0; i < n; i++) {
			double gap = noise->gaps[gsl_rng_uniform_int(rng, noise->ngaps)];

			drawn[i] = gsl_rng_uniform_int(rng, 2) ? gap : -gap;
		}
		insertion_sort(drawn, n);
		far += fabs(gsl_stats_median_from_sorted_data(drawn, 1, n)) >= fabs(difference);
	}
	gsl_rng_free(rng);
	return (far + 1) / (NOISE_DRAWS + 1);
}
