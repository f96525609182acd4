// SPDX-License-Identifier: GPL-2.0-only
/* The comparison: which runs, which verdicts, what it looks like. */
#include <errno.h>

#include <json-c/json.h>

#include "tests/unit/results/compare_each.h"

/* ---- verdicts ---- */

TEST(a_clear_change_takes_one_boot_each_on_the_emulated_host)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 24200);
	compare_kernels("a", "b");
	assert_int_equal(c.nmetrics, 1);
	assert_int_equal(c.metrics[0].median.verdict, VERDICT_IMPROVED);
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	assert_true(fabs(c.metrics[0].median.ratio - 24200.0 / 30000) < 1e-12);
	assert_true(c.metrics[0].median.low < c.metrics[0].median.ratio);
	assert_says(c.metrics[0].median.why, "assumed");
	assert_int_equal(results_more_boots(&c), 0);

	compare_kernels("b", "a");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

/* One sample a boot: a tick more or less is in it. */
TEST(of_a_single_sample_nothing_is_assumed)
{
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		struct results_metric *m;

		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		m = fixture_metric(&f, "multiplex", "switches-per-mclk", MANAGED, i ? 46.8 : 46.5);
		m->count = f.buckets[0].count = 1;
		fixture_store(db, &f);
	}
	compare_kernels("a", "b");
	assert_int_equal(c.metrics[0].median.verdict, VERDICT_INCONCLUSIVE);
	assert_says(c.metrics[0].median.why, "noise is unknown");
}

/* An L1 that is moved four times: where their median lies is chance. The least of many samples says nothing, nor what only ticks add. */
TEST(of_few_samples_that_differ_nothing_is_assumed)
{
	static const struct {
		uint32_t count;
		double least, most; /* of the median */
		enum results_verdict verdict;
	} cases[] = {
		{4, 0.95, 1.05, VERDICT_INCONCLUSIVE}, {31, 0.95, 1.05, VERDICT_INCONCLUSIVE},
		{32, 0.95, 1.05, VERDICT_REGRESSED},   {4, 0.999, 1.05, VERDICT_REGRESSED},
		{4, 1, 1, VERDICT_REGRESSED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		each_reopen();
		for (int k = 0; k < 2; k++) {
			double median = k ? 38000 : 36000;
			struct fixture_run f;
			struct results_metric *m;

			fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 1);
			m = fixture_metric(&f, "l1-live-migrate", "downtime", MANAGED, median);
			m->count = f.buckets[0].count = cases[i].count;
			m->min = (uint64_t)(m->min * cases[i].least);
			m->max = (uint64_t)(m->max * cases[i].most);
			fixture_store(db, &f);
		}
		compare_kernels("a", "b");
		if (c.metrics[0].median.verdict != cases[i].verdict)
			fail_msg("case %zu: %s", i, c.metrics[0].median.why);
	}
}

/* A part is undecided beside a headline metric that is decided: nobody needs it. */
TEST(parts_are_not_waited_for)
{
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		struct results_metric *part;

		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		fixture_metric(&f, "multiplex", "switch", MANAGED, i ? 17000 : 19000);
		part = fixture_metric(&f, "multiplex", "switches-per-mclk", MANAGED,
				      i ? 46.8 : 46.5);
		part->count = f.buckets[1].count = 1;
		part->headline = false;
		fixture_store(db, &f);
	}
	compare_kernels("a", "b");
	assert_int_equal(c.nmetrics, 2);
	for (int i = 0; i < 2; i++)
		if (!c.metrics[i].headline)
			assert_int_equal(c.metrics[i].median.verdict, VERDICT_INCONCLUSIVE);
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	assert_int_equal(results_more_boots(&c), 0);
}

TEST(the_same_numbers_are_unchanged)
{
	boot(db, "a", KEY_A, 1, 25461);
	boot(db, "b", KEY_B, 1, 25463);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_string_equal(c.clock, "emulated");
}

/* 0.45 % with noise of 0.1 %: neither surely within half a percent, nor beyond it. */
TEST(in_between_is_inconclusive_and_says_how_many_more)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30135);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_true(c.metrics[0].median.more_boots > 1);
	assert_int_equal(results_more_boots(&c), c.metrics[0].median.more_boots);
}

TEST(higher_may_be_better)
{
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		fixture_metric(&f, "multiplex", "switches-per-mclk", MANAGED, i ? 41.2 : 33.1)
			->better = "higher";
		fixture_store(db, &f);
	}
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
}

