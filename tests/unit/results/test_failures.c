// SPDX-License-Identifier: GPL-2.0-only
/* The comparison: boots that failed, and selftests. */

#include "results/compare/failures.h"
#include "results/report/text.h"
#include "tests/unit/results/compare_each.h"

/* One of one against none of one may be chance: three boots of each are the least that tell. */
TEST(a_kernel_that_only_fails_regresses_when_boots_suffice)
{
	struct strbuf out = STRBUF_INIT;
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		boot(db, "a", KEY_A, seed, 30000 + (double)seed);
		fixture_init(&f, "b", KEY_B, seed);
		f.run.clock = NULL; /* it panicked before it could say */
		fixture_fail(&f, RESULTS_GUEST, "kernel panic: out of luck");
		fixture_store(db, &f);
		fixture_init(&f, "b", KEY_B, seed + 10);
		fixture_fail(&f, RESULTS_INFRASTRUCTURE, "the emulator was killed");
		fixture_store(db, &f);
		compare_kernels("a", "b");
		assert_int_equal(c.verdict, seed < 3 ? VERDICT_INCONCLUSIVE : VERDICT_REGRESSED);
		assert_int_equal(results_more_boots(&c), 3 - seed);
		assert_int_equal(c.new_failed, seed); /* infrastructure is nobody's fault here */
		assert_int_equal(c.base_failed, 0);
		assert_says(c.failure, "out of luck");
	}
	compare_kernels("a", "b");
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "out of luck");
	assert_says(out.buf, "3 of 3 boots failed, with the base 0 of 3");
	strbuf_release(&out);
}

static void failed_with(const char *kernel, const char *key, const char *scenario, uint64_t seed,
			enum results_class class, const char *error)
{
	struct fixture_run f;

	fixture_init(&f, kernel, key, seed);
	f.run.scenario_name = scenario;
	fixture_fail(&f, class, error);
	fixture_store(db, &f);
}

static const struct results_failure_rate *find_rate(const char *scenario, const char *what)
{
	for (size_t i = 0; i < c.nfailures; i++)
		if (!strcmp(c.failures[i].scenario, scenario) && !strcmp(c.failures[i].what, what))
			return &c.failures[i];
	fail_msg("no rate of %s %s", scenario, what);
	return NULL;
}

TEST(a_base_that_fails_one_scenario_excuses_no_other)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		boot(db, "a", KEY_A, seed, 30000);
		boot(db, "b", KEY_B, seed + 10, 30000);
		failed_with("a", KEY_A, "selftests", seed, RESULTS_INTEGRITY, "wrong");
		failed_with("b", KEY_B, "selftests", seed, RESULTS_INTEGRITY, "wrong");
	}
	compare_kernels("a", "b");
	assert_int_equal(c.nfailures, 1);
	assert_int_equal(c.failures[0].verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	for (uint64_t seed = 21; seed <= 32; seed++)
		failed_with("b", KEY_B, "quick", seed, RESULTS_INTEGRITY, "wrong");
	compare_kernels("a", "b");
	assert_int_equal(c.nfailures, 2);
	assert_int_equal(find_rate("quick", "failed")->verdict, VERDICT_REGRESSED);
	assert_int_equal(find_rate("selftests", "failed")->verdict, VERDICT_UNCHANGED);
	assert_int_equal(results_count_worse_failures(&c), 1);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

/* Whether a selftest fails as well, or nothing but the complaint came. */
TEST(a_test_that_the_base_fails_excuses_no_complaint)
{
	static const struct {
		enum results_class class;
		const char *error;
	} news[] = {
		{RESULTS_GUEST, "the kernel complained: BUG: KASAN: x"},
		{RESULTS_INTEGRITY, "wrong" RESULTS_BESIDES "the kernel complained: BUG: KASAN: x"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(news); i++) {
		each_reopen();
		boot(db, "a", KEY_A, 1, 30000);
		boot(db, "b", KEY_B, 1, 30000);
		for (uint64_t seed = 1; seed <= 4; seed++) {
			failed_with("a", KEY_A, "selftests", seed, RESULTS_INTEGRITY, "wrong");
			failed_with("b", KEY_B, "selftests", seed, news[i].class, news[i].error);
		}
		compare_kernels("a", "b");
		assert_int_equal(find_rate("selftests", "failed")->verdict, VERDICT_UNCHANGED);
		assert_int_equal(find_rate("selftests", "died")->verdict, VERDICT_REGRESSED);
		assert_int_equal(c.verdict, VERDICT_REGRESSED);
		assert_says(c.failure, "BUG: KASAN: x");
		compare_kernels("b", "a");
		assert_int_equal(find_rate("selftests", "died")->verdict, VERDICT_IMPROVED);
		assert_int_equal(c.verdict, VERDICT_IMPROVED);
	}
}

/* One boot of each kernel with a selftest that passes, and no number, on another host if @identity. */
static void selftests_pass(const char *identity)
{
	static const struct results_test pass = {"kselftest", "{\"test\":\"x\"}", "x", "pass", ""};
	struct fixture_run f;

	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 1);
		if (identity)
			f.run.host_identity = identity;
		f.run.tests = &pass;
		f.run.ntests = 1;
		fixture_store(db, &f);
	}
}

