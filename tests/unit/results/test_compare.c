// SPDX-License-Identifier: GPL-2.0-only
/* The comparison: which runs, which verdicts, what it looks like. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <json-c/json.h>

#include "tests/unit/results/compare_fixture.h"

static int refuse(struct results_db *db, const char *a, const char *b, struct error *err)
{
	struct results_comparison c;

	memset(err, 0, sizeof(*err));
	return results_compare(db, a, b, NULL, &c, err);
}

/* ---- verdicts ---- */

TEST(a_clear_change_takes_one_boot_each_on_the_emulated_host)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 24200);
	c = compare(db, "a", "b");
	assert_int_equal(c.nmetrics, 1);
	assert_int_equal(c.metrics[0].median.verdict, VERDICT_IMPROVED);
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	assert_true(fabs(c.metrics[0].median.ratio - 24200.0 / 30000) < 1e-12);
	assert_true(c.metrics[0].median.low < c.metrics[0].median.ratio);
	assert_says(c.metrics[0].median.why, "assumed");
	assert_int_equal(results_more_boots(&c), 0);
	results_comparison_free(&c);

	c = compare(db, "b", "a");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	results_close(db);
}

TEST(the_same_numbers_are_unchanged)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 25461);
	boot(db, "b", KEY_B, 1, 25463);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_string_equal(c.clock, "emulated");
	results_comparison_free(&c);
	results_close(db);
}

/* 0.45 % with noise of 0.1 %: neither surely within half a percent, nor beyond it. */
TEST(in_between_is_inconclusive_and_says_how_many_more)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30135);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_true(c.metrics[0].median.more_boots > 1);
	assert_int_equal(results_more_boots(&c), c.metrics[0].median.more_boots);
	results_comparison_free(&c);
	results_close(db);
}

TEST(higher_may_be_better)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		fixture_metric(&f, "multiplex", "switches-per-mclk", MANAGED, i ? 41.2 : 33.1)
			->better = "higher";
		fixture_store(db, &f);
	}
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	results_comparison_free(&c);
	results_close(db);
}

/* Of hardware nothing is assumed: one boot each cannot tell; six can. */
TEST(hardware_needs_boots)
{
	static const double noise[] = {0, 0.4, -0.3, 0.2, -0.5, 0.1};
	struct results_db *db = open_fresh();
	struct results_comparison c;
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
		c = compare(db, "a", "b");
		assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
		assert_true(isnan(c.metrics[0].median.low));
		assert_says(c.metrics[0].median.why, "unknown");
		results_comparison_free(&c);
	}
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.metrics[0].base.boots, 6); /* hardware: the same seed is no repeat */
	assert_true(c.metrics[0].smallest_effect == 2);
	results_comparison_free(&c);
	results_close(db);
}

/* A change of 1.5 % is clear to a quiet host and noise to one whose own boots differ by as much. */
TEST(noise_is_learned_from_other_kernels_boots)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 100, 30000);
	boot(db, "b", KEY_B, 101, 30450);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	for (uint64_t i = 0; i < 30; i++)
		boot(db, "other", "cccccccccccc0003", i, i % 2 ? 30000 : 30600);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_says(c.metrics[0].median.why, "29 repeated boots");
	results_comparison_free(&c);
	results_close(db);
}

TEST(the_smallest_effect_may_come_with_the_metric)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;

	for (int i = 0; i < 2; i++) {
		fixture_init(&f, i ? "b" : "a", i ? KEY_B : KEY_A, 1);
		fixture_metric(&f, "multiplex", "switch", MANAGED, i ? 30600 : 30000)
			->smallest_effect = 5;
		fixture_store(db, &f);
	}
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED); /* 2 % */
	results_comparison_free(&c);
	results_close(db);
}

/* Two values in 100 samples: the median stays, the worst hundredth does not. */
TEST(the_tail_is_judged_too)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

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
	c = compare(db, "a", "b");
	assert_int_equal(c.metrics[0].median.verdict, VERDICT_UNCHANGED);
	assert_int_equal(c.metrics[0].p99.verdict, VERDICT_REGRESSED);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	results_close(db);
}