/* Of hardware nothing is assumed: one boot each cannot tell; six can. */
TEST(hardware_needs_boots)
{
	static const double noise[] = {0, 0.4, -0.3, 0.2, -0.5, 0.1};
	struct fixture_run f;

	for (int i = 0; i < 6; i++) {
		for (int k = 0; k < 2; k++) {
			fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 1);
			f.run.clock = "tsc";
			fixture_metric(&f, "multiplex", "switch", MANAGED,
				       1000 * (1 + noise[i] / 100) * (k ? 1.05 : 1));
			fixture_store(db, &f);
		}
		if (i)
			continue;
		compare_kernels("a", "b");
		assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
		assert_true(isnan(c.metrics[0].median.low));
		assert_says(c.metrics[0].median.why, "unknown");
	}
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.metrics[0].base.boots, 6); /* hardware: the same seed is no repeat */
	assert_true(c.metrics[0].smallest_effect == 2);
}

/* A change of 1.5 % is clear to a quiet host and noise to one whose own boots differ by as much. */
TEST(noise_is_learned_from_other_kernels_boots)
{
	boot(db, "a", KEY_A, 100, 30000);
	boot(db, "b", KEY_B, 101, 30450);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	for (uint64_t i = 0; i < 30; i++)
		boot(db, "other", "cccccccccccc0003", i, i % 2 ? 30000 : 30600);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_says(c.metrics[0].median.why, "29 repeated boots");
}

TEST(the_smallest_effect_may_come_with_the_metric)
{
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		fixture_metric(&f, "multiplex", "switch", MANAGED, i ? 30600 : 30000)
			->smallest_effect = 5;
		fixture_store(db, &f);
	}
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED); /* 2 % */
}

/* Two values in 100 samples: the median stays, the worst hundredth does not. */
TEST(the_tail_is_judged_too)
{
	for (uint64_t seed = 1; seed <= 5; seed++) /* of a p99 nothing is assumed: eight repeats */
		for (int k = 0; k < 2; k++) {
			uint64_t tail = k ? 90000 : 60000;
			struct results_bucket hist[] = {{histogram_bucket(30000), 95},
							{histogram_bucket(tail), 5}};
			struct fixture_run f;
			struct results_metric *m;

			fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, seed);
			m = fixture_metric(&f, "multiplex", "switch", MANAGED, 1);
			m->scale = 1;
			m->count = 100;
			m->min = 30000;
			m->max = tail;
			m->hist = hist;
			m->nhist = 2;
			fixture_store(db, &f);
		}
	compare_kernels("a", "b");
	assert_int_equal(c.metrics[0].median.verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.metrics[0].p99.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

TEST(zeros_have_no_ratio)
{
	boot(db, "a", KEY_A, 1, 0);
	boot(db, "b", KEY_B, 1, 10);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_says(c.metrics[0].median.why, "0 among");
}

/* ---- which runs ---- */

TEST(clocks_are_never_compared)
{
	struct fixture_run f;
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	fixture_init(&f, "b", KEY_B, 1);
	f.run.clock = "tsc";
	f.run.host_identity = "{\"model\":\"server\"}";
	fixture_metric(&f, "multiplex", "switch", MANAGED, 900);
	fixture_store(db, &f);
	assert_int_equal(compare_filtered("a", "b", NULL, &err), -EXDEV);
	assert_says(err.text, "never compared");
	assert_says(err.text, "emulated");
}

TEST(environments_are_not_mixed)
{
	struct fixture_run f;
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	fixture_init(&f, "b", KEY_B, 1);
	f.run.agent_sha256 = "newer agent";
	fixture_metric(&f, "multiplex", "switch", MANAGED, 10000);
	fixture_store(db, &f);
	assert_int_equal(compare_filtered("a", "b", NULL, &err), -ENODATA);
	assert_says(err.text, "agents differ");

	boot(db, "b", KEY_B, 1, 30001); /* now there is one in common */
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "b: 1 run of another agent, host, clock or L1 kernel left out");
}

/* ---- Linux L1s ---- */

static void boot_l1(const char *kernel, const char *key, const char *l1, const char *l1_key,
		    double value)
{
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		fixture_init(&f, kernel, key, seed);
		f.run.l1_kernel_name = l1;
		f.run.l1_kernel_key = l1_key;
		fixture_metric(&f, "exits", "exit", MANAGED, value + (double)seed);
		fixture_store(db, &f);
	}
}

