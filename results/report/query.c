// SPDX-License-Identifier: GPL-2.0-only
/* From the database to a struct report: the comparison, and the boots behind it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/columns.h"
#include "results/store/database.h"
#include "results/store/distribution.h"
#include "results/report/words.h"
#include "results/compare/select.h"

struct report_strings { /* texts that live as long as the report */
	char **items;
	size_t count;
};

/* Keeps @text, which becomes the report's. */
static const char *own(struct report *r, char *text)
{
	struct report_strings *s = r->strings;

	s->items = xrealloc(s->items, s->count + 1, sizeof(*s->items));
	return s->items[s->count++] = text;
}

static const char *keep(struct report *r, const char *text)
{
	return own(r, xstrdup(text));
}

struct loading;
typedef int take_row(struct report *r, sqlite3_stmt *row, struct loading *l, struct error *err);

/* Steps through all rows of @stmt, giving each to @take; finalizes it. */
static int each_row(struct results_db *db, sqlite3_stmt *stmt, take_row *take, struct report *r,
		    struct loading *l, struct error *err)
{
	int ret;

	while ((ret = database_step(db, stmt, err)) == 1) {
		ret = take(r, stmt, l, err);
		if (ret)
			break;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* ---- boots ---- */

struct loading {
	const struct selection *selection;
	struct report_boot *boot; /* whose rows are read */
};

/* A passed boot belongs to the side that it was compared on; a failed one to its kernel's. */
static int side_of(const struct selection *s, int64_t id, const struct results_boot *boot)
{
	const struct select_run *run = select_find(s, id);
	bool passed = boot->class == RESULTS_OK;

	if (passed && (!run || run->repeat || run->role == SELECT_OTHER))
		return -1;
	if (passed)
		return run->role == SELECT_BASE ? REPORT_BASE : REPORT_NEW;
	if (!strcmp(boot->kernel_key, s->new.key) &&
	    (!s->new.name || !strcmp(boot->kernel_name, s->new.name)))
		return REPORT_NEW;
	if (!strcmp(boot->kernel_key, s->base.key) &&
	    (!s->base.name || !strcmp(boot->kernel_name, s->base.name)))
		return REPORT_BASE;
	return -1;
}

static int take_boot(struct report *r, sqlite3_stmt *row, struct loading *l, struct error *err)
{
	int64_t id = sqlite3_column_int64(row, 0);
	struct results_boot boot = {0};
	int side;

	(void)err;
	boot_columns_read(row, 1, &boot);
	side = side_of(l->selection, id, &boot);
	if (side < 0)
		return 0;
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].kind == BOOT_COLUMN_TEXT)
			boot_column_set_text(&boot, i, keep(r, boot_column_text(&boot, i)));
	r->boots = xrealloc(r->boots, r->nboots + 1, sizeof(*r->boots));
	r->boots[r->nboots++] = (struct report_boot){.id = id, .side = side, .run = boot};
	return 0;
}

static int load_boots(struct results_db *db, const struct selection *s, const char *session,
		      struct report *r, struct error *err)
{
	struct loading loading = {.selection = s};
	struct strbuf query = STRBUF_INIT;
	sqlite3_stmt *stmt;
	int ret;

	strbuf_addstr(&query, "SELECT id, ");
	boot_columns_add_names(&query);
	strbuf_addstr(&query, " FROM run WHERE kernel_key IN (?1, ?2) "
			      "AND coalesce(agent_sha256, '') = ?3 "
			      "AND coalesce(host_identity, '') = ?4 "
			      "AND (?5 IS NULL OR session = ?5) ORDER BY id");
	ret = database_prepare(db, query.buf, &stmt, err);
	strbuf_release(&query);
	if (ret)
		return ret;
	database_bind_text(stmt, 1, s->base.key);
	database_bind_text(stmt, 2, s->new.key);
	database_bind_text(stmt, 3, s->environment.agent);
	database_bind_text(stmt, 4, s->environment.identity);
	database_bind_text(stmt, 5, session);
	return each_row(db, stmt, take_boot, r, &loading, err);
}

/* ---- distributions ---- */

/* Adds the sorted @more to the sorted buckets of @all. */
static void merge_histogram(struct results_metric *all, const struct results_bucket *more, size_t n)
{
	struct results_bucket *sum = xcalloc(all->nhist + n, sizeof(*sum));
	size_t i = 0, j = 0, k = 0;

	while (i < all->nhist || j < n) {
		if (j == n || (i < all->nhist && all->hist[i].bucket < more[j].bucket))
			sum[k++] = all->hist[i++];
		else if (i == all->nhist || more[j].bucket < all->hist[i].bucket)
			sum[k++] = more[j++];
		else {
			sum[k] = all->hist[i++];
			sum[k++].count += more[j++].count;
		}
	}
	free((void *)(uintptr_t)all->hist);
	all->hist = sum;
	all->nhist = k;
}

