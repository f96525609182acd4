// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/compare.h"
#include "results/store/store.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/compare/failures.h"
#include "results/compare/judge.h"
#include "results/compare/series.h"
#include "results/compare/tests.h"

#define USUAL_ALPHA 0.05

/*
 * What each clock lets expect: the smallest effect that matters, and what is known of a median's
 * noise before a host has a history. The emulated host repeats itself wherever it runs: boots with
 * different seeds differed by less than this standard deviation in every metric
 * (docs/statistics.md). Nothing is assumed of hardware, nor of any p99: whether a timer tick falls
 * into the worst hundredth is chance.
 */
static const struct clock {
	const char *name;
	double smallest_effect;
	double median_sd, median_df;
} clocks[] = {
	{"emulated", 0.5, 0.001, 20},
	{"tsc", 2, 0, 0},
};

static const struct clock *find_clock(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(clocks) - 1 && strcmp(clocks[i].name, name) != 0)
		i++;
	return &clocks[i]; /* the last one assumes nothing */
}

/* ---- judging ---- */

struct judging {
	const struct clock *clock;
	double alpha;
	size_t count; /* metrics; each has two numbers to judge */
	struct series *series;
	struct results_compared *metrics;
	struct judge_case *cases; /* 2 * count: the medians', then the p99s' */
	struct judge_draws draws;
};

static double smallest_effect_of(const struct series *s, const struct clock *clock)
{
	if (s->smallest_effect)
		return s->smallest_effect;
	return clock->smallest_effect;
}

static struct results_judgement *judgement_of(struct judging *j, size_t i)
{
	if (i < j->count)
		return &j->metrics[i].median;
	return &j->metrics[i - j->count].p99;
}

/* Sets what the cases of a median and of a p99 have in common. */
static void set_case(struct judging *j, const struct series *s, struct judge_case *c)
{
	c->nbase = s->base.count;
	c->nnew = s->new.count;
	c->higher_is_better = !strcmp(s->better, "higher");
	c->effect = smallest_effect_of(s, j->clock);
	c->alpha = j->alpha;
	c->family = 2 * j->count;
	c->draws = &j->draws;
	statistics_noise_prior(c->noise, j->clock->median_sd, c->assumed_df);
}

static void set_cases(struct judging *j)
{
	j->cases = xcalloc(2 * j->count, sizeof(*j->cases));
	for (size_t i = 0; i < j->count; i++) {
		struct series *s = &j->series[i];

		j->cases[i] = (struct judge_case){
			.base = s->base.median,
			.new = s->new.median,
			.noise = &s->median_noise,
			.assumed_df = j->clock->median_df,
		};
		j->cases[j->count + i] = (struct judge_case){
			.base = s->base.p99,
			.new = s->new.p99,
			.noise = &s->p99_noise,
		};
		set_case(j, s, &j->cases[i]);
		set_case(j, s, &j->cases[j->count + i]);
	}
}

static void judge_all(struct judging *j)
{
	size_t n = 2 * j->count;
	__cleanup_free double *p = xcalloc(n, sizeof(*p));

	set_cases(j);
	for (size_t i = 0; i < n; i++) {
		judge_weigh(&j->cases[i], judgement_of(j, i));
		p[i] = judgement_of(j, i)->p_value;
	}
	statistics_benjamini_hochberg(p, n);
	for (size_t i = 0; i < n; i++) {
		judgement_of(j, i)->p_value = p[i];
		judge_decide(&j->cases[i], judgement_of(j, i));
	}
	judge_release_draws(&j->draws);
	free(j->cases);
}

static struct results_side side_of(const struct series_boots *b)
{
	return (struct results_side){.boots = (int)b->count,
				     .median = statistics_median(b->median, b->count),
				     .p99 = statistics_median(b->p99, b->count),
				     .count = b->samples};
}