TEST(two_l1_kernels_are_compared_when_both_are_named)
{
	struct error err;

	boot_l1("a", KEY_A, "l1-old", "eeeeeeeeeeee0001", 10000);
	boot_l1("a", KEY_A, "l1-new", "ffffffffffff0001", 12000);
	compare_kernels("a+l1-old", "a+l1-new");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.metrics[0].base.boots, 3);
	assert_int_equal(c.metrics[0].new.boots, 3);
	compare_kernels("a+ffffff", "a+l1-old"); /* by its key */
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	assert_int_equal(compare_filtered("a+l1-old", "a+nope", NULL, &err), -ENOENT);
	assert_says(err.text, "there is: ");
	assert_says(err.text, "l1-new (ffffffffffff)");
	assert_int_equal(compare_filtered("b+l1-old", "a", NULL, &err), -ENOENT);
	assert_says(err.text, "b: no run of a kernel");
}

TEST(two_kernels_compare_under_one_l1_kernel)
{
	struct error err;

	boot_l1("a", KEY_A, "l1-old", "eeeeeeeeeeee0001", 10000);
	boot_l1("b", KEY_B, "l1-new", "ffffffffffff0001", 20000);
	assert_int_equal(compare_filtered("a", "b", NULL, &err), -ENODATA);
	assert_says(err.text, "booted different kernels");
	boot_l1("b", KEY_B, "l1-old", "eeeeeeeeeeee0001", 10000);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.metrics[0].new.boots, 3);
	assert_says(c.notes, "b: 3 runs of another agent, host, clock or L1 kernel left out");
	compare_kernels("a", "b+l1-old");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_int_equal(compare_filtered("a", "b+l1-new", NULL, &err), -ENODATA);
}

/* A session may have plans with Linux L1s and plans without: the numbers of both are compared. */
TEST(boots_without_a_linux_l1_compare_with_all)
{
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 2, 20000);
	boot_l1("a", KEY_A, "l1-old", "eeeeeeeeeeee0001", 10000);
	boot_l1("b", KEY_B, "l1-old", "eeeeeeeeeeee0001", 10000);
	compare_kernels("a", "b");
	assert_int_equal(c.nmetrics, 2);
	assert_null(strstr(c.notes, "left out"));
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	compare_kernels("a+l1-old", "b+l1-old"); /* but to who asks for one L1 kernel alone */
	assert_int_equal(c.nmetrics, 1);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);

	boot(db, "d", "dddddddddddd0004", 3, 30000); /* it never had a Linux L1 */
	compare_kernels("d", "b");
	assert_int_equal(c.nmetrics, 1);
	boot_l1("d", "dddddddddddd0004", "l1-new", "ffffffffffff0001", 10000);
	assert_int_equal(compare_filtered("d+l1-new", "b+l1-new", NULL, &err), -ENOENT);
	assert_int_equal(compare_filtered("d", "b", NULL, &err),
			 -ENODATA); /* two L1 kernels again */
}

TEST(the_newest_build_of_a_name_is_meant)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 99999);
	boot(db, "b", "dddddddddddd0004", 1, 30000);
	compare_kernels("a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_string_equal(c.new_key, "dddddddddddd0004");
	assert_says(c.notes, "newest of 2 builds");
	compare_kernels("a", "bbbbbb"); /* the older one by its key */
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

TEST(what_is_not_there_is_said)
{
	struct error err;

	assert_int_equal(compare_filtered("a", "b", NULL, &err), -ENOENT);
	assert_says(err.text, "no run at all");
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "c", "aaaaaaaaaaaa9999", 1, 30000);
	assert_int_equal(compare_filtered("a", "nope", NULL, &err), -ENOENT);
	assert_says(err.text, "nope");
	assert_says(err.text, "c (aaaaaaaaaaaa)");
	assert_int_equal(compare_filtered("a", "aaaaaaaa", NULL, &err), -ENOTUNIQ);
	assert_says(err.text, "a (");
	assert_says(err.text, "c (");
}

/* What the emulated machine repeats to the last sample is one boot, not many. */
TEST(a_repeated_boot_is_no_second_boot)
{
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	boot(db, "b", KEY_B, 2, 30000);
	compare_kernels("a", "b");
	assert_int_equal(c.metrics[0].base.boots, 1);
	assert_int_equal(c.metrics[0].new.boots, 2);
	assert_says(c.notes, "1 boot left out: the same seed");
	assert_int_equal(compare_filtered("a", "a", NULL, &err), -ENODATA);
	assert_says(err.text, "one boot that counts");

	boot(db, "a", KEY_A, 1, 30006); /* the same seed, and yet it gave something else */
	compare_kernels("a", "b");
	assert_int_equal(c.metrics[0].base.boots, 2);
	assert_int_equal(c.next_seed, 3);
}

