// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/failures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/compare/statistics.h"

/* ---- counting ---- */

/* What the newest boot said that failed by the kernel's own fault. */
static int find_newest_failure(struct results_db *db, const struct selection *s,
			       const struct select_kernel *k, const char *session, char **said,
			       struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(
		db,
		"SELECT class, coalesce(error, '') FROM run WHERE " SELECT_KERNEL_WHERE
		"AND " SELECT_ENVIRONMENT_WHERE "AND class IN ('guest', 'integrity') "
		"ORDER BY " SELECT_WHEN " DESC LIMIT 1",
		&stmt, err);

	if (ret)
		return ret;
	select_bind(stmt, k, session);
	select_bind_environment(stmt, &s->environment);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*said = xasprintf("%s: %s: %s", k->label, database_text(stmt, 0),
				  database_text(stmt, 1));
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	return 0;
}

/* Of the new kernel, else of the base. */
static int find_newest_failures(struct results_db *db, const struct selection *s,
				const char *session, struct results_comparison *out,
				struct error *err)
{
	int ret = find_newest_failure(db, s, &s->new, session, &out->failure, err);

	if (ret || out->failure)
		return ret;
	return find_newest_failure(db, s, &s->base, session, &out->failure, err);
}

/* A boot may have computed something wrong and died as well. */
#define IS_DEAD "(class = 'guest' OR instr(coalesce(error, ''), '" RESULTS_BESIDES "') > 0)"

/* Copies of boots count like any others: a boot that failed left no samples that could tell. */
static const char count_query[] =
	"SELECT scenario_name, count(*), coalesce(sum(class IS NOT NULL), 0), "
	"coalesce(sum(class IS NOT NULL AND " IS_DEAD "), 0) "
	"FROM run WHERE " SELECT_KERNEL_WHERE "AND " SELECT_ENVIRONMENT_WHERE
	"AND (class IS NULL OR class IN ('guest', 'integrity')) "
	"GROUP BY scenario_name ORDER BY scenario_name";
enum { SCENARIO, BOOTS, FAILED, DIED };

struct counts { /* of one scenario */
	char *scenario;
	struct tally {
		int boots, failed, died;
	} base, new;
};

struct counts_list {
	struct counts *items;
	size_t count;
};

static struct counts *find_counts(struct counts_list *l, const char *scenario)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i].scenario, scenario))
			return &l->items[i];
	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count] = (struct counts){.scenario = xstrdup(scenario)};
	return &l->items[l->count++];
}

static int count_boots(struct results_db *db, const struct selection *s,
		       const struct select_kernel *k, const char *session, struct counts_list *l,
		       struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, count_query, &stmt, err);

	if (ret)
		return ret;
	select_bind(stmt, k, session);
	select_bind_environment(stmt, &s->environment);
	while ((ret = database_step(db, stmt, err)) == 1) {
		struct counts *c = find_counts(l, database_text(stmt, SCENARIO));
		struct tally *side = &c->base;

		if (k == &s->new)
			side = &c->new;
		*side = (struct tally){
			.boots = sqlite3_column_int(stmt, BOOTS),
			.failed = sqlite3_column_int(stmt, FAILED),
			.died = sqlite3_column_int(stmt, DIED),
		};
	}
	sqlite3_finalize(stmt);
	return ret;
}

static void free_counts(struct counts_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].scenario);
	free(l->items);
}

static int compare_counts(const void *a, const void *b)
{
	const struct counts *x = a, *y = b;

	return strcmp(x->scenario, y->scenario);
}

static void add_rate(struct results_comparison *out, const struct counts *c, const char *what,
		     int base_failed, int new_failed)
{
	if (!base_failed && !new_failed)
		return;
	out->failures = xrealloc(out->failures, out->nfailures + 1, sizeof(*out->failures));
	out->failures[out->nfailures++] = (struct results_failure_rate){
		.scenario = xstrdup(c->scenario),
		.what = what,
		.base_boots = c->base.boots,
		.base_failed = base_failed,
		.new_boots = c->new.boots,
		.new_failed = new_failed,
	};
}

/* The deaths are the same question as the failures where all who failed died. */
static void add_rates(struct results_comparison *out, struct counts_list *l)
{
	qsort(l->items, l->count, sizeof(*l->items), compare_counts);
	for (size_t i = 0; i < l->count; i++) {
		const struct counts *c = &l->items[i];

		if (!c->new.boots)
			continue; /* which says nothing of the new kernel */
		add_rate(out, c, "failed", c->base.failed, c->new.failed);
		if (c->base.died != c->base.failed || c->new.died != c->new.failed)
			add_rate(out, c, "died", c->base.died, c->new.died);
	}
}

static void add_totals(struct results_comparison *out, const struct counts_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		out->base_failed += l->items[i].base.failed;
		out->new_failed += l->items[i].new.failed;
	}
}

/* ---- judging ---- */

static double rate_of(int failed, int boots)
{
	if (!boots)
		return 0;
	return (double)failed / boots;
}

static double p_more(const struct results_failure_rate *r)
{
	return statistics_fisher((unsigned int)r->base_failed, (unsigned int)r->base_boots,
				 (unsigned int)r->new_failed, (unsigned int)r->new_boots);
}

static double p_fewer(const struct results_failure_rate *r)
{
	return statistics_fisher((unsigned int)r->new_failed, (unsigned int)r->new_boots,
				 (unsigned int)r->base_failed, (unsigned int)r->base_boots);
}

