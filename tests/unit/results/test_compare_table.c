// SPDX-License-Identifier: GPL-2.0-only
/* Several kernels against one: one environment, one family of tests. */
#include <errno.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "results/report/text.h"
#include "tests/unit/results/compare_fixture.h"

#define KEY(n) "000000000000000" #n

static struct results_table must_compare(struct results_db *db, const char *const *kernels,
					 size_t n)
{
	struct results_table t;
	struct error err = {0};

	if (results_compare_table(db, kernels, n, NULL, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

static const char *const four[] = {"a", "b", "c", "d"};

/* Four kernels: the second is better, the third the same, the fourth worse. */
static struct results_db *open_four(void)
{
	struct results_db *db = open_fresh();

	for (uint64_t seed = 1; seed <= 3; seed++) {
		boot(db, "a", KEY(1), seed, 30000 + (double)seed);
		boot(db, "b", KEY(2), seed, 24000 + (double)seed);
		boot(db, "c", KEY(3), seed, 30001 + (double)seed);
		boot(db, "d", KEY(4), seed, 31000 + (double)seed);
	}
	return db;
}

TEST(each_is_judged_against_the_first)
{
	static const enum results_verdict expected[] = {VERDICT_IMPROVED, VERDICT_UNCHANGED,
							VERDICT_REGRESSED};
	struct results_db *db = open_four();
	struct results_table t = must_compare(db, four, 4);

	assert_int_equal(t.npairs, 3);
	assert_int_equal(t.family, 6);
	assert_int_equal(t.verdict, VERDICT_REGRESSED); /* the worst */
	for (size_t i = 0; i < t.npairs; i++) {
		assert_string_equal(t.pairs[i].base, "a");
		assert_string_equal(t.pairs[i].new, four[i + 1]);
		assert_int_equal(t.pairs[i].verdict, expected[i]);
		assert_true(t.pairs[i].metrics[0].base.median == t.pairs[0].metrics[0].base.median);
	}
	results_table_free(&t);
	results_close(db);
}

/* Two kernels are what they always were. */
TEST(a_table_of_two_is_a_comparison)
{
	struct results_db *db = open_four();
	struct results_table t = must_compare(db, four, 2);
	struct results_comparison c = compare(db, "a", "b");
	struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;

	results_render_json(&t.pairs[0], &x);
	results_render_json(&c, &y);
	assert_string_equal(x.buf, y.buf);
	strbuf_release(&x);
	strbuf_release(&y);
	results_table_free(&t);
	results_comparison_free(&c);
	results_close(db);
}

/* The p-value of one change among many numbers has to be smaller than the one of the pair alone. */
TEST(the_numbers_of_all_pairs_are_one_family)
{
	struct results_db *db = open_four();
	struct results_comparison alone = compare(db, "a", "d");
	struct results_table t = must_compare(db, four, 4);
	double p_alone = alone.metrics[0].median.p_value, p = t.pairs[2].metrics[0].median.p_value;

	assert_true(p_alone < 0.05);
	assert_true(p < 0.05);
	assert_true(p >= p_alone);
	results_table_free(&t);
	results_comparison_free(&alone);
	results_close(db);
}

/* ---- which boots ---- */

static void boot_on(struct results_db *db, const char *kernel, const char *key, const char *agent,
		    double value)
{
	static uint64_t seed;
	struct fixture_run f;

	fixture_init(&f, kernel, key, ++seed);
	f.run.agent_sha256 = agent;
	fixture_metric(&f, "multiplex", "switch", MANAGED, value);
	fixture_store(db, &f);
}

/* In pairs each would be compared where its newest boots are: the base's column would not be one. */
TEST(all_are_compared_in_one_environment)
{
	static const char *const three[] = {"a", "b", "c"};
	struct results_db *db = open_fresh();
	struct results_table t;

	for (int i = 0; i < 3; i++) {
		boot_on(db, "a", KEY(1), "old", 1000 + i);
		boot_on(db, "b", KEY(2), "old", 1000 + i);
		boot_on(db, "c", KEY(3), "old", 1000 + i);
	}
	for (int i = 0; i < 3; i++) {
		boot_on(db, "a", KEY(1), "new", 2000 + i);
		boot_on(db, "b", KEY(2), "new", 2000 + i);
	}
	t = must_compare(db, three, 3);
	for (size_t i = 0; i < 2; i++)
		assert_true(t.pairs[i].metrics[0].base.median == 1001);
	assert_says(t.pairs[0].notes,
		    "a: 3 runs of another agent, host, clock or L1 kernel left out");
	results_table_free(&t);
	results_close(db);
}

TEST(without_an_environment_that_all_have_there_is_no_table)
{
	static const char *const three[] = {"a", "b", "c"};
	struct results_db *db = open_fresh();
	struct results_table t;
	struct error err = {0};

	boot_on(db, "a", KEY(1), "x", 1000);
	boot_on(db, "b", KEY(2), "x", 1000);
	boot_on(db, "a", KEY(1), "y", 1000);
	boot_on(db, "c", KEY(3), "y", 1000);
	assert_int_equal(results_compare_table(db, three, 3, NULL, &t, &err), -ENODATA);
	assert_says(err.text, "never all run in one environment");
	boot_on(db, "a", KEY(1), "x", 1000);
	results_close(db);
}

TEST(a_kernel_stands_there_once)
{
	static const char *const twice[] = {"a", "b", "0000000000000002"};
	static const char *const base[] = {"a", "b", "0000000000000001"};
	struct results_db *db = open_four();
	struct results_table t;
	struct error err = {0};

	assert_int_equal(results_compare_table(db, twice, 3, NULL, &t, &err), -EINVAL);
	assert_says(err.text, "b and 0000000000000002 are the same kernel");
	assert_int_equal(results_compare_table(db, base, 3, NULL, &t, &err), -EINVAL);
	assert_says(err.text, "a and 0000000000000001 are the same kernel");
	results_close(db);
}

/* ---- kernels that fail ---- */

TEST(a_kernel_that_only_fails_is_in_the_table)
{
	static const char *const three[] = {"a", "b", "dead"};
	struct results_db *db = open_four();
	struct results_table t;
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		fixture_init(&f, "dead", KEY(9), seed);
		fixture_fail(&f, RESULTS_GUEST, "kernel panic");
		f.run.clock = NULL; /* it died before it named one */
		fixture_store(db, &f);
	}
	t = must_compare(db, three, 3);
	assert_int_equal(t.pairs[0].verdict, VERDICT_IMPROVED);
	assert_int_equal(t.pairs[1].nmetrics, 0);
	assert_int_equal(t.pairs[1].new_failed, 3);
	assert_int_equal(t.pairs[1].verdict, VERDICT_REGRESSED);
	assert_int_equal(t.verdict, VERDICT_REGRESSED);
	results_table_free(&t);
	results_close(db);
}

/* 3 of 3 against 0 of 3 has p 1/20: enough for one, not for one among two of which the other is not. */
TEST(failure_rates_of_all_pairs_are_one_family)
{
	static const char *const three[] = {"a", "dead", "ill"};
	struct results_db *db = open_four();
	struct results_table t;
	struct results_comparison c;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		bool ill = seed > 3, fails = seed != 4 && seed != 5;
		struct fixture_run f;

		fixture_init(&f, ill ? "ill" : "dead", ill ? KEY(8) : KEY(9), seed);
		if (fails)
			fixture_fail(&f, RESULTS_GUEST, "kernel panic");
		else
			fixture_metric(&f, "multiplex", "switch", MANAGED, 30001);
		fixture_store(db, &f);
	}
	c = compare(db, "a", "dead");
	assert_int_equal(c.failures[0].verdict, VERDICT_REGRESSED);
	t = must_compare(db, three, 3);
	assert_int_equal(t.pairs[0].failures[0].verdict, VERDICT_INCONCLUSIVE);
	assert_true(t.pairs[0].failures[0].p_value > 0.05);
	results_table_free(&t);
	results_comparison_free(&c);
	results_close(db);
}

/* ---- on a terminal ---- */

static size_t widest_line(const char *text)
{
	size_t widest = 0, width = 0;

	for (; *text; text++) {
		width += (*text & 0xc0) != 0x80;
		if (*text == '\n')
			width = 0;
		if (width > widest)
			widest = width;
	}
	return widest;
}

TEST(a_table_fits_eighty_columns_or_is_stacked)
{
	const char *kernels[12];
	struct results_db *db = open_fresh();

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		__cleanup_free char *key = xasprintf("%016zx", i + 1);

		kernels[i] = xasprintf("a-kernel-of-some-name-%zu", i);
		for (uint64_t seed = 1; seed <= 2; seed++) {
			struct fixture_run f;

			fixture_init(&f, kernels[i], key, seed);
			fixture_metric(&f, "multiplex", "switch", MANAGED, 30000 + 200 * i);
			fixture_metric(&f, "multiplex", "switch", UNMANAGED, 90000);
			fixture_metric(&f, "multiplex", "a-metric-of-some-name", MANAGED, 7);
			fixture_store(db, &f);
		}
	}
	for (size_t n = 2; n <= ARRAY_SIZE(kernels); n++) {
		struct results_table t = must_compare(db, kernels, n);
		struct strbuf out = STRBUF_INIT;

		results_render_table_text(&t, 0, &out);
		if (widest_line(out.buf) > 80)
			fail_msg("%zu kernels: %zu columns:\n%s", n, widest_line(out.buf), out.buf);
		for (size_t i = 0; i < n; i++)
			assert_says(out.buf, kernels[i]);
		strbuf_release(&out);
		results_table_free(&t);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		free((char *)kernels[i]);
	results_close(db);
}

/* ---- the false discovery rate, held for real ---- */

#define TABLES	20
#define KERNELS 5
#define METRICS 8

/* The same kernel under five names, with the noise that its clock is taken to have. */
static void store_same_kernels(struct results_db *db, gsl_rng *rng)
{
	for (int k = 0; k < KERNELS; k++) {
		__cleanup_free char *name = xasprintf("k%d", k), *key = xasprintf("%016x", k + 1);

		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct fixture_run f;

			fixture_init(&f, name, key, seed);
			for (int m = 0; m < METRICS; m++) {
				static const char *const metrics[METRICS] = {"a", "b", "c", "d",
									     "e", "f", "g", "h"};

				fixture_metric(&f, "multiplex", metrics[m], MANAGED,
					       30000 * exp(gsl_ran_gaussian(rng, 0.01)));
			}
			f.run.clock = "tsc";
			fixture_store(db, &f);
		}
	}
}

/* Nothing differs, so anything called changed is false; 5 % of the tables may have such a thing. */
TEST(a_table_of_one_kernel_rarely_calls_something_changed)
{
	static const char *const kernels[KERNELS] = {"k0", "k1", "k2", "k3", "k4"};
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	int wrong = 0;

	gsl_rng_set(rng, 7);
	for (int i = 0; i < TABLES; i++) {
		struct results_db *db = open_fresh();
		struct results_table t;
		bool any = false;

		store_same_kernels(db, rng);
		t = must_compare(db, kernels, KERNELS);
		for (size_t p = 0; p < t.npairs; p++)
			for (size_t m = 0; m < t.pairs[p].nmetrics; m++)
				any |= t.pairs[p].metrics[m].median.verdict == VERDICT_REGRESSED ||
				       t.pairs[p].metrics[m].median.verdict == VERDICT_IMPROVED;
		wrong += any;
		results_table_free(&t);
		results_close(db);
	}
	gsl_rng_free(rng);
	print_message("# %d of %d tables called something changed\n", wrong, TABLES);
	assert_true(wrong <= 2);
}

UNIT_MAIN("tables of several kernels", unit_make_dir, unit_drop_dir)
