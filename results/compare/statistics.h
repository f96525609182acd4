/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * statistics.h - pure functions over arrays: no SQL, no text. Private to results/ and its tests.
 *
 * They agree with SciPy on the cases in tests/fixtures/statistics/. docs/statistics.md says what they
 * are used for, and why.
 */
#ifndef RESULTS_COMPARE_STATISTICS_H
#define RESULTS_COMPARE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Quantile @q (0..1) by linear interpolation (type 7), of @n >= 1 values in any order. */
double statistics_quantile(const double *v, size_t n, double q);
double statistics_median(const double *v, size_t n);

/* ---- bootstrap ---- */

/* @count resamples of @n items: count * n indices below n, drawn by a seeded Mersenne Twister. */
void statistics_draw(uint64_t seed, size_t n, size_t count, uint32_t *indices);

/* One side of a bootstrap: values, and indices as statistics_draw() makes them. */
struct statistics_sample {
	const double *v;
	size_t n;
	const uint32_t *indices;
};

/* The percentile interval at @level (0.95) of median(b) - median(a) over @count resamples. */
void statistics_bootstrap(const struct statistics_sample *a, const struct statistics_sample *b,
			  size_t count, double level, double *low, double *high);

/* ---- tests ---- */

/*
 * Mann-Whitney, two-sided: the probability, if both came from one distribution, of a rank sum at
 * least as far from its mean. Exact, ties included (the distribution of the midranks' sum over all
 * ways to choose the first sample); beyond STATISTICS_EXACT_MAX values in all the normal
 * approximation with tie and continuity corrections.
 */
double statistics_mann_whitney(const double *a, size_t na, const double *b, size_t nb);
#define STATISTICS_EXACT_MAX 40

/* The smallest p that statistics_mann_whitney() can give for samples of these sizes. */
double statistics_mann_whitney_least(size_t na, size_t nb);

/*
 * Fisher's exact test, one-sided: the probability that so many or more of the failures are b's, if
 * all of them could have met any item: @failed_a of @na items failed, and @failed_b of @nb.
 */
double statistics_fisher(unsigned int failed_a, unsigned int na, unsigned int failed_b,
			 unsigned int nb);

/* Two-sided p of |t| for Student's distribution with @df degrees of freedom, and the |t| whose
 * two-sided p is @alpha. NAN if df is not above 0. */
double statistics_t_p(double t, double df);
double statistics_t_critical(double alpha, double df);

/* Benjamini-Hochberg: replaces p-values by adjusted ones, comparable with the rate of false
 * discoveries that is allowed. NANs stay, and do not count. */
void statistics_benjamini_hochberg(double *p, size_t n);

/* ---- noise ---- */

/*
 * How much boots of one kernel differ, learned from groups of them: of the logarithm of a number,
 * so that all is relative. Start from { 0 } or from what was known before (statistics_noise_prior).
 */
struct statistics_noise {
	double squares; /* sum of squared deviations from their group's mean */
	double df;	/* degrees of freedom: boots less groups */
	double *gaps;	/* absolute differences of pairs of one group */
	size_t ngaps;
};

/* As if @df degrees of freedom with standard deviation @sd had been seen. */
void statistics_noise_prior(struct statistics_noise *noise, double sd, double df);
void statistics_noise_add(struct statistics_noise *noise, const double *v, size_t n);
void statistics_noise_release(struct statistics_noise *noise);

/*
 * The standard deviation of one boot to reckon with: the pooled one, or more if pairs of boots were
 * seen so far apart (their 99th percentile) that it would call them different at @alpha: heavy tails
 * and two modes show there. NAN if nothing is known.
 */
double statistics_noise_sd(const struct statistics_noise *noise, double alpha);

/*
 * How often are two medians of @n boots each at least @difference apart by noise alone? By @n pairs
 * drawn, seeded, from those seen: the median of their gaps, either sign. No shape is assumed; but a
 * gap that was never seen is not drawn either. At least one gap must be known; never below 0.0001.
 */
double statistics_noise_p(const struct statistics_noise *noise, size_t n, double difference);

#endif