/* They are newer, and their host is another: the numbers are compared all the same. */
TEST(selftests_elsewhere_hide_no_numbers)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 24000);
	selftests_pass("{\"emulator\":\"bochs 2.7\",\"cpus\":2}");
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
}

TEST(selftests_alone_compare_too)
{
	struct strbuf out = STRBUF_INIT;

	selftests_pass(NULL);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.same_tests, 1);
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "b against a: no numbers");
	assert_says(out.buf, "1 selftest as before");
	strbuf_release(&out);
}

TEST(a_test_that_fails_now_is_a_regression)
{
	static const struct results_test results[2][2] = {
		{{"kselftest", "{\"test\":\"x\"}", "x", "pass", ""},
		 {"kselftest", "{\"test\":\"y\"}", "y", "fail", "always did"}},
		{{"kselftest", "{\"test\":\"x\"}", "x", "fail", "x.c:12: no"},
		 {"kselftest", "{\"test\":\"y\"}", "y", "fail", "always did"}},
	};
	static const char *const kernels[] = {"a", "b"};
	struct strbuf out = STRBUF_INIT;
	struct fixture_run f;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 2);
		fixture_fail(&f, RESULTS_INTEGRITY, "selftests failed");
		f.run.tests = results[k];
		f.run.ntests = 2;
		fixture_store(db, &f);
	}
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.ntests, 1);
	assert_int_equal(c.same_tests, 1);
	assert_string_equal(c.tests[0].name, "x");
	assert_string_equal(c.tests[0].base, "pass");
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "kselftest x: pass -> fail (regressed)");
	assert_says(out.buf, "x.c:12: no");
	strbuf_release(&out);
	out = (struct strbuf)STRBUF_INIT;
	assert_int_equal(results_render_selftests(db, f.run.session, kernels, 2, 0, &out, NULL), 0);
	assert_string_equal(out.buf, "  selftest  a     b\n"
				     "  x         pass  fail\n"
				     "  y         fail  fail\n");
	strbuf_release(&out);
	out = (struct strbuf)STRBUF_INIT;
	assert_int_equal(results_render_selftests(db, "another", kernels, 2, 0, &out, NULL), 0);
	assert_int_equal(out.len, 0);
	strbuf_release(&out);
}

/* @failed of @boots boots in the scenario "quick" died, the others passed; without a number. */
static void boots_of(const char *kernel, const char *key, int boots, int failed)
{
	for (int i = 0; i < boots; i++) {
		struct fixture_run f;

		fixture_init(&f, kernel, key, (uint64_t)(100 + i));
		if (i < failed)
			fixture_fail(&f, RESULTS_GUEST, "kernel panic");
		fixture_store(db, &f);
	}
}

