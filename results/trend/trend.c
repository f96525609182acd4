// SPDX-License-Identifier: GPL-2.0-only
#include "results/trend/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/compare/compare.h"
#include "results/compare/statistics.h"
#include "results/store/database.h"
#include "results/trend/detect.h"

static const char rows_of_night[] =
	"SELECT metric.measurement, metric.rounds, metric.metric, metric.unit, "
	"coalesce(run.host_identity, '') || ' ' || coalesce(run.agent_sha256, '') || ' ' || "
	"coalesce(run.clock, ''), metric.median, measurement.scenario, measurement.params, "
	"metric.better, metric.headline, metric.smallest_effect, coalesce(run.clock, '') FROM run JOIN "
	"metric ON metric.run = run.id JOIN measurement ON measurement.id = metric.measurement WHERE "
	"run.session = ?1 AND run.kernel_name = ?2 AND run.status = 'pass' ORDER BY run.id, "
	"metric.measurement, metric.metric";
enum {
	MEASUREMENT,
	ROUNDS,
	METRIC,
	UNIT,
	ENVIRONMENT,
	MEDIAN,
	SCENARIO,
	PARAMS,
	BETTER,
	HEADLINE,
	EFFECT,
	CLOCK
};

/* ---- gathering ---- */

static bool is_of_row(const struct trend_series *s, sqlite3_stmt *row)
{
	return s->measurement == sqlite3_column_int64(row, MEASUREMENT) &&
	       s->rounds == sqlite3_column_int64(row, ROUNDS) &&
	       !strcmp(s->metric, database_text(row, METRIC)) &&
	       !strcmp(s->unit, database_text(row, UNIT)) &&
	       !strcmp(s->environment, database_text(row, ENVIRONMENT));
}

static double effect_of_row(sqlite3_stmt *row)
{
	double effect = sqlite3_column_double(row, EFFECT);

	if (effect > 0)
		return effect;
	return results_usual_effect(database_text(row, CLOCK));
}

static struct trend_series *add_series(struct trend_list *l, sqlite3_stmt *row)
{
	struct trend_series *s;

	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	s = &l->items[l->count++];
	*s = (struct trend_series){
		.scenario = xstrdup(database_text(row, SCENARIO)),
		.metric = xstrdup(database_text(row, METRIC)),
		.params = xstrdup(database_text(row, PARAMS)),
		.unit = xstrdup(database_text(row, UNIT)),
		.better = xstrdup(database_text(row, BETTER)),
		.environment = xstrdup(database_text(row, ENVIRONMENT)),
		.measurement = sqlite3_column_int64(row, MEASUREMENT),
		.rounds = sqlite3_column_int64(row, ROUNDS),
		.headline = sqlite3_column_int(row, HEADLINE),
		.smallest_effect = effect_of_row(row),
	};
	return s;
}

/* @hint: where the row before was; rows of one boot come in the order of those of the boot before. */
static struct trend_series *find_series(struct trend_list *l, sqlite3_stmt *row, size_t *hint)
{
	for (size_t i = 0; i < l->count; i++) {
		size_t k = (*hint + 1 + i) % l->count;

		if (!is_of_row(&l->items[k], row))
			continue;
		*hint = k;
		return &l->items[k];
	}
	*hint = l->count;
	return add_series(l, row);
}

static void add_boot(struct trend_series *s, size_t night, double median)
{
	struct trend_point *p = s->count ? &s->points[s->count - 1] : NULL;

	if (!p || p->night != night) {
		s->points = xrealloc(s->points, s->count + 1, sizeof(*s->points));
		p = &s->points[s->count++];
		*p = (struct trend_point){.night = night, .low = NAN, .high = NAN};
	}
	p->boots = xrealloc(p->boots, p->nboots + 1, sizeof(*p->boots));
	p->boots[p->nboots++] = median;
}

static int load_night(struct results_db *db, sqlite3_stmt *stmt, const struct trend_night *night,
		      size_t number, struct trend_list *l, struct error *err)
{
	size_t hint = 0;
	int ret;

	sqlite3_reset(stmt);
	database_bind_text(stmt, 1, night->session);
	database_bind_text(stmt, 2, night->kernel);
	while ((ret = database_step(db, stmt, err)) == 1)
		add_boot(find_series(l, stmt, &hint), number, sqlite3_column_double(stmt, MEDIAN));
	return ret;
}

