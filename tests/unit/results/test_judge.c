// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict on numbers of which nothing is assumed (a p99, or anything on hardware), held against
 * its stated level: simulated boots, seeded, so that each run of this test sees the same.
 *
 * p99s of boots are seldom normal: most are tied (no timer tick in the worst hundredth, or one in
 * every boot), and now and then one jumps. A short history has often not seen the jump yet.
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "tests/unit/unit.h"
#include "common/alloc.h"
#include "results/compare/judge.h"

#define ALPHA	    0.05
#define COMPARISONS 200
#define FAMILY_MAX  20
#define BOOTS_MAX   16
#define HISTORY_MAX 100

/* ---- boots ---- */

static double tied(gsl_rng *r)
{
	return gsl_rng_uniform(r) < 0.05 ? 1.3 : 1;
}

/* The share that hurts most differs with the history: about one over its boots. */
static double tied_rarely(gsl_rng *r)
{
	return gsl_rng_uniform(r) < 0.02 ? 1.3 : 1;
}

static double bimodal(gsl_rng *r)
{
	return (gsl_rng_uniform(r) < 0.1 ? 1.4 : 1) + gsl_ran_gaussian(r, 0.002);
}

static double long_tailed(gsl_rng *r)
{
	return 1 + 0.01 * gsl_ran_lognormal(r, 0, 2);
}

static double gaussian(gsl_rng *r)
{
	return 1 + gsl_ran_gaussian(r, 0.01);
}

enum { BIMODAL = 2 };

static const struct noise {
	const char *name;
	double (*draw)(gsl_rng *r);
} noises[] = {
	{"tied", tied},		{"tied rarely", tied_rarely},
	{"bimodal", bimodal},	{"long-tailed", long_tailed},
	{"gaussian", gaussian},
};

/* What is compared: @boots of each of two kernels, after @history boots of another one. */
struct setting {
	size_t history, boots, family;
};

/* ---- one comparison ---- */

struct number {
	double base[BOOTS_MAX], new[BOOTS_MAX];
	struct statistics_noise noise;
	struct judge_case c;
	struct results_judgement judged;
};

static void draw_number(gsl_rng *r, const struct noise *noise, const struct setting *s,
			double shift, struct number *n)
{
	double history[HISTORY_MAX];

	n->noise = (struct statistics_noise){0};
	for (size_t i = 0; i < s->history; i++)
		history[i] = log(noise->draw(r));
	statistics_noise_add(&n->noise, history, s->history);
	for (size_t i = 0; i < s->boots; i++) {
		n->base[i] = noise->draw(r);
		n->new[i] = noise->draw(r) * (1 + shift);
	}
	n->c = (struct judge_case){.base = n->base,
				   .new = n->new,
				   .nbase = s->boots,
				   .nnew = s->boots,
				   .effect = 0.5,
				   .noise = &n->noise,
				   .alpha = ALPHA,
				   .family = s->family};
	judge_weigh(&n->c, &n->judged);
}

/* How many of the family's numbers are called changed? */
static size_t changed(gsl_rng *r, const struct noise *noise, const struct setting *s, double shift)
{
	struct number numbers[FAMILY_MAX];
	double p[FAMILY_MAX];
	size_t count = 0;

	for (size_t i = 0; i < s->family; i++) {
		draw_number(r, noise, s, shift, &numbers[i]);
		p[i] = numbers[i].judged.p_value;
	}
	statistics_benjamini_hochberg(p, s->family);
	for (size_t i = 0; i < s->family; i++) {
		struct results_judgement *j = &numbers[i].judged;

		j->p_value = p[i];
		judge_decide(&numbers[i].c, j);
		count += j->verdict == VERDICT_REGRESSED || j->verdict == VERDICT_IMPROVED;
		free(j->why);
		statistics_noise_release(&numbers[i].noise);
	}
	return count;
}

/* The share of comparisons in which anything is called changed; *@numbers (may be NULL): the share of
 * numbers. */
static double share_changed(const struct noise *noise, const struct setting *s, double shift,
			    int comparisons, double *numbers)
{
	gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
	size_t any = 0, all = 0;

	gsl_rng_set(r, 20);
	for (int i = 0; i < comparisons; i++) {
		size_t count = changed(r, noise, s, shift);

		any += count > 0;
		all += count;
	}
	gsl_rng_free(r);
	if (numbers)
		*numbers = (double)all / comparisons / s->family;
	return (double)any / comparisons;
}

/* ---- the level, and what is found ---- */

