// SPDX-License-Identifier: GPL-2.0-only
/* results/compare/statistics.h against SciPy (tests/fixtures/statistics), and cases worked out by hand. */
#include <math.h>
#include <stdlib.h>

#include "tests/unit/unit.h"
#include "common/alloc.h"
#include "common/json.h"
#include "results/compare/statistics.h"

/* ---- fixtures ---- */

static struct json_object *load(const char *name, struct json_object **cases)
{
	__cleanup_free char *path = xasprintf("tests/fixtures/statistics/%s.json", name);
	struct json_object *doc;
	struct json_node root;
	struct error err = {0};

	if (json_load(path, &doc, &root, &err))
		fail_msg("%s", err.text);
	assert_true(json_object_object_get_ex(doc, "cases", cases));
	assert_true(json_object_array_length(*cases) > 0);
	return doc;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v;
}

static double number(struct json_object *o, const char *key)
{
	return json_object_get_double(member(o, key));
}

static double *doubles(struct json_object *array, size_t *n)
{
	double *v;

	*n = json_object_array_length(array);
	v = xcalloc(*n, sizeof(*v));
	for (size_t i = 0; i < *n; i++)
		v[i] = json_object_get_double(json_object_array_get_idx(array, i));
	return v;
}

static uint32_t *indices(struct json_object *array)
{
	size_t n = json_object_array_length(array);
	uint32_t *v = xcalloc(n, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (uint32_t)json_object_get_int(json_object_array_get_idx(array, i));
	return v;
}

static void assert_near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
		fail_msg("got %.15g, want %.15g", got, want);
}

#define FOR_EACH_CASE(name, c)                                                                 \
	struct json_object *cases, *doc = load(name, &cases), *c;                              \
	for (size_t i = 0;                                                                     \
	     i < json_object_array_length(cases) && (c = json_object_array_get_idx(cases, i)); \
	     i++)

/* ---- against SciPy ---- */

TEST(quantiles_agree)
{
	FOR_EACH_CASE("quantiles", c)
	{
		size_t n;
		__cleanup_free double *v = doubles(member(c, "v"), &n);

		assert_near(statistics_quantile(v, n, number(c, "q")), number(c, "want"), 1e-13);
	}
	json_object_put(doc);
}

TEST(mann_whitney_agrees)
{
	FOR_EACH_CASE("mann_whitney", c)
	{
		size_t na, nb;
		__cleanup_free double *a = doubles(member(c, "a"), &na);
		__cleanup_free double *b = doubles(member(c, "b"), &nb);

		assert_near(statistics_mann_whitney(a, na, b, nb), number(c, "p"), 1e-12);
		assert_near(statistics_mann_whitney(b, nb, a, na), number(c, "p"), 1e-12);
	}
	json_object_put(doc);
}

TEST(student_agrees)
{
	FOR_EACH_CASE("t_distribution", c)
	{
		double df = number(c, "df");

		assert_near(statistics_t_p(number(c, "t"), df), number(c, "p"), 1e-12);
		assert_near(statistics_t_p(-number(c, "t"), df), number(c, "p"), 1e-12);
		assert_near(statistics_t_critical(number(c, "alpha"), df), number(c, "critical"),
			    1e-9);
	}
	json_object_put(doc);
}

TEST(benjamini_hochberg_agrees)
{
	FOR_EACH_CASE("benjamini_hochberg", c)
	{
		size_t n, m;
		__cleanup_free double *p = doubles(member(c, "p"), &n);
		__cleanup_free double *want = doubles(member(c, "adjusted"), &m);

		statistics_benjamini_hochberg(p, n);
		for (size_t k = 0; k < n; k++)
			assert_near(p[k], want[k], 1e-12);
	}
	json_object_put(doc);
}

TEST(bootstrap_agrees)
{
	FOR_EACH_CASE("bootstrap", c)
	{
		struct statistics_sample a, b;
		__cleanup_free double *va = doubles(member(c, "a"), &a.n);
		__cleanup_free double *vb = doubles(member(c, "b"), &b.n);
		__cleanup_free uint32_t *ia = indices(member(c, "ia"));
		__cleanup_free uint32_t *ib = indices(member(c, "ib"));
		double low, high;

		a.v = va;
		b.v = vb;
		a.indices = ia;
		b.indices = ib;
		statistics_bootstrap(&a, &b, (size_t)number(c, "count"), number(c, "level"), &low,
				     &high);
		assert_near(low, number(c, "low"), 1e-12);
		assert_near(high, number(c, "high"), 1e-12);
	}
	json_object_put(doc);
}

TEST(pooled_deviation_agrees)
{
	FOR_EACH_CASE("pooled", c)
	{
		struct json_object *groups = member(c, "groups");
		struct statistics_noise noise = {0};

		for (size_t g = 0; g < json_object_array_length(groups); g++) {
			size_t n;
			__cleanup_free double *v =
				doubles(json_object_array_get_idx(groups, g), &n);

			statistics_noise_add(&noise, v, n);
		}
		noise.ngaps = 0; /* the pooled deviation alone */
		assert_near(statistics_noise_sd(&noise, 0.05), number(c, "sd"), 1e-12);
		statistics_noise_release(&noise);
	}
	json_object_put(doc);
}

