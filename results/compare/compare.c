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
 * into the worst hundredth is chance. Nor of what is one sample a boot (a rate over a whole measurement, the downtime
 * of the one save): it is no median, and each tick is in it. Nor of few samples that differ, as of an L1 that is moved four
 * times: four others have another median.
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

double results_usual_effect(const char *clock)
{
	return find_clock(clock)->smallest_effect;
}

/* ---- judging ---- */

struct judging {
	const struct clock *clock;
	double alpha;
	size_t count;  /* metrics; each has two numbers to judge */
	size_t family; /* numbers that are judged together: of all pairs of a table */
	struct series *series;
	struct results_compared *metrics;
	struct judge_case *cases; /* 2 * count: the medians', then the p99s' */
	struct judge_draws draws;
};

static double assumed_df(const struct series *s, const struct clock *clock)
{
	if (s->base.samples + s->new.samples <= s->base.count + s->new.count)
		return 0;
	if (s->base.scattered || s->new.scattered)
		return 0;
	return clock->median_df;
}

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
	c->family = j->family;
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
			.assumed_df = assumed_df(s, j->clock),
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

/* Weighs all numbers of a pair; their p-values go to @p, which gives them back adjusted to decide_all(). */
static void weigh_all(struct judging *j, double *p)
{
	set_cases(j);
	for (size_t i = 0; i < 2 * j->count; i++) {
		judge_weigh(&j->cases[i], judgement_of(j, i));
		p[i] = judgement_of(j, i)->p_value;
	}
}

static void decide_all(struct judging *j, const double *p)
{
	for (size_t i = 0; i < 2 * j->count; i++) {
		judgement_of(j, i)->p_value = p[i];
		judge_decide(&j->cases[i], judgement_of(j, i));
	}
	judge_release_draws(&j->draws);
	free(j->cases);
}

/* The false discovery rate is held over all numbers of all pairs. */
static void judge_all(struct judging *pairs, size_t n)
{
	size_t family = 0, at = 0;
	__cleanup_free double *p = NULL;

	for (size_t i = 0; i < n; i++)
		family += 2 * pairs[i].count;
	p = xcalloc(family, sizeof(*p));
	for (size_t i = 0; i < n; i++) {
		pairs[i].family = family;
		weigh_all(&pairs[i], p + at);
		at += 2 * pairs[i].count;
	}
	statistics_benjamini_hochberg(p, family);
	at = 0;
	for (size_t i = 0; i < n; i++) {
		decide_all(&pairs[i], p + at);
		at += 2 * pairs[i].count;
	}
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

/* All that is there before anything is judged. */
static void fill_comparison(struct results_comparison *out, struct selection *s,
			    struct series_list *l, struct judging *j)
{
	*j = (struct judging){.clock = find_clock(s->environment.clock),
			      .alpha = out->alpha,
			      .count = l->count,
			      .series = l->items};
	note_series(l, &s->notes);
	name_sides(out, s);
	out->base_key = xstrdup(s->base.key);
	out->new_key = xstrdup(s->new.key);
	out->clock = xstrdup(s->environment.clock);
	out->next_seed = s->next_seed;
	out->metrics = j->metrics = xcalloc(l->count, sizeof(*out->metrics));
	out->nmetrics = l->count;
	for (size_t i = 0; i < l->count; i++)
		describe_metric(&out->metrics[i], &l->items[i], j->clock);
	out->notes = strbuf_detach(&s->notes);
}

static void finish_comparison(struct results_comparison *out)
{
	qsort(out->metrics, out->nmetrics, sizeof(*out->metrics), compare_changes);
	out->verdict = overall_verdict(out);
}

/* Is there anything to tell without a number? Who asks for one metric does not ask for tests that are as they were: a
 * name that no metric has would be "unchanged". */
static bool has_other_answer(const struct results_comparison *out,
			     const struct results_filter *filter)
{
	return out->new_failed || out->base_failed || out->ntests ||
	       (out->same_tests && !filter->metric);
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
	if (series->count || has_other_answer(out, filter))
		return 0;
	return error_set(err, -ENODATA,
			 "%s and %s have no metric in common%s (see --scenario, --metric)",
			 s->base.label, s->new.label,
			 series->one_sided ? ": each has metrics that the other lacks" : "");
}

static double alpha_of(const struct results_filter *filter)
{
	if (filter->alpha)
		return filter->alpha;
	return USUAL_ALPHA;
}

static void judge_pairs(struct selection *s, struct series_list *series,
			struct results_comparison *out, size_t n)
{
	__cleanup_free struct judging *pairs = xcalloc(n, sizeof(*pairs));

	for (size_t i = 0; i < n; i++)
		fill_comparison(&out[i], &s[i], &series[i], &pairs[i]);
	judge_all(pairs, n);
	failures_judge_pairs(out, n);
	for (size_t i = 0; i < n; i++)
		finish_comparison(&out[i]);
}

/* results_compare_selected() of several selections, which are judged together. */
static int compare_selections(struct results_db *db, struct selection *s, size_t n,
			      const struct results_filter *filter, struct results_comparison *out,
			      struct error *err)
{
	__cleanup_free struct series_list *series = xcalloc(n, sizeof(*series));
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct results_comparison){.alpha = alpha_of(filter)};
	for (size_t i = 0; i < n && !ret; i++)
		ret = load_all(db, &s[i], filter, &series[i], &out[i], err);
	if (!ret)
		judge_pairs(s, series, out, n);
	for (size_t i = 0; i < n; i++) {
		series_free(&series[i]);
		if (ret)
			results_comparison_free(&out[i]);
	}
	return ret;
}

