// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define FEW_SAMPLES \
	32 /* fewer than any boot has whose medians were seen to repeat though its samples do not */
#define SCATTER \
	0.005 /* of the median: the smallest effect that matters on a clock of which noise is assumed */

/*
 * Reads only the selected runs, whose ids are the JSON array ?1, so that old boots in the database cost
 * nothing. Rows come sorted by series, then in the order of the array: where the series or the group
 * changes, what was gathered so far is complete.
 */
static const char query[] =
	"SELECT wanted.key, metric.measurement, measurement.scenario, metric.metric, "
	"measurement.params, metric.unit, metric.better, metric.rounds, metric.warmup, "
	"metric.headline, metric.smallest_effect, metric.count, metric.min, metric.median, "
	"metric.p99 "
	"FROM json_each(?1) AS wanted CROSS JOIN metric ON metric.run = wanted.value "
	"JOIN measurement ON measurement.id = metric.measurement "
	"WHERE ?2 IS NULL OR metric.metric = ?2 "
	"ORDER BY metric.measurement, metric.metric, metric.unit, metric.rounds, metric.warmup, "
	"wanted.key";
enum {
	WANTED,
	MEASUREMENT,
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
	LEAST,
	MEDIAN,
	P99
};

struct loader {
	struct series_list *list;
	struct series current;
	int64_t measurement;	     /* of @current */
	struct series_boots history; /* of one group of other runs */
	const char *group;	     /* borrowed of the selection; NULL: none yet */
};

/* So few samples, and so far apart, that it is chance where their median lies. The lower half tells: a timer tick only adds. */
static bool is_scattered(sqlite3_stmt *row)
{
	double median = sqlite3_column_double(row, MEDIAN);

	return sqlite3_column_int64(row, COUNT) < FEW_SAMPLES &&
	       sqlite3_column_double(row, LEAST) < (1 - SCATTER) * median;
}

static void add_boot(struct series_boots *b, sqlite3_stmt *row)
{
	b->median = xrealloc(b->median, b->count + 1, sizeof(*b->median));
	b->p99 = xrealloc(b->p99, b->count + 1, sizeof(*b->p99));
	b->median[b->count] = sqlite3_column_double(row, MEDIAN);
	b->p99[b->count++] = sqlite3_column_double(row, P99);
	b->samples += (uint64_t)sqlite3_column_int64(row, COUNT);
	b->scattered |= is_scattered(row);
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

static void learn_noise(struct statistics_noise *noise, double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(v[i] > 0))
			return; /* it has no logarithm, so there is no relative noise to learn */
		v[i] = log(v[i]);
	}
	statistics_noise_add(noise, v, n);
}

static void end_group(struct loader *l)
{
	learn_noise(&l->current.median_noise, l->history.median, l->history.count);
	learn_noise(&l->current.p99_noise, l->history.p99, l->history.count);
	release_boots(&l->history);
	l->group = NULL;
}

/* ---- series ---- */

static bool is_of_series(const struct loader *l, sqlite3_stmt *row)
{
	const struct series *s = &l->current;

	return s->scenario && l->measurement == sqlite3_column_int64(row, MEASUREMENT) &&
	       !strcmp(s->metric, database_text(row, METRIC)) &&
	       !strcmp(s->unit, database_text(row, UNIT)) &&
	       s->rounds == sqlite3_column_int64(row, ROUNDS) &&
	       s->warmup == sqlite3_column_int64(row, WARMUP);
}

static bool is_same_metric(const struct series *a, const struct series *b)
{
	return !strcmp(a->scenario, b->scenario) && !strcmp(a->params, b->params) &&
	       !strcmp(a->metric, b->metric);
}