static int compare_series(const void *a, const void *b)
{
	const struct trend_series *x = a, *y = b;
	int order = strcmp(x->scenario, y->scenario);

	if (!order)
		order = strcmp(x->params, y->params);
	if (!order)
		order = strcmp(x->metric, y->metric);
	return order;
}

int trend_load(struct results_db *db, const struct trend_night *nights, size_t n,
	       struct trend_list *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, rows_of_night, &stmt, err);

	*out = (struct trend_list){0};
	for (size_t i = 0; !ret && i < n; i++)
		ret = load_night(db, stmt, &nights[i], i, out, err);
	sqlite3_finalize(stmt);
	if (ret) {
		trend_free(out);
		return ret;
	}
	for (size_t i = 0; i < out->count; i++) {
		struct trend_series *s = &out->items[i];

		for (size_t k = 0; k < s->count; k++)
			s->points[k].median =
				statistics_median(s->points[k].boots, s->points[k].nboots);
		trend_set_intervals(s);
	}
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), compare_series);
	return 0;
}

static int find_key(struct results_db *db, sqlite3_stmt *stmt, const struct trend_night *night,
		    char **key, struct error *err)
{
	int ret;

	sqlite3_reset(stmt);
	database_bind_text(stmt, 1, night->session);
	database_bind_text(stmt, 2, night->kernel);
	*key = NULL;
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*key = xstrdup(database_text(stmt, 0));
	if (ret < 0)
		return ret;
	return 0;
}

int trend_keep_kernel(struct results_db *db, struct trend_night *nights, size_t *n,
		      struct error *err)
{
	__cleanup_free char *wanted = NULL;
	sqlite3_stmt *stmt;
	size_t kept = 0;
	int ret =
		database_prepare(db,
				 "SELECT kernel_key FROM run WHERE session = ?1 AND kernel_name = "
				 "?2 AND kernel_key IS NOT NULL LIMIT 1",
				 &stmt, err);

	if (!ret && *n)
		ret = find_key(db, stmt, &nights[*n - 1], &wanted, err);
	for (size_t i = 0; !ret && wanted && i < *n; i++) {
		__cleanup_free char *key = NULL;

		ret = find_key(db, stmt, &nights[i], &key, err);
		if (!ret && key && !strcmp(key, wanted))
			nights[kept++] = nights[i];
	}
	*n = kept;
	sqlite3_finalize(stmt);
	return ret;
}

void trend_free(struct trend_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct trend_series *s = &l->items[i];

		for (size_t k = 0; k < s->count; k++)
			free(s->points[k].boots);
		free(s->points);
		free(s->scenario);
		free(s->metric);
		free(s->params);
		free(s->unit);
		free(s->better);
		free(s->environment);
	}
	free(l->items);
	*l = (struct trend_list){0};
}

/* ---- noise ---- */

struct spread {
	double squares, df;
};

static double spread_sd(const struct spread *s)
{
	return s->df > 0 ? sqrt(s->squares / s->df) : 0;
}

/* Of the logarithms of boots of one night. */
static struct spread boots_spread(const struct trend_series *s)
{
	struct statistics_noise noise = {0};
	struct spread out;

	for (size_t i = 0; i < s->count; i++) {
		const struct trend_point *p = &s->points[i];
		double *logs = xcalloc(p->nboots, sizeof(*logs));

		for (size_t k = 0; k < p->nboots; k++)
			logs[k] = log(p->boots[k]);
		statistics_noise_add(&noise, logs, p->nboots);
		free(logs);
	}
	out = (struct spread){noise.squares, noise.df};
	statistics_noise_release(&noise);
	return out;
}

void trend_set_intervals(struct trend_series *s)
{
	struct spread boots = boots_spread(s);

	for (size_t i = 0; boots.df > 0 && i < s->count; i++) {
		struct trend_point *p = &s->points[i];
		double half = statistics_t_critical(0.05, boots.df) * spread_sd(&boots) *
			      sqrt(M_PI / 2 / p->nboots); /* of a median, not a mean */

		p->low = p->median * exp(-half);
		p->high = p->median * exp(half);
	}
}