static void describe_metric(struct results_compared *m, const struct series *s,
			    const struct clock *clock)
{
	m->scenario = xstrdup(s->scenario);
	m->metric = xstrdup(s->metric);
	m->params = xstrdup(s->params);
	m->unit = xstrdup(s->unit);
	m->better = xstrdup(s->better);
	m->rounds = s->rounds;
	m->warmup = s->warmup;
	m->base = side_of(&s->base);
	m->new = side_of(&s->new);
	m->smallest_effect = smallest_effect_of(s, clock);
	m->headline = s->headline;
}

/* ---- the whole ---- */

/* 0 for the unchanged: ordering them by what chance made of them would help nobody. */
static double change_of(const struct results_compared *m)
{
	double away = fabs(log(m->median.ratio));

	if (isnan(away) || m->median.verdict == VERDICT_UNCHANGED)
		return 0;
	return away;
}

/* Most changed first; the others in a fixed order. */
static int compare_changes(const void *a, const void *b)
{
	const struct results_compared *x = a, *y = b;
	double dx = change_of(x), dy = change_of(y);
	int order;

	if (dx < dy)
		return 1;
	if (dx > dy)
		return -1;
	order = strcmp(x->scenario, y->scenario);
	if (!order)
		order = strcmp(x->metric, y->metric);
	if (!order)
		order = strcmp(x->params, y->params);
	return order;
}

bool results_decides(const struct results_comparison *c, const struct results_compared *m)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (c->metrics[i].headline)
			return m->headline;
	return true;
}

static bool has_regressed(const struct results_comparison *c)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (results_decides(c, &c->metrics[i]) &&
		    (c->metrics[i].median.verdict == VERDICT_REGRESSED ||
		     c->metrics[i].p99.verdict == VERDICT_REGRESSED))
			return true;
	for (size_t i = 0; i < c->ntests; i++)
		if (!strcmp(c->tests[i].new, "fail"))
			return true;
	return results_count_worse_failures(c) > 0;
}

static bool has_inconclusive(const struct results_comparison *c)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (results_decides(c, &c->metrics[i]) &&
		    c->metrics[i].median.verdict == VERDICT_INCONCLUSIVE)
			return true;
	for (size_t i = 0; i < c->nfailures; i++)
		if (c->failures[i].verdict == VERDICT_INCONCLUSIVE)
			return true;
	return !c->nmetrics && !tests_have_common(c);
}

static bool has_improved(const struct results_comparison *c)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (results_decides(c, &c->metrics[i]) &&
		    c->metrics[i].median.verdict == VERDICT_IMPROVED)
			return true;
	for (size_t i = 0; i < c->nfailures; i++)
		if (c->failures[i].verdict == VERDICT_IMPROVED)
			return true;
	return false;
}

static enum results_verdict overall_verdict(const struct results_comparison *c)
{
	if (has_regressed(c))
		return VERDICT_REGRESSED;
	if (has_inconclusive(c))
		return VERDICT_INCONCLUSIVE;
	if (has_improved(c))
		return VERDICT_IMPROVED;
	return VERDICT_UNCHANGED;
}

static void note_series(const struct series_list *l, struct strbuf *notes)
{
	if (l->one_sided)
		strbuf_addf(notes,
			    "left out, because only one of the kernels has them: %zu metrics\n",
			    l->one_sided);
	if (l->other_rounds)
		strbuf_addf(
			notes,
			"%zu metric%s measured with other rounds before: the newest are taken\n",
			l->other_rounds, l->other_rounds == 1 ? "" : "s");
}

static void name_sides(struct results_comparison *out, const struct selection *s)
{
	if (s->halves) {
		out->base = xasprintf("%s/odd", s->base.label);
		out->new = xasprintf("%s/even", s->new.label);
	} else {
		out->base = xstrdup(s->base.label);
		out->new = xstrdup(s->new.label);
	}
}

static void fill_comparison(struct results_comparison *out, struct selection *s,
			    struct series_list *l)
{
	struct judging j = {.clock = find_clock(s->environment.clock),
			    .alpha = out->alpha,
			    .count = l->count,
			    .series = l->items};