static bool holds_level(const struct noise *noise, const struct setting *s, int comparisons)
{
	/* three standard errors of a share */
	double allowed = ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / comparisons);
	double any = share_changed(noise, s, 0, comparisons, NULL);

	if (any > allowed)
		print_message("# %s, history %zu, %zu of each: anything called in %.1f %%\n",
			      noise->name, s->history, s->boots, 100 * any);
	return any <= allowed;
}

TEST(chance_is_called_a_change_as_seldom_as_stated)
{
	static const size_t histories[] = {9, 20, 40};
	/* A mode that is well known comes twice on one side more often than Student's t has it. */
	struct setting well_known = {HISTORY_MAX, 2, 5};
	bool good = holds_level(&noises[BIMODAL], &well_known, 5 * COMPARISONS);

	for (size_t k = 0; k < ARRAY_SIZE(noises); k++)
		for (size_t h = 0; h < ARRAY_SIZE(histories); h++)
			for (size_t boots = 1; boots <= 2; boots++) {
				struct setting s = {histories[h], boots, FAMILY_MAX};

				good &= holds_level(&noises[k], &s, COMPARISONS);
			}
	assert_true(good);
}

static double found(const struct noise *noise, size_t history, size_t boots)
{
	struct setting s = {history, boots, FAMILY_MAX};
	double numbers;

	share_changed(noise, &s, 0.8, COMPARISONS / 10, &numbers);
	return numbers;
}

/* A tail that grew by four fifths, jumps of 30 % and more or not. */
TEST(a_true_change_is_found_with_boots_enough)
{
	for (size_t k = 0; k < ARRAY_SIZE(noises); k++) {
		assert_true(found(&noises[k], 20, 4) > 0.8);
		assert_true(found(&noises[k], 0, 8) > 0.9);
	}
}

/* One boot of each, and a history in which nothing ever differed. */
static struct results_judgement judge_quiet(size_t history, double new)
{
	__cleanup_free double *quiet = xcalloc(history, sizeof(*quiet));
	struct statistics_noise noise = {0};
	double base = 1;
	struct results_judgement j;
	struct judge_case c = {.base = &base,
			       .new = &new,
			       .nbase = 1,
			       .nnew = 1,
			       .effect = 0.5,
			       .noise = &noise,
			       .alpha = ALPHA,
			       .family = 1};

	statistics_noise_add(&noise, quiet, history);
	judge_weigh(&c, &j);
	judge_decide(&c, &j);
	free(j.why);
	statistics_noise_release(&noise);
	return j;
}

TEST(a_history_without_noise_counts_by_its_boots)
{
	struct results_judgement j = judge_quiet(20, 1.5);

	assert_int_equal(judge_quiet(20, 1).verdict, VERDICT_UNCHANGED);
	assert_int_equal(j.verdict, VERDICT_INCONCLUSIVE);
	assert_true(isnan(j.low) && isnan(j.high));
	assert_int_equal(j.more_boots, 1); /* two of each and 19: 4 / (23 choose 2) */
	j = judge_quiet(90, 1.5);
	assert_int_equal(j.verdict, VERDICT_REGRESSED);
	assert_true(fabs(j.p_value - 4.0 / 91) < 1e-12);
}

/* Two boots' median is their mean: one far off moves it, and proves nothing. */
TEST(one_boot_far_off_proves_nothing)
{
	static const double base[] = {1, 1.001}, new[] = {1.0005, 9};
	struct statistics_noise noise = {0};
	struct results_judgement j;
	struct judge_case c = {.base = base,
			       .new = new,
			       .nbase = 2,
			       .nnew = 2,
			       .effect = 0.5,
			       .noise = &noise,
			       .alpha = ALPHA,
			       .family = 1};
	double history[200];

	for (size_t i = 0; i < ARRAY_SIZE(history); i++)
		history[i] = i % 7 * 0.001;
	statistics_noise_add(&noise, history, ARRAY_SIZE(history));
	judge_weigh(&c, &j);
	assert_true(j.p_value == 1);
	statistics_noise_release(&noise);
}

/* Boots that never differed say how wide an interval is only when there are enough of them. */
TEST(four_boots_of_each_without_noise_have_an_interval)
{
	static const double base[4] = {1000, 1000, 1000, 1000}, new[4] = {1002, 1002, 1002, 1002};

	for (size_t boots = 3; boots <= 4; boots++) {
		struct statistics_noise noise = {0};
		struct results_judgement j;
		struct judge_case c = {.base = base,
				       .nbase = boots,
				       .new = new,
				       .nnew = boots,
				       .noise = &noise,
				       .effect = 0.5,
				       .alpha = ALPHA,
				       .family = 1};

		judge_weigh(&c, &j);
		assert_int_equal(isnan(j.high), boots == 3);
		statistics_noise_release(&noise);
	}
}

UNIT_MAIN("judge", NULL, NULL)
