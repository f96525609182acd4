// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/tests.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

/* From the runs to their tests: SQLite would rather read the tests of all runs. */
static const char query[] =
	"SELECT measurement.scenario, measurement.params, test.name, test.result, test.text "
	"FROM run CROSS JOIN test ON test.run = run.id "
	"JOIN measurement ON measurement.id = test.measurement "
	"WHERE " SELECT_KERNEL_WHERE "AND " SELECT_ENVIRONMENT_WHERE
	"AND coalesce(run.class, '') IN ('', 'guest', 'integrity') "
	"AND (?6 IS NULL OR measurement.scenario = ?6 OR run.scenario_name = ?6) "
	"ORDER BY 1, 2, 3, run.id, test.rowid";
enum { SCENARIO, PARAMS, NAME, RESULT, TEXT };

struct tests {
	struct results_changed_test *items;
	size_t count;
	size_t last; /* the one that the row before was of: rows come sorted by test */
};

/* From good to bad; a test that ran several times counts by its worst result. */
static int badness_of(const char *result)
{
	static const char *const order[] = {"pass", "skip", "fail"};

	for (size_t i = 0; result && i < ARRAY_SIZE(order); i++)
		if (!strcmp(result, order[i]))
			return (int)i;
	return -1;
}

static bool is_of_test(const struct results_changed_test *t, sqlite3_stmt *row)
{
	return !strcmp(t->scenario, database_text(row, SCENARIO)) &&
	       !strcmp(t->params, database_text(row, PARAMS)) &&
	       !strcmp(t->name, database_text(row, NAME));
}

static struct results_changed_test *find_test(struct tests *t, sqlite3_stmt *row)
{
	if (t->last < t->count && is_of_test(&t->items[t->last], row))
		return &t->items[t->last];
	for (t->last = 0; t->last < t->count; t->last++)
		if (is_of_test(&t->items[t->last], row))
			return &t->items[t->last];
	t->items = xrealloc(t->items, t->count + 1, sizeof(*t->items));
	t->items[t->count++] = (struct results_changed_test){
		.scenario = xstrdup(database_text(row, SCENARIO)),
		.params = xstrdup(database_text(row, PARAMS)),
		.name = xstrdup(database_text(row, NAME)),
	};
	return &t->items[t->last];
}

static void add_result(struct tests *t, sqlite3_stmt *row, bool is_new)
{
	struct results_changed_test *item = find_test(t, row);
	const char *result = database_text(row, RESULT);
	char **worst = &item->base;

	if (is_new)
		worst = &item->new;
	if (badness_of(result) <= badness_of(*worst))
		return;
	free(*worst);
	*worst = xstrdup(result);
	if (!strcmp(result, "fail")) {
		free(item->text);
		item->text = xstrdup(database_text(row, TEXT));
	}
}

static int load_results(struct results_db *db, const struct selection *s,
			const struct select_kernel *k, const struct results_filter *filter,
			struct tests *t, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	select_bind(stmt, k, filter->session);
	select_bind_environment(stmt, &s->environment);
	database_bind_text(stmt, 6, filter->scenario);
	while ((ret = database_step(db, stmt, err)) == 1)
		add_result(t, stmt, k == &s->new);
	sqlite3_finalize(stmt);
	return ret;
}

/* A measurement (no name) leaves a row only when something was wrong: no row means that it passed. A
 * selftest that one kernel never ran says nothing. */
static bool is_different(struct results_changed_test *t)
{
	if (!t->name[0] && !t->base)
		t->base = xstrdup("pass");
	if (!t->name[0] && !t->new)
		t->new = xstrdup("pass");
	return t->base && t->new &&strcmp(t->base, t->new) != 0;
}

static void free_test(struct results_changed_test *t)
{
	free(t->scenario);
	free(t->params);
	free(t->name);
	free(t->base);
	free(t->new);
	free(t->text);
}

/* Returns how many selftests ended the same with both kernels. */
static size_t keep_differing(struct tests *t)
{
	size_t kept = 0, same = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct results_changed_test *item = &t->items[i];

		if (is_different(item)) {
			t->items[kept++] = *item;
			continue;
		}
		same += item->name[0] && item->base && item->new;
		free_test(item);
	}
	t->count = kept;
	return same;
}

int tests_load(struct results_db *db, const struct selection *s,
	       const struct results_filter *filter, struct results_comparison *out,
	       struct error *err)
{
	struct tests tests = {0};
	int ret;

	if (s->halves) /* boots of one kernel: nothing differs */
		return 0;
	ret = load_results(db, s, &s->base, filter, &tests, err);
	if (ret)
		goto out;
	ret = load_results(db, s, &s->new, filter, &tests, err);
out:
	out->same_tests = keep_differing(&tests);
	out->tests = tests.items;
	out->ntests = tests.count;
	return ret;
}

bool tests_have_common(const struct results_comparison *c)
{
	for (size_t i = 0; i < c->ntests; i++)
		if (c->tests[i].name[0])
			return true;
	return c->same_tests > 0;
}