int results_compare_selected(struct results_db *db, struct selection *s,
			     const struct results_filter *filter, struct results_comparison *out,
			     struct error *err)
{
	return compare_selections(db, s, 1, filter, out, err);
}

static const struct results_filter everything;

int results_compare(struct results_db *db, const char *base, const char *new,
		    const struct results_filter *filter, struct results_comparison *out,
		    struct error *err)
{
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

/* ---- several kernels ---- */

static enum results_verdict worse_of(enum results_verdict a, enum results_verdict b)
{
	static const int badness[] = {
		[VERDICT_UNCHANGED] = 0,
		[VERDICT_IMPROVED] = 1,
		[VERDICT_INCONCLUSIVE] = 2,
		[VERDICT_REGRESSED] = 3,
	};

	return badness[a] > badness[b] ? a : b;
}

int results_compare_table(struct results_db *db, const char *const *kernels, size_t n,
			  const struct results_filter *filter, struct results_table *out,
			  struct error *err)
{
	__cleanup_free struct selection *s = xcalloc(n, sizeof(*s));
	int ret;

	*out = (struct results_table){.npairs = n - 1};
	if (!filter)
		filter = &everything;
	ret = select_table(db, kernels, n, filter->session, s, err);
	if (ret)
		return ret;
	out->pairs = xcalloc(out->npairs, sizeof(*out->pairs));
	ret = compare_selections(db, s, out->npairs, filter, out->pairs, err);
	for (size_t i = 0; i < out->npairs; i++) {
		select_free(&s[i]);
		out->verdict = worse_of(out->verdict, out->pairs[i].verdict);
		out->family += 2 * out->pairs[i].nmetrics;
	}
	if (ret)
		results_table_free(out);
	return ret;
}

void results_table_free(struct results_table *t)
{
	for (size_t i = 0; i < t->npairs && t->pairs; i++)
		results_comparison_free(&t->pairs[i]);
	free(t->pairs);
	*t = (struct results_table){0};
}

int results_more_boots(const struct results_comparison *c)
{
	int most = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (results_decides(c, m) && m->median.more_boots > most)
			most = m->median.more_boots;
	}
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