/* The command given again makes copies in another session: they are no history of what is compared. */
TEST(copies_elsewhere_are_no_history)
{
	static const char *const sessions[] = {"s1", "s2", "s3"};
	struct results_filter filter = {.session = sessions[1]};
	struct error err = {0};

	for (int i = 0; i < 18; i++) {
		uint64_t seed = i % 6 + 1;
		struct fixture_run f;

		fixture_init(&f, seed % 2 ? "b" : "a", seed % 2 ? KEY_B : KEY_A, seed);
		f.run.session = sessions[i / 6];
		fixture_metric(&f, "multiplex", "switch", MANAGED, 30000.0 + 3 * seed);
		fixture_store(db, &f);
	}
	assert_int_equal(compare_filtered("a", "b", &filter, &err), 0);
	assert_int_equal(c.metrics[0].base.boots, 3);
	assert_int_equal(c.metrics[0].median.noise_from, 4); /* of these six boots alone */
}

TEST(other_rounds_are_other_numbers)
{
	struct fixture_run f;

	for (uint32_t rounds = 100; rounds <= 200; rounds += 100)
		for (int k = 0; k < 2; k++) {
			fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, rounds);
			fixture_metric(&f, "multiplex", "switch", MANAGED,
				       rounds == 100 && k ? 40000 : 30000)
				->rounds = rounds;
			fixture_store(db, &f);
		}
	compare_kernels("a", "b");
	assert_int_equal(c.nmetrics, 1);
	assert_int_equal(c.metrics[0].new.boots, 1);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "other rounds");
}

TEST(filters_narrow_it_down)
{
	struct results_filter filter = {.scenario = "multiplex", .metric = "switch"};
	struct fixture_run f;
	struct error err = {0};

	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 1);
		f.run.session = "s2";
		fixture_metric(&f, "multiplex", "switch", MANAGED, 30000);
		fixture_metric(&f, "multiplex", "vmptrld", MANAGED, k ? 900 : 800);
		fixture_metric(&f, "exits", "exit", MANAGED, k ? 900 : 800);
		fixture_store(db, &f);
	}
	assert_int_equal(compare_filtered("a", "b", &filter, &err), 0);
	assert_int_equal(c.nmetrics, 1);
	filter = (struct results_filter){.scenario = "quick"}; /* a plan's name does too */
	assert_int_equal(compare_filtered("a", "b", &filter, &err), 0);
	assert_int_equal(c.nmetrics, 3);
	filter = (struct results_filter){.session = "s1"};
	assert_int_equal(compare_filtered("a", "b", &filter, &err), -ENOENT);
	filter = (struct results_filter){.scenario = "migrate"};
	assert_int_equal(compare_filtered("a", "b", &filter, &err), -ENODATA);
}

TEST(one_kernel_is_split_into_halves)
{
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		boot(db, "a", KEY_A, seed, 30000 + (double)seed);
		fixture_init(&f, "a", KEY_A, seed); /* of another scenario: in no half's way */
		f.run.plan_sha256 = "other plan";
		f.run.scenario_name = "other";
		fixture_metric(&f, "exits", "exit", MANAGED, 12000);
		fixture_store(db, &f);
	}
	compare_kernels("a", "a");
	assert_string_equal(c.base, "a/odd");
	assert_string_equal(c.new, "a/even");
	assert_int_equal(c.nmetrics, 2);
	assert_string_equal(c.metrics[1].metric, "switch");
	assert_int_equal(c.metrics[1].base.boots, 3);
	assert_int_equal(c.metrics[1].new.boots, 2);
	assert_true(c.metrics[1].base.median == 30003);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
}

TEST(one_kernel_under_two_names_is_said_to_be_one)
{
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "twin", KEY_A, 1, 30000);
	compare_kernels("a", "twin");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "the same build");
}

/* ---- what it looks like ---- */

TEST(parts_do_not_decide_but_alone_they_do)
{
	struct results_filter part = {.metric = "vmptrld"};
	struct error err = {0};
	struct fixture_run f;

	for (int k = 0; k < 2; k++)
		for (uint64_t seed = 1; seed <= 2; seed++) {
			fixture_init(&f, k ? "new" : "base", k ? KEY_B : KEY_A, seed);
			fixture_metric(&f, "multiplex", "switch", MANAGED, k ? 20000 : 25000)
				->headline = true;
			fixture_metric(&f, "multiplex", "vmptrld", MANAGED, k ? 900 : 812)
				->headline = false;
			fixture_store(db, &f);
		}
	compare_kernels("base", "new");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	assert_int_equal(compare_filtered("base", "new", &part, &err), 0);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
}

UNIT_MAIN_EACH("compare", each_open, each_close)
