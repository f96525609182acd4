// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often does each rule call something changed? Simulated boots, seeded, so the table repeats:
 * the first columns are false alarms (nothing changed), the others are found shifts. Beside the
 * rule of results/compare/judge.h stand Mann-Whitney, Welch's t-test, and the gap rule that lkp-tests'
 * `compare` is known for: changed if all boots of one lie beyond the other's mean, and its mean beyond
 * all of the other's boots. docs/statistics.md holds the output.
 *
 * A comparison of ours is judged as the lab does it: with a history of earlier boots, several
 * metrics at once, Benjamini-Hochberg over all of them. The other rules judge each metric alone, at
 * 0.05, as their users do.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_statistics_double.h>

#include "common/alloc.h"
#include "results/compare/judge.h"

#define ALPHA	    0.05
#define COMPARISONS 1000 /* without a shift; with one, FOUND are enough */
#define FOUND	    200
#define METRICS	    5
#define HISTORY	    8 /* boots of another kernel, that noise is learned from */
#define BOOTS_MAX   20
#define EFFECT	    0.5

/* ---- boots ---- */

/* Each kind of noise has about 1 % standard deviation around 1. @t: time, in boots. */
static double gaussian(gsl_rng *r, int t)
{
	(void)t;
	return 1 + gsl_ran_gaussian(r, 0.01);
}

static double long_tailed(gsl_rng *r, int t)
{
	(void)t;
	return 1 + 0.004 * gsl_ran_lognormal(r, 0, 1);
}

/* Most boots are fast, one in four lands in a slow mode. */
static double bimodal(gsl_rng *r, int t)
{
	(void)t;
	return 1 + (gsl_rng_uniform(r) < 0.25 ? 0.022 : 0) + gsl_ran_gaussian(r, 0.002);
}

/* The host gets slower and faster again over some twenty boots. */
static double drifting(gsl_rng *r, int t)
{
	return 1 + 0.013 * sin(t / 3.2) + gsl_ran_gaussian(r, 0.002);
}

static const struct noise {
	const char *name;
	double (*draw)(gsl_rng *r, int t);
} noises[] = {
	{"gaussian", gaussian},
	{"long-tailed", long_tailed},
	{"bimodal", bimodal},
	{"drifting", drifting},
};

struct boots {
	double base[BOOTS_MAX], new[BOOTS_MAX], history[HISTORY];
};

/* Interleaved boots; a host's history was made some time before, in one go. */
static void draw_boots(gsl_rng *r, const struct noise *noise, double shift, int n, struct boots *b)
{
	int start = (int)gsl_rng_uniform_int(r, 1000);

	for (int i = 0; i < HISTORY; i++)
		b->history[i] = log(noise->draw(r, start + i));
	start = (int)gsl_rng_uniform_int(r, 1000);
	for (int i = 0; i < n; i++) {
		bool swap = i % 2; /* the second pair runs in the opposite order */

		b->base[i] = noise->draw(r, start + 2 * i + swap);
		b->new[i] = noise->draw(r, start + 2 * i + !swap) * (1 + shift);
	}
}

/* ---- rules: how many of the METRICS are called changed? ---- */

/* Ours, with @alpha, on the first @n boots. */
static int judge_changed(const struct boots *all, int n, double alpha, bool *undecided)
{
	struct statistics_noise noise[METRICS] = {0};
	struct results_judgement judged[METRICS];
	struct judge_case cases[METRICS];
	double p[METRICS];
	int changed = 0;

	for (int i = 0; i < METRICS; i++) {
		statistics_noise_add(&noise[i], all[i].history, HISTORY);
		cases[i] = (struct judge_case){.base = all[i].base,
					       .new = all[i].new,
					       .nbase = (size_t)n,
					       .nnew = (size_t)n,
					       .effect = EFFECT,
					       .noise = &noise[i],
					       .alpha = alpha,
					       .family = METRICS};
		judge_weigh(&cases[i], &judged[i]);
		p[i] = judged[i].p_value;
	}
	statistics_benjamini_hochberg(p, METRICS);
	*undecided = false;
	for (int i = 0; i < METRICS; i++) {
		judged[i].p_value = p[i];
		judge_decide(&cases[i], &judged[i]);
		changed += judged[i].verdict == VERDICT_REGRESSED ||
			   judged[i].verdict == VERDICT_IMPROVED;
		*undecided |= judged[i].verdict == VERDICT_INCONCLUSIVE;
		free(judged[i].why);
		statistics_noise_release(&noise[i]);
	}
	return changed;
}

static int ours(const struct boots *all, int n)
{
	bool undecided;

	return judge_changed(all, n, ALPHA, &undecided);
}