TEST(zeros_have_no_ratio)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 0);
	boot(db, "b", KEY_B, 1, 10);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_INCONCLUSIVE);
	assert_says(c.metrics[0].median.why, "0 among");
	results_comparison_free(&c);
	results_close(db);
}

/* ---- which runs ---- */

TEST(clocks_are_never_compared)
{
	struct results_db *db = open_fresh();
	struct fixture_run f;
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	fixture_init(&f, "b", KEY_B, 1);
	f.run.clock = "tsc";
	f.run.host_identity = "{\"model\":\"server\"}";
	fixture_metric(&f, "multiplex", "switch", MANAGED, 900);
	fixture_store(db, &f);
	assert_int_equal(refuse(db, "a", "b", &err), -EXDEV);
	assert_says(err.text, "never compared");
	assert_says(err.text, "emulated");
	results_close(db);
}

TEST(environments_are_not_mixed)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	fixture_init(&f, "b", KEY_B, 1);
	f.run.agent_sha256 = "newer agent";
	fixture_metric(&f, "multiplex", "switch", MANAGED, 10000);
	fixture_store(db, &f);
	assert_int_equal(refuse(db, "a", "b", &err), -ENODATA);
	assert_says(err.text, "agents differ");

	boot(db, "b", KEY_B, 1, 30001); /* now there is one in common */
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "b: 1 run of another agent, host or clock left out");
	results_comparison_free(&c);
	results_close(db);
}

TEST(the_newest_build_of_a_name_is_meant)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 99999);
	boot(db, "b", "dddddddddddd0004", 1, 30000);
	c = compare(db, "a", "b");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_string_equal(c.new_key, "dddddddddddd0004");
	assert_says(c.notes, "newest of 2 builds");
	results_comparison_free(&c);
	c = compare(db, "a", "bbbbbb"); /* the older one by its key */
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	results_close(db);
}

TEST(what_is_not_there_is_said)
{
	struct results_db *db = open_fresh();
	struct error err;

	assert_int_equal(refuse(db, "a", "b", &err), -ENOENT);
	assert_says(err.text, "no run at all");
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "c", "aaaaaaaaaaaa9999", 1, 30000);
	assert_int_equal(refuse(db, "a", "nope", &err), -ENOENT);
	assert_says(err.text, "nope");
	assert_says(err.text, "c (aaaaaaaaaaaa)");
	assert_int_equal(refuse(db, "a", "aaaaaaaa", &err), -ENOTUNIQ);
	assert_says(err.text, "a (");
	assert_says(err.text, "c (");
	results_close(db);
}

/* What the emulated machine repeats to the last sample is one boot, not many. */
TEST(a_repeated_boot_is_no_second_boot)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct error err;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "b", KEY_B, 1, 30000);
	boot(db, "b", KEY_B, 2, 30000);
	c = compare(db, "a", "b");
	assert_int_equal(c.metrics[0].base.boots, 1);
	assert_int_equal(c.metrics[0].new.boots, 2);
	assert_says(c.notes, "1 boot left out: the same seed");
	results_comparison_free(&c);
	assert_int_equal(refuse(db, "a", "a", &err), -ENODATA);
	assert_says(err.text, "one boot that counts");

	boot(db, "a", KEY_A, 1, 30006); /* the same seed, and yet it gave something else */
	c = compare(db, "a", "b");
	assert_int_equal(c.metrics[0].base.boots, 2);
	assert_int_equal(c.next_seed, 3);
	results_comparison_free(&c);
	results_close(db);
}

/* The command given again makes copies in another session: they are no history of what is compared. */
TEST(copies_elsewhere_are_no_history)
{
	static const char *const sessions[] = {"s1", "s2", "s3"};
	struct results_filter filter = {.session = sessions[1]};
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct error err = {0};

	for (int i = 0; i < 18; i++) {
		uint64_t seed = i % 6 + 1;
		struct fixture_run f;

		fixture_init(&f, seed % 2 ? "b" : "a", seed % 2 ? KEY_B : KEY_A, seed);
		f.run.session = sessions[i / 6];
		fixture_metric(&f, "multiplex", "switch", MANAGED, 30000.0 + 3 * seed);
		fixture_store(db, &f);
	}
	assert_int_equal(results_compare(db, "a", "b", &filter, &c, &err), 0);
	assert_int_equal(c.metrics[0].base.boots, 3);
	assert_int_equal(c.metrics[0].median.noise_from, 4); /* of these six boots alone */
	results_comparison_free(&c);
	results_close(db);
}

