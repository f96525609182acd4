// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

/* Rows come sorted by series, then by group, then by run: a change of one ends what was gathered. */
static const char query[] =
	"SELECT measurement.scenario, metric.metric, measurement.params, metric.unit, "
	"metric.better, metric.rounds, metric.warmup, metric.headline, metric.smallest_effect, "
	"metric.count, metric.median, metric.p99, metric.run "
	"FROM metric JOIN measurement ON measurement.id = metric.measurement "
	"JOIN run ON run.id = metric.run "
	"WHERE run.status = 'pass' AND coalesce(run.host_identity, '') = ?1 AND run.clock = ?2 "
	"AND (?3 IS NULL OR measurement.scenario = ?3 OR run.scenario_name = ?3) "
	"AND (?4 IS NULL OR metric.metric = ?4) "
	"ORDER BY 1, 3, 2, 4, 6, 7, run.kernel_key, run.agent_sha256, run.id";
enum {
	SCENARIO,
	METRIC,
	PARAMS,
	UNIT,
	BETTER,
	ROUNDS,
	WARMUP,
	HEADLINE,
	EFFECT,
	COUNT,
	MEDIAN,
	P99,
	RUN
};

struct loader {
	struct series_list *list;
	struct series current;
	struct series_boots history; /* of one group of other runs */
	const char *group;	     /* borrowed of the selection; NULL: none yet */
};

static void add_boot(struct series_boots *b, sqlite3_stmt *row)
{
	b->median = xrealloc(b->median, b->count + 1, sizeof(*b->median));
	b->p99 = xrealloc(b->p99, b->count + 1, sizeof(*b->p99));
	b->median[b->count] = sqlite3_column_double(row, MEDIAN);
	b->p99[b->count++] = sqlite3_column_double(row, P99);
	b->samples += (uint64_t)sqlite3_column_int64(row, COUNT);
}

static void release_boots(struct series_boots *b)
{
	free(b->median);
	free(b->p99);
	*b = (struct series_boots){0};
}

static void release_series(struct series *s)
{
	free(s->scenario);
	free(s->metric);
	free(s->params);
	free(s->unit);
	free(s->better);
	release_boots(&s->base);
	release_boots(&s->new);
	statistics_noise_release(&s->median_noise);
	statistics_noise_release(&s->p99_noise);
	*s = (struct series){0};
}

/* ---- history ---- */

static void learn(struct statistics_noise *noise, double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(v[i] > 0))
			return; /* no logarithm, no relative noise */
		v[i] = log(v[i]);
	}
	statistics_noise_add(noise, v, n);
}

static void end_group(struct loader *l)
{
	learn(&l->current.median_noise, l->history.median, l->history.count);
	learn(&l->current.p99_noise, l->history.p99, l->history.count);
	release_boots(&l->history);
	l->group = NULL;
}

/* ---- series ---- */

static bool same_series(const struct series *s, sqlite3_stmt *row)
{
	return s->scenario && !strcmp(s->scenario, database_text(row, SCENARIO)) &&
	       !strcmp(s->params, database_text(row, PARAMS)) &&
	       !strcmp(s->metric, database_text(row, METRIC)) &&
	       !strcmp(s->unit, database_text(row, UNIT)) &&
	       s->rounds == sqlite3_column_int64(row, ROUNDS) &&
	       s->warmup == sqlite3_column_int64(row, WARMUP);
}

static bool same_metric(const struct series *a, const struct series *b)
{
	return !strcmp(a->scenario, b->scenario) && !strcmp(a->params, b->params) &&
	       !strcmp(a->metric, b->metric);
}

/* Keeps the series if both kernels have it; of several with other rounds, the newest. */
static void end_series(struct loader *l)
{
	struct series_list *list = l->list;
	struct series *last = list->count ? &list->items[list->count - 1] : NULL;
	struct series *s = &l->current;

	end_group(l);
	if (!s->base.count || !s->new.count) {
		list->one_sided += s->base.count || s->new.count;
		release_series(s);
		return;
	}
	if (last && same_metric(last, s)) {
		list->other_rounds++;
		if (last->newest < s->newest) {
			struct series older = *last;

			*last = *s;
			*s = older;
		}
		release_series(s);
		return;
	}
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = *s;
	*s = (struct series){0};
}

static void begin_series(struct series *s, sqlite3_stmt *row)
{
	s->scenario = xstrdup(database_text(row, SCENARIO));
	s->metric = xstrdup(database_text(row, METRIC));
	s->params = xstrdup(database_text(row, PARAMS));
	s->unit = xstrdup(database_text(row, UNIT));
	s->better = xstrdup(database_text(row, BETTER));
	s->rounds = sqlite3_column_int64(row, ROUNDS);
	s->warmup = sqlite3_column_int64(row, WARMUP);
}

static void add_row(struct loader *l, const struct select_run *run, sqlite3_stmt *row)
{
	struct series *s = &l->current;

	if (run->role == SELECT_OTHER) {
		if (!l->group || strcmp(l->group, run->group))
			end_group(l);
		l->group = run->group;
		add_boot(&l->history, row);
		return;
	}
	add_boot(run->role == SELECT_BASE ? &s->base : &s->new, row);
	if (run->role == SELECT_NEW && run->id >= s->newest) {
		s->newest = run->id;
		s->headline = sqlite3_column_int(row, HEADLINE);
		s->smallest_effect = sqlite3_column_double(row, EFFECT);
	}
}

int series_load(struct results_db *db, const struct selection *s,
		const struct results_filter *filter, struct series_list *out, struct error *err)
{
	struct loader l = {.list = out};
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	*out = (struct series_list){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, s->environment.identity);
	database_bind_text(stmt, 2, s->environment.clock);
	database_bind_text(stmt, 3, filter->scenario);
	database_bind_text(stmt, 4, filter->metric);
	while ((ret = database_step(db, stmt, err)) == 1) {
		const struct select_run *run = select_find(s, sqlite3_column_int64(stmt, RUN));

		if (!run || run->repeat)
			continue;
		if (!same_series(&l.current, stmt)) {
			end_series(&l);
			begin_series(&l.current, stmt);
		}
		add_row(&l, run, stmt);
	}
	end_series(&l);
	sqlite3_finalize(stmt);
	if (ret)
		series_free(out);
	return ret;
}

void series_free(struct series_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		release_series(&l->items[i]);
	free(l->items);
	*l = (struct series_list){0};
}
