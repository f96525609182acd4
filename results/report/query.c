// SPDX-License-Identifier: GPL-2.0-only
/* From the database to a struct report: the comparison, and the boots behind it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "results/compare/select.h"
#include "results/report/words.h"
#include "results/store/columns.h"
#include "results/store/database.h"
#include "results/store/distribution.h"

struct report_strings { /* texts that live as long as the report */
	char **items;
	size_t count;
};

/* @text becomes the report's. */
static const char *own_text(struct report *r, char *text)
{
	struct report_strings *s = r->strings;

	s->items = xrealloc(s->items, s->count + 1, sizeof(*s->items));
	return s->items[s->count++] = text;
}

static const char *copy_column(struct report *r, sqlite3_stmt *row, int column)
{
	return own_text(r, xstrdup(database_text(row, column)));
}

/* ---- boots ---- */

static bool is_kernel(const struct results_boot *boot, const struct select_kernel *k)
{
	if (k->name && strcmp(boot->kernel_name, k->name))
		return false;
	return !strcmp(boot->kernel_key, k->key) && select_takes_l1(k, boot->l1_kernel_key);
}

/* The side on which a passed boot was compared; false: on neither. */
static bool find_passed_side(const struct selection *s, int64_t id, enum report_side *side)
{
	const struct select_run *run = select_find(s, id);

	if (!run || run->repeat || run->role == SELECT_OTHER)
		return false;
	*side = REPORT_NEW;
	if (run->role == SELECT_BASE)
		*side = REPORT_BASE;
	return true;
}

/* The side of a failed boot is that of its kernel; false: neither. */
static bool find_failed_side(const struct selection *s, const struct results_boot *boot,
			     enum report_side *side)
{
	*side = REPORT_NEW;
	if (is_kernel(boot, &s->new))
		return true;
	*side = REPORT_BASE;
	return is_kernel(boot, &s->base);
}

static void add_boot(struct report *r, sqlite3_stmt *row, const struct selection *s)
{
	struct report_boot b = {.id = sqlite3_column_int64(row, 0)};
	bool found;

	boot_columns_read(row, 1, &b.run);
	if (b.run.class == RESULTS_OK)
		found = find_passed_side(s, b.id, &b.side);
	else
		found = find_failed_side(s, &b.run, &b.side);
	if (!found)
		return;
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].kind == BOOT_COLUMN_TEXT)
			boot_column_set_text(&b.run, i, copy_column(r, row, 1 + (int)i));
	r->boots = xrealloc(r->boots, r->nboots + 1, sizeof(*r->boots));
	r->boots[r->nboots++] = b;
}

/* Only the boots of the environment that was compared: others are not behind these numbers. */
static int load_boots(struct results_db *db, const struct selection *s, const char *session,
		      struct report *r, struct error *err)
{
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
	while ((ret = database_step(db, stmt, err)) == 1)
		add_boot(r, stmt, s);
	sqlite3_finalize(stmt);
	return ret;
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

static struct report_spread *find_spread(struct report *r, sqlite3_stmt *row, enum report_side side)
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

/* A measurement with other rounds is not part of this comparison (see its notes). */
static bool is_alike(const struct report *r, const struct report_spread *s, sqlite3_stmt *row)
{
	const struct results_compared *m = &r->comparison.metrics[(s - r->spreads) / REPORT_SIDES];

	return m->rounds == sqlite3_column_int64(row, ROUNDS) &&
	       m->warmup == sqlite3_column_int64(row, WARMUP) &&
	       (!s->boots || s->all.scale == (uint32_t)sqlite3_column_int(row, SCALE));
}

static void add_range(struct results_metric *all, uint64_t min, uint64_t max)
{
	if (!all->count || min < all->min)
		all->min = min;
	if (max > all->max)
		all->max = max;
}

static int add_metric(struct report *r, const struct report_boot *b, sqlite3_stmt *row,
		      struct error *err)
{
	struct report_spread *s = find_spread(r, row, b->side);
	struct results_bucket *hist;
	size_t n;

	if (!s || !is_alike(r, s, row))
		return 0;
	if (distribution_decode(sqlite3_column_blob(row, HISTOGRAM),
				sqlite3_column_bytes(row, HISTOGRAM), &hist, &n))
		return error_set(err, -EBADMSG,
				 "run %lld: a histogram is damaged; see: %s db check",
				 (long long)b->id, shell_program());
	s->all.scale = sqlite3_column_int(row, SCALE);
	s->medians = xrealloc(s->medians, s->boots + 1, sizeof(*s->medians));
	s->medians[s->boots++] = sqlite3_column_double(row, MEDIAN);
	add_range(&s->all, sqlite3_column_double(row, MIN) * s->all.scale + 0.5,
		  sqlite3_column_double(row, MAX) * s->all.scale + 0.5);
	s->all.count += sqlite3_column_int64(row, COUNT);
	merge_histogram(&s->all, hist, n);
	free(hist);
	return 0;
}

static const char metrics_query[] =
	"SELECT m.scenario, m.params, metric, median, scale, count, min, max, histogram, rounds, "
	"warmup FROM metric JOIN measurement m ON m.id = measurement WHERE run = ?1";

/* ---- tests ---- */

static struct report_test *find_test(struct report *r, sqlite3_stmt *stmt)
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
	*t = (struct report_test){.scenario = copy_column(r, stmt, 0),
				  .params = copy_column(r, stmt, 1),
				  .name = copy_column(r, stmt, 2)};
	return t;
}

