// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/failures.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define ENVIRONMENT_WHERE \
	"coalesce(run.agent_sha256, '') = ?4 AND coalesce(run.host_identity, '') = ?5 "

static int prepare(struct results_db *db, const char *sql, const struct selection *s,
		   const struct select_kernel *k, const char *session, sqlite3_stmt **stmt,
		   struct error *err)
{
	int ret = database_prepare(db, sql, stmt, err);

	if (ret)
		return ret;
	select_bind(*stmt, k, session);
	database_bind_text(*stmt, 4, s->environment.agent);
	database_bind_text(*stmt, 5, s->environment.identity);
	return 0;
}

/* How many boots failed by the kernel's own fault, and what the newest said. */
static int count_failed(struct results_db *db, const struct selection *s,
			const struct select_kernel *k, const char *session, int *failed,
			char **said, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = prepare(db,
			  "SELECT class, coalesce(error, '') FROM run WHERE " SELECT_KERNEL_WHERE
			  "AND " ENVIRONMENT_WHERE "AND class IN ('guest', 'integrity') ORDER BY "
			  "id DESC",
			  s, k, session, &stmt, err);

	if (ret)
		return ret;
	while ((ret = database_step(db, stmt, err)) == 1) {
		if (!*failed && !*said)
			*said = xasprintf("%s: %s: %s", k->label, database_text(stmt, 0),
					  database_text(stmt, 1));
		++*failed;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* The kernel died, hung or complained, whatever it computed. */
#define IS_GUEST "(class = 'guest' OR instr(coalesce(error, ''), '" RESULTS_BESIDES "') > 0)"
#define IS_NEW	 "(kernel_key = ?2 AND (?1 IS NULL OR kernel_name = ?1))"
#define IS_BASE	 "(kernel_key = ?7 AND (?6 IS NULL OR kernel_name = ?6))"

/* Boots that the new kernel failed beyond those that the base failed of the same scenario: a base
 * that fails one scenario excuses nothing in another, and a selftest that it fails no KASAN. */
static int count_more_failed(struct results_db *db, const struct selection *s, const char *session,
			     int *more, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = prepare(db,
			  "SELECT coalesce(sum(max(new - base, new_guest - base_guest, 0)), 0) "
			  "FROM (SELECT sum(" IS_NEW ") AS new, sum(" IS_BASE ") AS base, "
			  "sum(" IS_NEW " AND " IS_GUEST ") AS new_guest, "
			  "sum(" IS_BASE " AND " IS_GUEST ") AS base_guest "
			  "FROM run WHERE (?3 IS NULL OR session = ?3) AND " ENVIRONMENT_WHERE
			  "AND class IN ('guest', 'integrity') GROUP BY scenario_name)",
			  s, &s->new, session, &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 6, s->base.name);
	database_bind_text(stmt, 7, s->base.key);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*more = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return ret < 0 ? ret : 0;
}

/* ---- tests ---- */

/* The worst result counts: pass, skip, fail. */
static int badness(const char *result)
{
	return !result ? -1 : !strcmp(result, "pass") ? 0 : !strcmp(result, "skip") ? 1 : 2;
}

struct tests {
	struct results_changed_test *items;
	size_t count;
};

static struct results_changed_test *find_test(struct tests *t, sqlite3_stmt *row)
{
	struct results_changed_test *item;

	for (size_t i = 0; i < t->count; i++) {
		item = &t->items[i];
		if (!strcmp(item->scenario, database_text(row, 0)) &&
		    !strcmp(item->params, database_text(row, 1)) &&
		    !strcmp(item->name, database_text(row, 2)))
			return item;
	}
	t->items = xrealloc(t->items, t->count + 1, sizeof(*t->items));
	item = &t->items[t->count++];
	*item = (struct results_changed_test){.scenario = xstrdup(database_text(row, 0)),
					      .params = xstrdup(database_text(row, 1)),
					      .name = xstrdup(database_text(row, 2))};
	return item;
}

static void take_test(struct tests *t, sqlite3_stmt *row, bool is_new)
{
	struct results_changed_test *item = find_test(t, row);
	const char *result = database_text(row, 3);
	char **worst = is_new ? &item->new : &item->base;

	if (badness(result) <= badness(*worst))
		return;
	free(*worst);
	*worst = xstrdup(result);
	if (badness(result) == 2) {
		free(item->text);
		item->text = xstrdup(database_text(row, 4));
	}
}

static int load_tests(struct results_db *db, const struct selection *s,
		      const struct select_kernel *k, const struct results_filter *filter,
		      struct tests *t, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = prepare(
		db,
		"SELECT measurement.scenario, measurement.params, test.name, test.result, "
		"test.text FROM test JOIN measurement ON measurement.id = test.measurement JOIN "
		"run "
		"ON run.id = test.run WHERE " SELECT_KERNEL_WHERE "AND " ENVIRONMENT_WHERE
		"AND coalesce(run.class, '') IN ('', 'guest', 'integrity') AND (?6 IS NULL OR "
		"measurement.scenario = ?6 OR run.scenario_name = ?6)",
		s, k, filter->session, &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 6, filter->scenario);
	while ((ret = database_step(db, stmt, err)) == 1)
		take_test(t, stmt, k == &s->new);
	sqlite3_finalize(stmt);
	return ret;
}

/* A measurement (no name) leaves a row only when something was wrong: none means it passed. A
 * selftest that one kernel never ran says nothing. */
static bool differs(struct results_changed_test *t)
{
	if (!t->name[0]) {
		t->base = t->base ? t->base : xstrdup("pass");
		t->new = t->new ? t->new : xstrdup("pass");
	}
	return t->base && t->new &&strcmp(t->base, t->new);
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

/* Returns how many selftests ended with both as with the other. */
static size_t keep_differing(struct tests *t)
{
	size_t kept = 0, same = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct results_changed_test *item = &t->items[i];

		if (differs(item)) {
			t->items[kept++] = *item;
			continue;
		}
		same += item->name[0] && item->base && item->new;
		free_test(item);
	}
	t->count = kept;
	return same;
}

int failures_load(struct results_db *db, const struct selection *s,
		  const struct results_filter *filter, struct results_comparison *out,
		  struct error *err)
{
	struct tests tests = {0};
	int ret =
		count_failed(db, s, &s->new, filter->session, &out->new_failed, &out->failure, err);

	if (s->halves) { /* one kernel: nothing differs */
		out->base_failed = out->new_failed;
		return ret;
	}
	ret = ret ? ret
		  : count_failed(db, s, &s->base, filter->session, &out->base_failed, &out->failure,
				 err);
	ret = ret ? ret : count_more_failed(db, s, filter->session, &out->more_failed, err);
	ret = ret ? ret : load_tests(db, s, &s->base, filter, &tests, err);
	ret = ret ? ret : load_tests(db, s, &s->new, filter, &tests, err);
	out->same_tests = keep_differing(&tests);
	out->tests = tests.items;
	out->ntests = tests.count;
	return ret;
}
