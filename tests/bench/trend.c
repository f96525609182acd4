// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often does a night cry wolf? 1,000 nights without a change, of 58 metrics with 4 boots each: alarms, and
 * alarms that 4 + 4 fresh boots would confirm. Twice: with the emulated clock's noise, and with nights that
 * differ more than their boots do. Then 300 steps: how many are alarms in their own night, and confirmed.
 *
 * Noise is Gaussian (GSL, seeded). Judged by the same functions as nights are: trend_look(), judge_weigh(), judge_decide().
 */
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "results/compare/judge.h"
#include "results/trend/trend.h"
#include "results/web/web.h"

#define METRICS 58
#define NIGHTS	1000
#define BOOTS	4
#define STEPS	300
#define BEFORE	20 /* nights before a step */

static gsl_rng *rng;

struct noise {
	const char *name;
	double boot, night;		       /* standard deviations, relative */
	double effect, assumed_sd, assumed_df; /* compare.c has them for each clock */
};

static void make_boots(double *v, double level, const struct noise *n)
{
	double night = level * (1 + gsl_ran_gaussian(rng, n->night));

	for (size_t i = 0; i < BOOTS; i++)
		v[i] = night * (1 + gsl_ran_gaussian(rng, n->boot));
}

static void add_night(struct trend_series *s, double level, const struct noise *n)
{
	struct trend_point *p = &s->points[s->count];

	*p = (struct trend_point){.night = s->count, .nboots = BOOTS};
	p->boots = xcalloc(BOOTS, sizeof(*p->boots));
	make_boots(p->boots, level, n);
	p->median = statistics_median(p->boots, BOOTS);
	s->count++;
}

static void series_init(struct trend_series *s, const struct noise *n)
{
	*s = (struct trend_series){.better = "lower", .smallest_effect = n->effect};
	s->points = xcalloc(NIGHTS, sizeof(*s->points));
}

static void series_release(struct trend_series *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->points[i].boots);
	free(s->points);
}

/* As a comparison does from the boots of nights before. */
static void learn_noise(struct statistics_noise *known, const struct trend_series *s)
{
	size_t from = s->count > BEFORE ? s->count - BEFORE : 0;

	for (size_t i = from; i < s->count; i++) {
		double logs[BOOTS];

		for (size_t k = 0; k < BOOTS; k++)
			logs[k] = log(s->points[i].boots[k]);
		statistics_noise_add(known, logs, BOOTS);
	}
}

/* Fresh boots of both kernels, all metrics that moved judged together (here: one). Boots of one job share
 * their night, so only their own noise is between them. */
static bool is_confirmed(const struct trend_series *s, double before, double after,
			 const struct noise *n)
{
	struct statistics_noise known = {0};
	struct results_judgement j = {0};
	struct noise boots = {.boot = n->boot};
	double a[BOOTS], b[BOOTS];
	struct judge_case c = {.base = a,
			       .new = b,
			       .nbase = BOOTS,
			       .nnew = BOOTS,
			       .effect = n->effect,
			       .noise = &known,
			       .assumed_df = n->assumed_df,
			       .alpha = 0.05,
			       .family = 2 * METRICS};
	bool changed;

	make_boots(a, before, &boots);
	make_boots(b, after, &boots);
	statistics_noise_prior(&known, n->assumed_sd, n->assumed_df);
	learn_noise(&known, s);
	judge_weigh(&c, &j);
	judge_decide(&c, &j);
	changed = j.verdict == VERDICT_REGRESSED || j.verdict == VERDICT_IMPROVED;
	free(j.why);
	statistics_noise_release(&known);
	return changed;
}

static void count_false(const struct noise *n)
{
	int alarms = 0, confirmed = 0, drifts = 0;

	for (int m = 0; m < METRICS; m++) {
		struct trend_series s;

		series_init(&s, n);
		for (int night = 0; night < NIGHTS; night++) {
			struct trend_series recent;
			struct trend_alarm a;

			add_night(&s, 10000, n);
			recent = s; /* as many nights as are looked at */
			if (s.count > 200) {
				recent.points += s.count - 200;
				recent.count = 200;
			}
			if (!trend_look(&recent, 0, &a))
				continue;
			drifts += a.kind == TREND_DRIFT;
			if (a.kind == TREND_DRIFT)
				continue;
			alarms++;
			confirmed += is_confirmed(&s, 10000, 10000, n);
		}
		series_release(&s);
	}
	printf("%s: %d nights of %d metrics: %d alarms, %d drifts, %d false confirmed changes\n",
	       n->name, NIGHTS, METRICS, alarms, drifts, confirmed);
}

static void count_found(const struct noise *n, double step)
{
	int found = 0, confirmed = 0;

	for (int i = 0; i < STEPS; i++) {
		struct trend_series s;
		struct trend_alarm a;

		series_init(&s, n);
		for (int night = 0; night < BEFORE; night++)
			add_night(&s, 10000, n);
		add_night(&s, 10000 * (1 + step), n);
		if (trend_look(&s, 0, &a) && a.bad == BEFORE) {
			found++;
			confirmed += is_confirmed(&s, 10000, 10000 * (1 + step), n);
		}
		series_release(&s);
	}
	printf("%s: a step of %.1f %%: %d of %d alarms in their night, %d confirmed\n", n->name,
	       step * 100, found, STEPS, confirmed);
}

/* The page of trends: WEB_NIGHTS_MAX nights of all metrics. */
static void draw_page(const struct noise *n)
{
	struct trend_series all[METRICS];
	struct trend_list l = {all, METRICS};
	struct strbuf page = STRBUF_INIT;
	double began;

	for (int m = 0; m < METRICS; m++) {
		series_init(&all[m], n);
		all[m].scenario = "multiplex";
		all[m].metric = "switch";
		all[m].params = "{\"l2_vcpus\":8,\"memory\":\"unmanaged\"}";
		all[m].unit = "instructions";
		for (int night = 0; night < WEB_NIGHTS_MAX; night++)
			add_night(&all[m], 10000, n);
	}
	began = clock_seconds();
	web_begin(&page, &(struct web_head){.title = "Trends"});
	web_trends(&page, &l, "/metric/1/");
	web_end(&page);
	printf("page of %d metrics and %d nights: %zu bytes, drawn in %.1f ms\n", METRICS,
	       WEB_NIGHTS_MAX, page.len, (clock_seconds() - began) * 1000);
	strbuf_release(&page);
	for (int m = 0; m < METRICS; m++)
		series_release(&all[m]);
}

int main(void)
{
	static const struct noise noises[] = {
		{"emulated clock (boots 0.05 %)", 0.0005, 0, 0.5, 0.001, 20},
		{"tsc (boots 0.5 %, nights 0.5 %)", 0.005, 0.005, 2, 0, 0},
	};

	rng = gsl_rng_alloc(gsl_rng_mt19937);
	for (size_t i = 0; i < ARRAY_SIZE(noises); i++) {
		count_false(&noises[i]);
		count_found(&noises[i], 0.007);
		count_found(&noises[i], 0.04);
	}
	draw_page(&noises[0]);
	gsl_rng_free(rng);
	return 0;
}
