// SPDX-License-Identifier: GPL-2.0-only
/* Change points of series whose truth is known. */
#include "results/trend/detect.h"

#include <gsl/gsl_randist.h>

#include "tests/unit/unit.h"

#define N 60

static void fill(double *v, size_t n, double level)
{
	for (size_t i = 0; i < n; i++)
		v[i] = level;
}

static void add_noise(double *v, size_t n, double sd)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

	for (size_t i = 0; i < n; i++)
		v[i] += gsl_ran_gaussian(rng, sd);
	gsl_rng_free(rng);
}

TEST(quiet_series_are_silent)
{
	double v[N];
	size_t at[N];

	fill(v, N, 1000);
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 0);
	for (size_t i = 0; i < N; i++)
		v[i] = 1000 + i % 2;
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 0);
	fill(v, N, 1000);
	add_noise(v, N, 1);
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 0);
	for (size_t n = 0; n < 2 * DETECT_SIDE_MIN; n++)
		assert_int_equal(detect_changes(v, n, DETECT_P, at), 0);
}

TEST(a_step_is_found_where_it_is)
{
	double v[N];
	size_t at[N];

	fill(v, N, 1000);
	fill(v + 41, N - 41, 1005);
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 1);
	assert_int_equal(at[0], 41);
	add_noise(v, N, 1);
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 1);
	assert_in_range(at[0], 40, 42);
	assert_false(detect_is_drift(v, N, at, 1));
}

TEST(two_steps_are_two)
{
	double v[N];
	size_t at[N];

	fill(v, N, 1000);
	fill(v + 20, 20, 1007);
	add_noise(v, N, 1);
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 2);
	assert_in_range(at[0], 19, 21);
	assert_in_range(at[1], 39, 41);
}

TEST(an_outlier_makes_no_point)
{
	double v[N];
	size_t at[N];

	fill(v, N, 1000);
	v[30] = 1200;
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 0);
	fill(v, N, 1000);
	add_noise(v, N, 1);
	v[30] = 1200;
	assert_int_equal(detect_changes(v, N, DETECT_P, at), 0);
}

TEST(a_drift_is_told_as_drift)
{
	double v[N];
	size_t at[N], n;

	for (size_t i = 0; i < N; i++)
		v[i] = 1000 + 10.0 * i / N;
	add_noise(v, N, 0.5);
	n = detect_changes(v, N, DETECT_P, at);
	assert_in_range(n, 1, N);
	assert_true(detect_is_drift(v, N, at, n));
}

UNIT_MAIN("change points", NULL, NULL)