/* These p-values are fractions of whole numbers: three boots of each give 1/20, which has to pass 0.05. */
static bool is_significant(double p, double alpha)
{
	return p <= alpha * (1 + 1e-9);
}

/* The row if each kernel had @more boots and failed as often as so far. */
static struct results_failure_rate extrapolate(const struct results_failure_rate *r, int more)
{
	struct results_failure_rate out = *r;

	out.base_boots += more;
	out.new_boots += more;
	out.base_failed = (int)lround(rate_of(r->base_failed, r->base_boots) * out.base_boots);
	out.new_failed = (int)lround(rate_of(r->new_failed, r->new_boots) * out.new_boots);
	return out;
}

/* Boots more of each kernel until the rates differ significantly; 0: they do not within
 * RESULTS_MORE_BOOTS_MAX. */
static int boots_to_tell(const struct results_failure_rate *r, double limit)
{
	for (int more = 1; more <= RESULTS_MORE_BOOTS_MAX; more++) {
		struct results_failure_rate later = extrapolate(r, more);

		if (is_significant(p_more(&later), limit))
			return more;
	}
	return 0;
}

/*
 * The new kernel failed more often, but it may be chance. If the base failed too, and even
 * RESULTS_MORE_BOOTS_MAX boots more of each would not tell the rates apart, they are taken to be the
 * same. A base that never failed is no such witness: then a failure is new until shown otherwise.
 */
static void judge_undecided(struct results_failure_rate *r, double limit)
{
	int more = boots_to_tell(r, limit);

	if (!more && r->base_failed) {
		r->verdict = VERDICT_UNCHANGED;
		return;
	}
	r->verdict = VERDICT_INCONCLUSIVE;
	r->more_boots = more;
	if (!more)
		r->more_boots = RESULTS_MORE_BOOTS_MAX;
}

static void judge_rate(struct results_failure_rate *r, double more, double fewer, double alpha,
		       size_t n)
{
	bool is_higher =
		rate_of(r->new_failed, r->new_boots) > rate_of(r->base_failed, r->base_boots);

	r->p_value = more;
	if (is_significant(more, alpha)) {
		r->verdict = VERDICT_REGRESSED;
	} else if (is_significant(fewer, alpha)) {
		r->verdict = VERDICT_IMPROVED;
		r->p_value = fewer;
	} else if (is_higher) {
		judge_undecided(r, alpha / (double)n);
	} else {
		r->verdict = VERDICT_UNCHANGED;
	}
}

static char *explain_rate(const struct results_failure_rate *r)
{
	__cleanup_free char *counts =
		xasprintf("%d of %d boots %s, with the base %d of %d", r->new_failed, r->new_boots,
			  r->what, r->base_failed, r->base_boots);

	switch (r->verdict) {
	case VERDICT_REGRESSED:
		return xasprintf("%s: more often, p %.2g", counts, r->p_value);
	case VERDICT_IMPROVED:
		return xasprintf("%s: less often, p %.2g", counts, r->p_value);
	case VERDICT_INCONCLUSIVE:
		if (!r->base_boots)
			return xasprintf("%s: the base never ran this scenario here", counts);
		return xasprintf("%s: too few boots to tell a rise from chance, p %.2g", counts,
				 r->p_value);
	default:
		return xasprintf("%s: no more often than chance explains, p %.2g", counts,
				 r->p_value);
	}
}

void failures_judge(struct results_failure_rate *rows, size_t n, double alpha)
{
	__cleanup_free double *more = xcalloc(n, sizeof(*more));
	__cleanup_free double *fewer = xcalloc(n, sizeof(*fewer));

	for (size_t i = 0; i < n; i++) {
		more[i] = p_more(&rows[i]);
		fewer[i] = p_fewer(&rows[i]);
	}
	statistics_benjamini_hochberg(more, n);
	statistics_benjamini_hochberg(fewer, n);
	for (size_t i = 0; i < n; i++) {
		judge_rate(&rows[i], more[i], fewer[i], alpha, n);
		rows[i].why = explain_rate(&rows[i]);
	}
}

/* Judged as one list, then each row goes back to its pair. */
void failures_judge_pairs(struct results_comparison *pairs, size_t n)
{
	__cleanup_free struct results_failure_rate *rows = NULL;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		rows = xrealloc(rows, count + pairs[i].nfailures + 1, sizeof(*rows));
		for (size_t k = 0; k < pairs[i].nfailures; k++)
			rows[count++] = pairs[i].failures[k];
	}
	failures_judge(rows, count, pairs[0].alpha);
	for (size_t i = n; i-- > 0;)
		for (size_t k = pairs[i].nfailures; k-- > 0;)
			pairs[i].failures[k] = rows[--count];
}

int failures_load(struct results_db *db, const struct selection *s,
		  const struct results_filter *filter, struct results_comparison *out,
		  struct error *err)
{
	struct counts_list counts = {0};
	int ret = find_newest_failures(db, s, filter->session, out, err);

	if (ret)
		return ret;
	ret = count_boots(db, s, &s->base, filter->session, &counts, err);
	if (ret)
		goto out;
	ret = count_boots(db, s, &s->new, filter->session, &counts, err);
	if (ret)
		goto out;
	add_totals(out, &counts);
	if (s->halves) {
		out->base_failed = out->new_failed;
		goto out; /* boots of one kernel: nothing differs */
	}
	add_rates(out, &counts);
out:
	free_counts(&counts);
	return ret;
}