/* ---- by hand ---- */

TEST(the_least_p_is_that_of_samples_apart)
{
	static const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};

	assert_near(statistics_mann_whitney_least(4, 4), 2.0 / 70, 1e-12);
	assert_near(statistics_mann_whitney(a, 4, b, 4), 2.0 / 70, 1e-12);
	assert_near(statistics_mann_whitney_least(1, 1), 1, 0);
	assert_near(statistics_mann_whitney_least(8, 8), 2.0 / 12870, 1e-12);
}

TEST(what_is_unknown_does_not_count)
{
	double p[] = {NAN, 0.02, NAN, 0.03};

	statistics_benjamini_hochberg(p, 4);
	assert_true(isnan(p[0]) && isnan(p[2]));
	assert_near(p[1], 0.03, 1e-12);
	assert_near(p[3], 0.03, 1e-12);
	assert_true(isnan(statistics_t_p(1, 0)));
	assert_near(statistics_t_p(INFINITY, 3), 0, 0);
}

TEST(draws_repeat_and_stay_in_range)
{
	uint32_t a[300], b[300], other[300];
	int seen[3] = {0}, different = 0;

	statistics_draw(7, 3, 100, a);
	statistics_draw(7, 3, 100, b);
	statistics_draw(8, 3, 100, other);
	assert_memory_equal(a, b, sizeof(a));
	for (int i = 0; i < 300; i++) {
		assert_true(a[i] < 3);
		seen[a[i]]++;
		different += a[i] != other[i];
	}
	assert_true(seen[0] > 50 && seen[1] > 50 && seen[2] > 50);
	assert_true(different > 100);
}

/* 19 boots alike and one 5 % off: the deviation is 1.1 %, but such a gap was seen, and a pair of
 * boots 5 % apart must not be called different. */
TEST(a_rare_mode_widens_the_noise)
{
	struct statistics_noise noise = {0};
	double v[20] = {0}, sd;

	v[7] = 0.05;
	statistics_noise_add(&noise, v, 20);
	sd = statistics_noise_sd(&noise, 0.05);
	assert_true(sd > sqrt(noise.squares / noise.df));
	assert_true(sd * M_SQRT2 * statistics_t_critical(0.05, noise.df) >= 0.05 * (1 - 1e-12));
	statistics_noise_release(&noise);
}

TEST(noise_starts_unknown_or_from_a_prior)
{
	struct statistics_noise noise = {0};
	static const double quiet[] = {1, 1, 1, 1, 1, 1};

	assert_true(isnan(statistics_noise_sd(&noise, 0.05)));
	statistics_noise_add(&noise, quiet, 1); /* one boot tells nothing */
	assert_true(isnan(statistics_noise_sd(&noise, 0.05)));
	statistics_noise_prior(&noise, 0.001, 20);
	assert_near(statistics_noise_sd(&noise, 0.05), 0.001, 1e-12);
	statistics_noise_add(&noise, quiet, 6); /* five degrees of freedom without any noise */
	assert_near(statistics_noise_sd(&noise, 0.05), 0.001 * sqrt(20.0 / 25), 1e-12);
	statistics_noise_release(&noise);
}

/* Of five boots one is off: four of ten pairs are 1 apart, and two such pairs the same way are .08. */
TEST(pairs_tell_how_often_medians_differ)
{
	static const double v[] = {0, 0, 1, 0, 0};
	struct statistics_noise noise = {0};

	statistics_noise_add(&noise, v, ARRAY_SIZE(v));
	assert_near(statistics_noise_p(&noise, 1, 1), 0.4, 0.02);
	assert_near(statistics_noise_p(&noise, 1, -1), 0.4, 0.02);
	assert_near(statistics_noise_p(&noise, 2, 1), 0.08, 0.01);
	assert_near(statistics_noise_p(&noise, 1, 2), 1.0 / 10001, 1e-12);
	assert_near(statistics_noise_p(&noise, 3, 0), 1, 0);
	statistics_noise_release(&noise);
}

/* One-sided: ways to deal so many or more of the failures to b, by all ways to deal them. */
TEST(fisher_counts_ways)
{
	assert_near(statistics_fisher(0, 3, 3, 3), 1.0 / 20, 1e-12);
	assert_near(statistics_fisher(0, 2, 2, 2), 1.0 / 6, 1e-12);
	assert_near(statistics_fisher(2, 102, 2, 2), 6.0 / 5356, 1e-12);
	assert_near(statistics_fisher(5, 105, 5, 7), 3.642475400445695e-05, 1e-12);
	assert_near(statistics_fisher(0, 2, 1, 100), 100.0 / 102, 1e-12);
	assert_near(statistics_fisher(1, 200, 2, 200), 0.5, 1e-12);
	assert_near(statistics_fisher(5, 10, 0, 10), 1,
		    0); /* none of b's: no more than by chance */
	assert_near(statistics_fisher(0, 0, 5, 5), 1, 1e-12); /* nothing to hold against */
}

UNIT_MAIN("statistics", NULL, NULL)