/* Keeps the series if both kernels have it; of several with other rounds, the newest. */
static void end_series(struct loader *l)
{
	struct series_list *list = l->list;
	struct series *last = NULL;
	struct series *s = &l->current;

	end_group(l);
	if (!s->base.count || !s->new.count) {
		list->one_sided += s->base.count || s->new.count;
		release_series(s);
		return;
	}
	if (list->count)
		last = &list->items[list->count - 1];
	if (last && is_same_metric(last, s)) {
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

static void begin_series(struct loader *l, sqlite3_stmt *row)
{
	l->measurement = sqlite3_column_int64(row, MEASUREMENT);
	l->current = (struct series){
		.scenario = xstrdup(database_text(row, SCENARIO)),
		.metric = xstrdup(database_text(row, METRIC)),
		.params = xstrdup(database_text(row, PARAMS)),
		.unit = xstrdup(database_text(row, UNIT)),
		.better = xstrdup(database_text(row, BETTER)),
		.rounds = sqlite3_column_int64(row, ROUNDS),
		.warmup = sqlite3_column_int64(row, WARMUP),
	};
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
	if (run->role == SELECT_BASE) {
		add_boot(&s->base, row);
		return;
	}
	add_boot(&s->new, row);
	if (run->when >= s->newest) {
		s->newest = run->when;
		s->headline = sqlite3_column_int(row, HEADLINE);
		s->smallest_effect = sqlite3_column_double(row, EFFECT);
	}
}

/* ---- reading ---- */

static int compare_groups(const void *a, const void *b)
{
	const struct select_run *x = *(const struct select_run *const *)a;
	const struct select_run *y = *(const struct select_run *const *)b;
	int order = strcmp(x->group, y->group);

	if (order)
		return order;
	return x->id < y->id ? -1 : 1;
}

/* The runs that count, group by group; the caller frees. */
static const struct select_run **list_wanted(const struct selection *s, size_t *n)
{
	const struct select_run **wanted = xcalloc(s->nruns, sizeof(struct select_run *));

	*n = 0;
	for (size_t i = 0; i < s->nruns; i++)
		if (!s->runs[i].repeat)
			wanted[(*n)++] = &s->runs[i];
	qsort(wanted, *n, sizeof(struct select_run *), compare_groups);
	return wanted;
}

static char *ids_json(const struct select_run *const *wanted, size_t n)
{
	struct strbuf ids = STRBUF_INIT;

	strbuf_addch(&ids, '[');
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&ids, "%s%lld", i ? "," : "", (long long)wanted[i]->id);
	strbuf_addch(&ids, ']');
	return strbuf_detach(&ids);
}

/* --scenario names a scenario ("multiplex") or the plan that the run was of ("quick"). */
static bool passes_filter(const struct results_filter *filter, const struct select_run *run,
			  sqlite3_stmt *row)
{
	return !filter->scenario || !strcmp(filter->scenario, run->scenario) ||
	       !strcmp(filter->scenario, database_text(row, SCENARIO));
}

static int read_rows(struct results_db *db, sqlite3_stmt *stmt,
		     const struct select_run *const *wanted, const struct results_filter *filter,
		     struct loader *l, struct error *err)
{
	int ret;

	while ((ret = database_step(db, stmt, err)) == 1) {
		const struct select_run *run = wanted[sqlite3_column_int64(stmt, WANTED)];

		if (!passes_filter(filter, run, stmt))
			continue;
		if (!is_of_series(l, stmt)) {
			end_series(l);
			begin_series(l, stmt);
		}
		add_row(l, run, stmt);
	}
	end_series(l);
	return ret;
}

int series_load(struct results_db *db, const struct selection *s,
		const struct results_filter *filter, struct series_list *out, struct error *err)
{
	size_t n;
	__cleanup_free const struct select_run **wanted = list_wanted(s, &n);
	__cleanup_free char *ids = ids_json(wanted, n);
	struct loader l = {.list = out};
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	*out = (struct series_list){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, ids);
	database_bind_text(stmt, 2, filter->metric);
	ret = read_rows(db, stmt, wanted, filter, &l, err);
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