/* One boot of each that passed has a number, and the number is unchanged. */
TEST(failed_boots_are_judged_by_rate)
{
	static const struct {
		int base_boots, base_failed, new_boots, new_failed;
		enum results_verdict verdict;
		int more_boots;
	} rows[] = {
		{105, 5, 7, 5, VERDICT_REGRESSED, 0},
		{102, 2, 3, 2, VERDICT_REGRESSED, 0},
		{99, 0, 2, 1, VERDICT_REGRESSED, 0},
		{5, 0, 5, 4, VERDICT_REGRESSED, 0},
		/* never seen with the base, but the base had no chance to show it */
		{2, 0, 100, 1, VERDICT_INCONCLUSIVE, RESULTS_MORE_BOOTS_MAX},
		{2, 0, 2, 1, VERDICT_INCONCLUSIVE, 5},
		{4, 0, 4, 2, VERDICT_INCONCLUSIVE, 3},
		{3, 1, 3, 2, VERDICT_INCONCLUSIVE, 13},
		/* both fail now and then: not even a hundred boots more of each would tell */
		{200, 1, 200, 2, VERDICT_UNCHANGED, 0},
		{100, 3, 100, 3, VERDICT_UNCHANGED, 0},
		{4, 1, 4, 0, VERDICT_UNCHANGED, 0},
		{20, 10, 20, 1, VERDICT_IMPROVED, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		each_reopen();
		boot(db, "a", KEY_A, 1, 30000);
		boot(db, "b", KEY_B, 1, 30000);
		boots_of("a", KEY_A, rows[i].base_boots - 1, rows[i].base_failed);
		boots_of("b", KEY_B, rows[i].new_boots - 1, rows[i].new_failed);
		compare_kernels("a", "b");
		assert_int_equal(c.nfailures, 1);
		assert_int_equal(c.failures[0].base_boots, rows[i].base_boots);
		assert_int_equal(c.failures[0].new_boots, rows[i].new_boots);
		if (c.verdict != rows[i].verdict || c.failures[0].more_boots != rows[i].more_boots)
			fail_msg("row %zu: %s, %d more: %s", i, results_verdict_name(c.verdict),
				 c.failures[0].more_boots, c.failures[0].why);
		assert_int_equal(results_more_boots(&c), rows[i].more_boots);
	}
}

/* All boots of the new kernel died: there is no number. */
TEST(a_base_that_died_twice_excuses_no_kernel_that_always_dies)
{
	boots_of("a", KEY_A, 102, 2);
	boots_of("b", KEY_B, 2, 2);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

TEST(a_scenario_that_the_base_never_ran_is_inconclusive)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	for (uint64_t seed = 1; seed <= 9; seed++)
		failed_with("b", KEY_B, "stress", seed, RESULTS_GUEST, "kernel panic");
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_int_equal(c.failures[0].more_boots, 2); /* 1/78; one more boot: 1/11 */
	assert_says(c.failures[0].why, "the base never ran this scenario");
	compare_kernels("b", "a"); /* what only the base fails says nothing of the new kernel */
	assert_int_equal(c.nfailures, 0);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
}

/* Among twenty scenarios of which each fails a little more often by chance, one p of 0.04 is nothing. */
TEST(many_scenarios_share_one_false_discovery_rate)
{
	struct results_failure_rate rows[20];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = (struct results_failure_rate){.what = "failed",
							.base_boots = 8,
							.new_boots = 8,
							.base_failed = 1,
							.new_failed = 1};
	rows[7].base_failed = 0;
	rows[7].new_failed = 4; /* p 0.038 */
	failures_judge(&rows[7], 1, 0.05);
	assert_int_equal(rows[7].verdict, VERDICT_REGRESSED);
	free(rows[7].why);
	failures_judge(rows, ARRAY_SIZE(rows), 0.05);
	assert_int_equal(rows[7].verdict, VERDICT_INCONCLUSIVE);
	assert_true(rows[7].more_boots > 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		free(rows[i].why);
}

TEST(without_a_number_or_test_in_common_nothing_is_unchanged)
{
	boots_of("a", KEY_A, 2, 1);
	boots_of("b", KEY_B, 2, 1);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
}

UNIT_MAIN_EACH("failures", each_open, each_close)