/* The worst result of all boots counts, as in the comparison. */
static int rank_result(const char *result)
{
	static const char *const order[] = {"pass", "skip", "fail"};

	for (size_t i = 0; result && i < ARRAY_SIZE(order); i++)
		if (!strcmp(result, order[i]))
			return i;
	return -1;
}

static int add_test(struct report *r, const struct report_boot *b, sqlite3_stmt *row,
		    struct error *err)
{
	struct report_test *t = find_test(r, row);

	(void)err;
	if (rank_result(database_text(row, 3)) > rank_result(t->result[b->side])) {
		t->result[b->side] = copy_column(r, row, 3);
		t->text[b->side] = copy_column(r, row, 4);
	}
	return 0;
}

static const char tests_query[] =
	"SELECT m.scenario, m.params, name, result, text FROM test "
	"JOIN measurement m ON m.id = measurement WHERE run = ?1 ORDER BY test.rowid";

/* ---- all of it ---- */

typedef int add_row(struct report *r, const struct report_boot *b, sqlite3_stmt *row,
		    struct error *err);

/* Gives each row of boot @b to @add. */
static int load_rows(struct results_db *db, sqlite3_stmt *stmt, add_row *add, struct report *r,
		     const struct report_boot *b, struct error *err)
{
	int ret;

	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, b->id);
	while ((ret = database_step(db, stmt, err)) == 1) {
		ret = add(r, b, stmt, err);
		if (ret)
			return ret;
	}
	return ret;
}

/* The rows of @query for all boots; the newest come first, whose scale counts (is_alike()). */
static int load_all_rows(struct results_db *db, const char *query, bool passed_only, add_row *add,
			 struct report *r, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	for (size_t i = r->nboots; i-- > 0;) {
		const struct report_boot *b = &r->boots[i];

		if (passed_only && b->run.class != RESULTS_OK)
			continue;
		ret = load_rows(db, stmt, add, r, b, err);
		if (ret)
			break;
	}
	sqlite3_finalize(stmt);
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
				.params =
					own_text(r, words_common_params(c, c->metrics[i].scenario)),
			};
}

static int load_selected(struct results_db *db, struct selection *s,
			 const struct results_filter *filter, struct report *r, struct error *err)
{
	int ret = results_compare_selected(db, s, filter, &r->comparison, err);

	if (ret)
		return ret;
	r->strings = xcalloc(1, sizeof(*r->strings));
	find_commons(r);
	r->spreads = xcalloc(r->comparison.nmetrics * REPORT_SIDES + 1, sizeof(*r->spreads));
	ret = load_boots(db, s, filter->session, r, err);
	if (ret)
		return ret;
	ret = load_all_rows(db, metrics_query, true, add_metric, r, err);
	if (ret)
		return ret;
	/* a failed boot has no numbers, but its tests count */
	return load_all_rows(db, tests_query, false, add_test, r, err);
}

static int load_comparison(struct results_db *db, const char *base, const char *new,
			   const struct results_filter *filter, struct report *r, struct error *err)
{
	static const struct results_filter everything;
	struct selection s;
	int ret;

	if (!filter)
		filter = &everything;
	ret = select_runs(db, base, new, filter->session, &s, err);
	if (ret)
		return ret;
	ret = load_selected(db, &s, filter, r, err);
	select_free(&s);
	return ret;
}

/* In one transaction: another nestlab may be storing runs meanwhile. */
int report_load(struct results_db *db, const char *base, const char *new,
		const struct results_filter *filter, struct report *r, struct error *err)
{
	int ret = database_exec(db, "BEGIN", err);

	*r = (struct report){0};
	boot_columns_set_unknown(&r->unknown);
	if (ret)
		return ret;
	ret = results_head(db, &r->head, err);
	if (!ret)
		ret = load_comparison(db, base, new, filter, r, err);
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
	boot_columns_set_unknown(&out->unknown);
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

const char *report_side_name(enum report_side side)
{
	static const char *const names[REPORT_SIDES] = {"base", "new"};

	return names[side];
}

const struct results_boot *report_newest(const struct report *r, enum report_side side)
{
	const struct results_boot *found = NULL;

	for (size_t i = 0; i < r->nboots; i++) {
		const struct report_boot *b = &r->boots[i];

		if (b->side == side && (b->run.class == RESULTS_OK || !found))
			found = &b->run;
	}
	if (!found)
		return &r->unknown;
	return found;
}