TEST(other_rounds_are_other_numbers)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;

	for (uint32_t rounds = 100; rounds <= 200; rounds += 100)
		for (int k = 0; k < 2; k++) {
			fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, rounds);
			fixture_metric(&f, "multiplex", "switch", MANAGED,
				       rounds == 100 && k ? 40000 : 30000)
				->rounds = rounds;
			fixture_store(db, &f);
		}
	c = compare(db, "a", "b");
	assert_int_equal(c.nmetrics, 1);
	assert_int_equal(c.metrics[0].new.boots, 1);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "other rounds");
	results_comparison_free(&c);
	results_close(db);
}

TEST(filters_narrow_it_down)
{
	struct results_db *db = open_fresh();
	struct results_filter filter = {.scenario = "multiplex", .metric = "switch"};
	struct results_comparison c;
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
	assert_int_equal(results_compare(db, "a", "b", &filter, &c, &err), 0);
	assert_int_equal(c.nmetrics, 1);
	results_comparison_free(&c);
	filter = (struct results_filter){.scenario = "quick"}; /* a plan's name does too */
	assert_int_equal(results_compare(db, "a", "b", &filter, &c, &err), 0);
	assert_int_equal(c.nmetrics, 3);
	results_comparison_free(&c);
	filter = (struct results_filter){.session = "s1"};
	assert_int_equal(results_compare(db, "a", "b", &filter, &c, &err), -ENOENT);
	filter = (struct results_filter){.scenario = "migrate"};
	assert_int_equal(results_compare(db, "a", "b", &filter, &c, &err), -ENODATA);
	results_close(db);
}

TEST(one_kernel_is_split_into_halves)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		boot(db, "a", KEY_A, seed, 30000 + (double)seed);
		fixture_init(&f, "a", KEY_A, seed); /* of another scenario: in no half's way */
		f.run.plan_sha256 = "other plan";
		f.run.scenario_name = "other";
		fixture_metric(&f, "exits", "exit", MANAGED, 12000);
		fixture_store(db, &f);
	}
	c = compare(db, "a", "a");
	assert_string_equal(c.base, "a/odd");
	assert_string_equal(c.new, "a/even");
	assert_int_equal(c.nmetrics, 2);
	assert_string_equal(c.metrics[1].metric, "switch");
	assert_int_equal(c.metrics[1].base.boots, 3);
	assert_int_equal(c.metrics[1].new.boots, 2);
	assert_true(c.metrics[1].base.median == 30003);
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	results_comparison_free(&c);
	results_close(db);
}

TEST(one_kernel_under_two_names_is_said_to_be_one)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;

	boot(db, "a", KEY_A, 1, 30000);
	boot(db, "twin", KEY_A, 1, 30000);
	c = compare(db, "a", "twin");
	assert_int_equal(c.verdict, VERDICT_UNCHANGED);
	assert_says(c.notes, "the same build");
	results_comparison_free(&c);
	results_close(db);
}

/* ---- what it looks like ---- */

TEST(parts_do_not_decide_but_alone_they_do)
{
	struct results_filter part = {.metric = "vmptrld"};
	struct results_db *db = open_fresh();
	struct results_comparison c = {0};
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
	c = compare(db, "base", "new");
	assert_int_equal(c.verdict, VERDICT_IMPROVED);
	results_comparison_free(&c);
	assert_int_equal(results_compare(db, "base", "new", &part, &c, &err), 0);
	assert_int_equal(c.verdict, VERDICT_REGRESSED);
	results_comparison_free(&c);
	results_close(db);
}

UNIT_MAIN("compare", unit_make_dir, unit_drop_dir)