	note_series(l, &s->notes);
	name_sides(out, s);
	out->base_key = xstrdup(s->base.key);
	out->new_key = xstrdup(s->new.key);
	out->clock = xstrdup(s->environment.clock);
	out->next_seed = s->next_seed;
	out->metrics = j.metrics = xcalloc(l->count, sizeof(*out->metrics));
	out->nmetrics = l->count;
	for (size_t i = 0; i < l->count; i++)
		describe_metric(&out->metrics[i], &l->items[i], j.clock);
	judge_all(&j);
	qsort(out->metrics, out->nmetrics, sizeof(*out->metrics), compare_changes);
	out->notes = strbuf_detach(&s->notes);
	out->verdict = overall_verdict(out);
}

static int load_all(struct results_db *db, const struct selection *s,
		    const struct results_filter *filter, struct series_list *series,
		    struct results_comparison *out, struct error *err)
{
	int ret = series_load(db, s, filter, series, err);

	if (ret)
		return ret;
	ret = failures_load(db, s, filter, out, err);
	if (ret)
		return ret;
	ret = tests_load(db, s, filter, out, err);
	if (ret)
		return ret;
	if (series->count || out->new_failed || out->base_failed || out->ntests || out->same_tests)
		return 0;
	return error_set(err, -ENODATA,
			 "%s and %s have no metric in common%s (see --scenario, --metric)",
			 s->base.label, s->new.label,
			 series->one_sided ? ": each has metrics that the other lacks" : "");
}

int results_compare_selected(struct results_db *db, struct selection *s,
			     const struct results_filter *filter, struct results_comparison *out,
			     struct error *err)
{
	struct series_list series = {0};
	int ret;

	*out = (struct results_comparison){.alpha = USUAL_ALPHA};
	if (filter->alpha)
		out->alpha = filter->alpha;
	ret = load_all(db, s, filter, &series, out, err);
	if (ret)
		results_comparison_free(out);
	else
		fill_comparison(out, s, &series);
	series_free(&series);
	return ret;
}

int results_compare(struct results_db *db, const char *base, const char *new,
		    const struct results_filter *filter, struct results_comparison *out,
		    struct error *err)
{
	static const struct results_filter everything;
	struct selection s;
	int ret;

	*out = (struct results_comparison){0};
	if (!filter)
		filter = &everything;
	ret = select_runs(db, base, new, filter->session, &s, err);
	if (ret)
		return ret;
	ret = results_compare_selected(db, &s, filter, out, err);
	select_free(&s);
	return ret;
}

int results_more_boots(const struct results_comparison *c)
{
	int most = 0;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (c->metrics[i].median.more_boots > most)
			most = c->metrics[i].median.more_boots;
	for (size_t i = 0; i < c->nfailures; i++)
		if (c->failures[i].more_boots > most)
			most = c->failures[i].more_boots;
	return most;
}

int results_count_worse_failures(const struct results_comparison *c)
{
	const char *last = NULL; /* rows of one scenario are neighbours */
	int n = 0;

	for (size_t i = 0; i < c->nfailures; i++) {
		if (c->failures[i].verdict != VERDICT_REGRESSED)
			continue;
		if (!last || strcmp(last, c->failures[i].scenario) != 0)
			n++;
		last = c->failures[i].scenario;
	}
	return n;
}

static void free_metric(struct results_compared *m)
{
	free(m->scenario);
	free(m->metric);
	free(m->params);
	free(m->unit);
	free(m->better);
	free(m->median.why);
	free(m->p99.why);
}

void results_comparison_free(struct results_comparison *c)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		free_metric(&c->metrics[i]);
	for (size_t i = 0; i < c->ntests; i++) {
		free(c->tests[i].scenario);
		free(c->tests[i].params);
		free(c->tests[i].name);
		free(c->tests[i].base);
		free(c->tests[i].new);
		free(c->tests[i].text);
	}
	for (size_t i = 0; i < c->nfailures; i++) {
		free(c->failures[i].scenario);
		free(c->failures[i].why);
	}
	free(c->metrics);
	free(c->tests);
	free(c->failures);
	free(c->base);
	free(c->new);
	free(c->base_key);
	free(c->new_key);
	free(c->clock);
	free(c->failure);
	free(c->notes);
	*c = (struct results_comparison){0};
}