enum { SCENARIO, PARAMS, METRIC, MEDIAN, SCALE, COUNT, MIN, MAX, HISTOGRAM, ROUNDS, WARMUP };

static struct report_spread *spread_of(struct report *r, sqlite3_stmt *row, enum report_side side)
{
	for (size_t i = 0; i < r->comparison.nmetrics; i++) {
		const struct results_compared *m = &r->comparison.metrics[i];

		if (!strcmp(m->metric, database_text(row, METRIC)) &&
		    !strcmp(m->params, database_text(row, PARAMS)) &&
		    !strcmp(m->scenario, database_text(row, SCENARIO)))
			return &r->spreads[i * REPORT_SIDES + side];
	}
	return NULL;
}

/* One with other rounds is not of this comparison (see its notes). */
static bool is_alike(const struct report *r, const struct report_spread *s, sqlite3_stmt *row)
{
	const struct results_compared *m = &r->comparison.metrics[(s - r->spreads) / REPORT_SIDES];

	return m->rounds == sqlite3_column_int64(row, ROUNDS) &&
	       m->warmup == sqlite3_column_int64(row, WARMUP) &&
	       (!s->boots || s->all.scale == (uint32_t)sqlite3_column_int(row, SCALE));
}

static int take_metric(struct report *r, sqlite3_stmt *row, struct loading *l, struct error *err)
{
	struct report_spread *s = spread_of(r, row, l->boot->side);
	struct results_bucket *hist;
	uint64_t min, max;
	size_t n;

	if (!s || !is_alike(r, s, row))
		return 0;
	s->all.scale = sqlite3_column_int(row, SCALE);
	if (distribution_decode(sqlite3_column_blob(row, HISTOGRAM),
				sqlite3_column_bytes(row, HISTOGRAM), &hist, &n))
		return error_set(err, -EBADMSG,
				 "run %lld: a histogram is damaged; see: nestlab db check",
				 (long long)l->boot->id);
	s->medians = xrealloc(s->medians, s->boots + 1, sizeof(*s->medians));
	s->medians[s->boots++] = sqlite3_column_double(row, MEDIAN);
	min = sqlite3_column_double(row, MIN) * s->all.scale + 0.5;
	max = sqlite3_column_double(row, MAX) * s->all.scale + 0.5;
	s->all.min = s->all.count && s->all.min < min ? s->all.min : min;
	s->all.max = s->all.max > max ? s->all.max : max;
	s->all.count += sqlite3_column_int64(row, COUNT);
	merge_histogram(&s->all, hist, n);
	free(hist);
	return 0;
}

static int load_metrics(struct results_db *db, struct report *r, struct loading *l,
			struct error *err)
{
	sqlite3_stmt *stmt;
	int ret =
		database_prepare(db,
				 "SELECT m.scenario, m.params, metric, median, scale, count, min, "
				 "max, histogram, rounds, warmup FROM metric JOIN measurement m "
				 "ON m.id = measurement WHERE run = ?1",
				 &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, l->boot->id);
	return each_row(db, stmt, take_metric, r, l, err);
}

/* ---- tests ---- */

static struct report_test *test_of(struct report *r, sqlite3_stmt *stmt)
{
	const char *scenario = database_text(stmt, 0), *params = database_text(stmt, 1);
	const char *name = database_text(stmt, 2);
	struct report_test *t;

	for (size_t i = 0; i < r->ntests; i++) {
		t = &r->tests[i];
		if (!strcmp(t->name, name) && !strcmp(t->params, params) &&
		    !strcmp(t->scenario, scenario))
			return t;
	}
	r->tests = xrealloc(r->tests, r->ntests + 1, sizeof(*r->tests));
	t = &r->tests[r->ntests++];
	*t = (struct report_test){
		.scenario = keep(r, scenario), .params = keep(r, params), .name = keep(r, name)};
	return t;
}

/* The worst result of all boots counts, as in the comparison. */
static int rank_of(const char *result)
{
	static const char *const order[] = {"pass", "skip", "fail"};

	for (size_t i = 0; result && i < ARRAY_SIZE(order); i++)
		if (!strcmp(result, order[i]))
			return i;
	return -1;
}

