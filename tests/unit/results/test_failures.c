// SPDX-License-Identifier: GPL-2.0-only
/* The comparison: boots that failed, and selftests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/report/text.h"
#include "tests/unit/results/compare_fixture.h"

static void a_kernel_that_only_fails_has_regressed(void **state)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct strbuf out = STRBUF_INIT;
	struct fixture_run f;

	(void)state;
	boot(db, "a", KEY_A, 1, 30000);
	fixture_init(&f, "b", KEY_B, 1);
	f.run.clock = NULL; /* it panicked before it could say */
	fixture_fail(&f, RESULTS_GUEST, "kernel panic: out of luck");
	fixture_store(db, &f);
	fixture_init(&f, "b", KEY_B, 2);
	fixture_fail(&f, RESULTS_INFRASTRUCTURE, "the emulator was killed");
	fixture_store(db, &f);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.new_failed, 1); /* infrastructure is nobody's fault here */
	assert_int_equal(c.base_failed, 0);
	assert_says(c.failure, "out of luck");
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "out of luck");
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

static void failed_with(struct results_db *db, const char *kernel, const char *key,
			const char *scenario, uint64_t seed, enum results_class class,
			const char *error)
{
	struct fixture_run f;

	fixture_init(&f, kernel, key, seed);
	f.run.scenario_name = scenario;
	fixture_fail(&f, class, error);
	fixture_store(db, &f);
}

static void failed_boot(struct results_db *db, const char *kernel, const char *key,
			const char *scenario, uint64_t seed)
{
	failed_with(db, kernel, key, scenario, seed, RESULTS_INTEGRITY, "wrong");
}

static void a_base_that_fails_one_scenario_excuses_no_other(void **state)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	(void)state;
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	failed_boot(db, "a", KEY_A, "selftests", 1);
	failed_boot(db, "b", KEY_B, "selftests", 1);
	c = compare(db, "a", "b");
	assert_int_equal(c.more_failed, 0);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	results_comparison_free(&c);
	failed_boot(db, "b", KEY_B, "quick", 2);
	c = compare(db, "a", "b");
	assert_int_equal(c.more_failed, 1);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	results_close(db);
}

/* Whether a selftest fails as well, or nothing but the complaint came. */
static void a_test_that_the_base_fails_excuses_no_complaint(void **state)
{
	static const struct {
		enum results_class class;
		const char *error;
	} news[] = {
		{RESULTS_GUEST, "the kernel complained: BUG: KASAN: x"},
		{RESULTS_INTEGRITY, "wrong" RESULTS_BESIDES "the kernel complained: BUG: KASAN: x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(news); i++) {
		struct results_db *db = open_fresh();
		struct results_comparison c;

		boot(db, "a", KEY_A, 1, 30000);
		boot(db, "b", KEY_B, 1, 30000);
		failed_boot(db, "a", KEY_A, "selftests", 1);
		failed_with(db, "b", KEY_B, "selftests", 1, news[i].class, news[i].error);
		c = compare(db, "a", "b");
		assert_int_equal(c.more_failed, 1);
		assert_int_equal(c.verdict, VERDICT_REGRESSED);
		assert_says(c.failure, "BUG: KASAN: x");
		results_comparison_free(&c);
		c = compare(db, "b", "a");
		assert_int_equal(c.more_failed, 0);
		results_comparison_free(&c);
		results_close(db);
	}
}

/* One boot of each kernel with a selftest that passes, and no number, on another host if @identity. */
static void selftests_pass(struct results_db *db, const char *identity)
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
static void selftests_elsewhere_hide_no_numbers(void **state)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	(void)state;
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 24000);
	selftests_pass(db, "{\"emulator\":\"bochs 2.7\",\"cpus\":2}");
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	results_comparison_free(&c);
	results_close(db);
}

static void selftests_alone_compare_too(void **state)
{
	struct results_db *db = open_fresh();
	struct strbuf out = STRBUF_INIT;
	struct results_comparison c;

	(void)state;
	selftests_pass(db, NULL);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.same_tests, 1);
	results_render_text(&c, 0, &out);
	assert_says(out.buf, "b against a: no numbers");
	assert_says(out.buf, "1 selftest as before");
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

static void a_test_that_fails_now_is_a_regression(void **state)
{
	static const struct results_test results[2][2] = {
		{{"kselftest", "{\"test\":\"x\"}", "x", "pass", ""},
		 {"kselftest", "{\"test\":\"y\"}", "y", "fail", "always did"}},
		{{"kselftest", "{\"test\":\"x\"}", "x", "fail", "x.c:12: no"},
		 {"kselftest", "{\"test\":\"y\"}", "y", "fail", "always did"}},
	};
	static const char *const kernels[] = {"a", "b"};
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct strbuf out = STRBUF_INIT;
	struct fixture_run f;

	(void)state;
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 2);
		fixture_fail(&f, RESULTS_INTEGRITY, "selftests failed");
		f.run.tests = results[k];
		f.run.ntests = 2;
		fixture_store(db, &f);
	}
	c = compare(db, "a", "b");
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
	results_comparison_free(&c);
	results_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_that_only_fails_has_regressed),
		cmocka_unit_test(a_base_that_fails_one_scenario_excuses_no_other),
		cmocka_unit_test(a_test_that_the_base_fails_excuses_no_complaint),
		cmocka_unit_test(selftests_elsewhere_hide_no_numbers),
		cmocka_unit_test(selftests_alone_compare_too),
		cmocka_unit_test(a_test_that_fails_now_is_a_regression),
	};

	return cmocka_run_group_tests(tests, fixture_make_dir, fixture_drop_dir);
}