/* ---- alarms ---- */

#define NIGHTS_KNOWN 5

static double level_of(const struct trend_series *s, size_t from, size_t to)
{
	double *v = xcalloc(to - from, sizeof(*v)), level;

	for (size_t i = from; i < to; i++)
		v[i - from] = s->points[i].median;
	level = statistics_median(v, to - from);
	free(v);
	return level;
}

static bool is_beyond_effect(const struct trend_series *s, double before, double after)
{
	return fabs(log(after / before)) > log1p(s->smallest_effect / 100);
}

/* How far a new night may lie from the level of points [from, to), in logarithms. */
static double night_margin(const struct trend_series *s, size_t from, size_t to, double level)
{
	struct spread boots = boots_spread(s), nights = {0, (double)(to - from) - 1};
	double margin = 0;

	for (size_t i = from; i < to; i++)
		nights.squares += pow(log(s->points[i].median / level), 2);
	if (nights.df <
	    NIGHTS_KNOWN) { /* too few to say how nights differ: as medians of boots do */
		nights.squares += boots.squares * M_PI / 2 / s->points[to].nboots;
		nights.df += boots.df;
	}
	if (nights.df > 0)
		margin = statistics_t_critical(TREND_ALPHA, nights.df) * spread_sd(&nights) *
			 sqrt(1 + 1 / (nights.df + 1));
	if (boots.df > 0)
		margin =
			fmax(margin, statistics_t_critical(TREND_ALPHA, boots.df) *
					     spread_sd(&boots) * sqrt(M_PI / s->points[to].nboots));
	return margin;
}

static void set_alarm(const struct trend_series *s, struct trend_alarm *a, enum trend_kind kind)
{
	bool higher_is_better = !strcmp(s->better, "higher");

	a->kind = kind;
	a->worse = (a->after > a->before) != higher_is_better;
}

static bool find_step(const struct trend_series *s, size_t first, struct trend_alarm *a)
{
	size_t last = s->count - 1;

	a->good = last - 1;
	a->bad = last;
	a->before = level_of(s, first, last);
	a->after = s->points[last].median;
	if (!is_beyond_effect(s, a->before, a->after))
		return false;
	return fabs(log(a->after / a->before)) > night_margin(s, first, last, a->before);
}

static void look_back(const struct trend_series *s, size_t first, struct trend_alarm *a)
{
	double v[DETECT_POINTS_MAX];
	size_t at[DETECT_POINTS_MAX], n, nat;

	if (s->count - first > DETECT_POINTS_MAX)
		first = s->count - DETECT_POINTS_MAX;
	n = s->count - first;
	for (size_t i = 0; i < n; i++)
		v[i] = s->points[first + i].median;
	nat = detect_changes(v, n, DETECT_P, at);
	if (!nat)
		return;
	a->bad = first + at[nat - 1];
	a->good = a->bad - 1;
	a->before = level_of(s, nat > 1 ? first + at[nat - 2] : first, a->bad);
	a->after = level_of(s, a->bad, s->count);
	if (detect_is_drift(v, n, at, nat)) {
		a->before = v[0];
		a->after = v[n - 1];
		if (is_beyond_effect(s, a->before, a->after))
			set_alarm(s, a, TREND_DRIFT);
	} else if (is_beyond_effect(s, a->before, a->after)) {
		set_alarm(s, a, TREND_SLOW);
	}
}

enum trend_kind trend_look(const struct trend_series *s, size_t first, struct trend_alarm *out)
{
	*out = (struct trend_alarm){.kind = TREND_QUIET};
	if (first + 2 > s->count)
		return TREND_QUIET;
	look_back(s, first, out);
	if (out->kind == TREND_QUIET && find_step(s, first, out))
		set_alarm(s, out, TREND_STEP);
	return out->kind;
}

bool trend_is_off(const struct trend_series *s, struct trend_alarm *out)
{
	*out = (struct trend_alarm){.kind = TREND_QUIET};
	if (s->count < 2 || !find_step(s, 0, out))
		return false;
	set_alarm(s, out, TREND_STEP);
	return true;
}

bool trend_is_at(const struct trend_series *s, double level)
{
	return s->count && !is_beyond_effect(s, level, s->points[s->count - 1].median);
}