static int take_test(struct report *r, sqlite3_stmt *row, struct loading *l, struct error *err)
{
	struct report_test *t = test_of(r, row);
	const char *result = database_text(row, 3);
	enum report_side side = l->boot->side;

	(void)err;
	if (rank_of(result) > rank_of(t->result[side])) {
		t->result[side] = keep(r, result);
		t->text[side] = keep(r, database_text(row, 4));
	}
	return 0;
}

static int load_tests(struct results_db *db, struct report *r, struct loading *l, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "SELECT m.scenario, m.params, name, result, text FROM test "
				   "JOIN measurement m ON m.id = measurement WHERE run = ?1 "
				   "ORDER BY test.rowid",
				   &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, l->boot->id);
	return each_row(db, stmt, take_test, r, l, err);
}

/* ---- all of it ---- */

static int load_behind(struct results_db *db, const struct selection *s, const char *session,
		       struct report *r, struct error *err)
{
	struct loading l = {.selection = s};
	int ret = load_boots(db, s, session, r, err);

	for (size_t i = r->nboots; !ret && i--;) {
		l.boot = &r->boots[i];
		if (l.boot->run.class == RESULTS_OK)
			ret = load_metrics(db, r, &l, err);
		ret = ret ? ret : load_tests(db, r, &l, err);
	}
	return ret;
}

static void find_commons(struct report *r)
{
	const struct results_comparison *c = &r->comparison;

	r->commons = xcalloc(c->nmetrics + 1, sizeof(*r->commons));
	for (size_t i = 0; i < c->nmetrics; i++)
		if (!words_find_common(r, c->metrics[i].scenario))
			r->commons[r->ncommons++] = (struct report_common){
				.scenario = c->metrics[i].scenario,
				.params = own(r, words_common_params(c, c->metrics[i].scenario)),
			};
}

static int load_all(struct results_db *db, const char *base, const char *new,
		    const struct results_filter *filter, struct report *r, struct error *err)
{
	const char *session = filter ? filter->session : NULL;
	struct selection s;
	int ret = results_compare(db, base, new, filter, &r->comparison, err);

	if (ret)
		return ret;
	r->strings = xcalloc(1, sizeof(*r->strings));
	find_commons(r);
	r->spreads = xcalloc(r->comparison.nmetrics * REPORT_SIDES + 1, sizeof(*r->spreads));
	ret = select_runs(db, base, new, session, &s, err);
	if (ret)
		return ret;
	ret = load_behind(db, &s, session, r, err);
	select_free(&s);
	return ret;
}

/* In one transaction: another nestlab may be storing runs meanwhile. */
int report_load(struct results_db *db, const char *base, const char *new,
		const struct results_filter *filter, struct report *r, struct error *err)
{
	int ret = database_exec(db, "BEGIN", err);

	*r = (struct report){0};
	if (ret)
		return ret;
	ret = load_all(db, base, new, filter, r, err);
	sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (ret)
		report_free(r);
	return ret;
}

void report_load_nothing(const char *base, const char *new, struct report *out)
{
	*out = (struct report){.comparison = {
				       .base = xstrdup(base),
				       .new = xstrdup(new),
				       .base_key = xstrdup(""),
				       .new_key = xstrdup(""),
				       .clock = xstrdup(""),
				       .verdict = VERDICT_INCONCLUSIVE,
			       }};
	out->strings = xcalloc(1, sizeof(*out->strings));
}

void report_free(struct report *r)
{
	for (size_t i = 0; r->spreads && i < r->comparison.nmetrics * REPORT_SIDES; i++) {
		free(r->spreads[i].medians);
		free((void *)(uintptr_t)r->spreads[i].all.hist);
	}
	for (size_t i = 0; r->strings && i < r->strings->count; i++)
		free(r->strings->items[i]);
	if (r->strings)
		free(r->strings->items);
	free(r->strings);
	free(r->commons);
	free(r->spreads);
	free(r->boots);
	free(r->tests);
	results_comparison_free(&r->comparison);
	*r = (struct report){0};
}

const struct results_boot *report_newest(const struct report *r, enum report_side side)
{
	static struct results_boot none;
	const struct results_boot *found = &none;

	boot_columns_set_unknown(&none);
	for (size_t i = 0; i < r->nboots; i++) {
		const struct report_boot *b = &r->boots[i];

		if (b->side == side && (b->run.class == RESULTS_OK || found == &none))
			found = &b->run;
	}
	return found;
}