/* `--boots auto`: a look after each boot from the second on, until all is decided. */
static int ours_with_looks(const struct boots *all, int n)
{
	bool undecided = true;
	int changed = 0;

	for (int i = 2; i <= n && undecided; i++)
		changed = judge_changed(all, i, results_sequential_alpha(ALPHA, n - 1), &undecided);
	return changed;
}

static bool mann_whitney_says(const struct boots *b, int n)
{
	return statistics_mann_whitney(b->base, (size_t)n, b->new, (size_t)n) <= ALPHA;
}

static bool welch_says(const struct boots *b, int n)
{
	double va = gsl_stats_variance(b->base, 1, (size_t)n) / n;
	double vb = gsl_stats_variance(b->new, 1, (size_t)n) / n;
	double t = (gsl_stats_mean(b->new, 1, (size_t)n) - gsl_stats_mean(b->base, 1, (size_t)n)) /
		   sqrt(va + vb);
	double df = (va + vb) * (va + vb) * (n - 1) / (va * va + vb * vb);

	return statistics_t_p(t, df) <= ALPHA;
}

static bool is_above(const double *a, const double *b, int n)
{
	double least, most, unused;

	gsl_stats_minmax(&least, &unused, a, 1, (size_t)n);
	gsl_stats_minmax(&unused, &most, b, 1, (size_t)n);
	return least > gsl_stats_mean(b, 1, (size_t)n) && gsl_stats_mean(a, 1, (size_t)n) > most;
}

static bool gap_says(const struct boots *b, int n)
{
	return is_above(b->new, b->base, n) || is_above(b->base, b->new, n);
}

static int each(const struct boots *all, int n, bool (*says)(const struct boots *b, int n))
{
	int changed = 0;

	for (int i = 0; i < METRICS; i++)
		changed += says(&all[i], n);
	return changed;
}

static int mann_whitney(const struct boots *all, int n)
{
	return each(all, n, mann_whitney_says);
}

static int welch(const struct boots *all, int n)
{
	return each(all, n, welch_says);
}

static int gap(const struct boots *all, int n)
{
	return each(all, n, gap_says);
}

static const struct rule {
	const char *name;
	int (*changed)(const struct boots *all, int n);
} rules[] = {
	{"nestlab", ours},
	{"nestlab, looks", ours_with_looks},
	{"Mann-Whitney", mann_whitney},
	{"Welch", welch},
	{"lkp's gap", gap},
};

/* ---- the table ---- */

struct rate {
	double any;	/* comparisons with any of the metrics called changed */
	double metrics; /* metrics called changed */
};

static struct rate simulate(const struct rule *rule, const struct noise *noise, double shift, int n)
{
	int count = shift ? FOUND : COMPARISONS;
	gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
	struct rate rate = {0, 0};

	gsl_rng_set(r, 20);
	for (int i = 0; i < count; i++) {
		struct boots all[METRICS];
		int changed;

		for (int m = 0; m < METRICS; m++)
			draw_boots(r, noise, shift, n, &all[m]);
		changed = rule->changed(all, n);
		rate.any += changed > 0;
		rate.metrics += changed;
	}
	gsl_rng_free(r);
	rate.any *= 100.0 / count;
	rate.metrics *= 100.0 / count / METRICS;
	return rate;
}

/* Prints a row; false if our own false alarms are over the stated level. */
static bool print_row(const struct noise *noise, int n, const struct rule *rule)
{
	static const double shifts[] = {0.01, 0.02, 0.05};
	struct rate alarm = simulate(rule, noise, 0, n);
	/* three standard errors of a share of COMPARISONS */
	double allowed = 100 * (ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / COMPARISONS));

	printf("| %-11s | %2d | %-14s | %5.1f | %5.1f |", noise->name, n, rule->name, alarm.any,
	       alarm.metrics);
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++)
		printf(" %5.1f |", simulate(rule, noise, shifts[i], n).metrics);
	putchar('\n');
	fflush(stdout);
	return strncmp(rule->name, "nestlab", 7) || alarm.any <= allowed;
}

int main(void)
{
	static const int boots[] = {3, 5, 10};
	bool good = true;

	printf("| noise, 1 %% | boots | rule | A/A any | A/A | +1 %% | +2 %% | +5 %% |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t k = 0; k < ARRAY_SIZE(noises); k++)
		for (size_t b = 0; b < ARRAY_SIZE(boots); b++)
			for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
				good &= print_row(&noises[k], boots[b], &rules[i]);
	if (!good)
		fprintf(stderr, "statistics: more false alarms than stated\n");
	return !good;
}
