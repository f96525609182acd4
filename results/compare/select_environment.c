// SPDX-License-Identifier: GPL-2.0-only
/*
 * In which environment two kernels are compared. Numbers from another agent, host or clock are not
 * comparable, so one environment is chosen, in which both have boots; the boots elsewhere are left out,
 * and the notes say so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "results/compare/select_steps.h"

/* Which boots say where to compare. */
#define PASSED	 "status = 'pass' AND clock IS NOT NULL"
#define MEASURED PASSED " AND EXISTS (SELECT 1 FROM metric WHERE metric.run = run.id)"
#define FAILED	 "class IN ('guest', 'integrity')"

struct environments { /* newest first; those without a Linux L1 last */
	struct environment {
		struct select_environment e;
		int64_t newest;
		int runs;
	} * items;
	size_t count;
	int runs;
	bool names_l1; /* the user named the L1 kernel */
};

static bool is_same_machine(const struct select_environment *a, const struct select_environment *b)
{
	return !strcmp(a->agent, b->agent) && !strcmp(a->identity, b->identity);
}

static int64_t greater_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void select_free_environment(struct select_environment *e)
{
	free(e->agent);
	free(e->identity);
	free(e->clock);
	free(e->l1);
	*e = (struct select_environment){0};
}

static void free_environments(struct environments *l)
{
	for (size_t i = 0; i < l->count; i++)
		select_free_environment(&l->items[i].e);
	free(l->items);
	*l = (struct environments){0};
}

/* Boots without a Linux L1 compare whatever the others' L1 kernel is: they are counted with each of the environments
 * that differ from theirs by that alone. True: there is one. */
static bool join_others(struct environment *others, size_t n, const struct environment *without)
{
	bool joined = false;

	for (size_t i = 0; i < n; i++) {
		struct environment *other = &others[i];

		if (!is_same_machine(&other->e, &without->e) ||
		    strcmp(other->e.clock, without->e.clock) != 0)
			continue;
		other->newest = greater_of(other->newest, without->newest);
		other->runs += without->runs;
		joined = true;
	}
	return joined;
}

/* They are the last ones of the list. */
static void join_boots_without_l1(struct environments *l)
{
	size_t with = 0, kept;

	while (with < l->count && *l->items[with].e.l1)
		with++;
	kept = with;
	for (size_t i = with; i < l->count; i++) {
		struct environment *e = &l->items[i];

		if (join_others(l->items, with, e))
			select_free_environment(&e->e);
		else
			l->items[kept++] = *e;
	}
	l->count = kept;
}

static int list_environments(struct results_db *db, const struct select_kernel *k,
			     const char *session, const char *which, struct environments *out,
			     struct error *err)
{
	__cleanup_free char *sql = xasprintf(
		"SELECT agent_sha256, host_identity, clock, l1_kernel_key, max" SELECT_WHEN
		", count(*) FROM run WHERE " SELECT_KERNEL_WHERE "AND %s GROUP BY 1, 2, 3, 4 "
		"ORDER BY l1_kernel_key IS NULL, 5 DESC",
		which);
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	select_bind(stmt, k, session);
	out->names_l1 = k->l1 != NULL;
	while ((ret = database_step(db, stmt, err)) == 1) {
		struct environment e = {.e = {.agent = xstrdup(database_text(stmt, 0)),
					      .identity = xstrdup(database_text(stmt, 1)),
					      .clock = xstrdup(database_text(stmt, 2)),
					      .l1 = xstrdup(database_text(stmt, 3))},
					.newest = sqlite3_column_int64(stmt, 4),
					.runs = sqlite3_column_int(stmt, 5)};

		out->items = xrealloc(out->items, out->count + 1, sizeof(e));
		out->items[out->count++] = e;
		out->runs += e.runs;
	}
	sqlite3_finalize(stmt);
	join_boots_without_l1(out);
	return ret;
}

/* If each side names an L1 kernel, these are what is compared. */
static bool is_same_l1(const struct environments *a, const struct select_environment *x,
		       const struct environments *b, const struct select_environment *y)
{
	if ((a->names_l1 && b->names_l1) || !*x->l1 || !*y->l1)
		return true;
	return !strcmp(x->l1, y->l1);
}

static int64_t smaller_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The pair whose older member is newest; false if they have none in common. */
static bool find_common(const struct environments *base, const struct environments *new,
			bool any_clock, const struct environment **b, const struct environment **n)
{
	int64_t best = -1;

	for (size_t i = 0; i < base->count; i++)
		for (size_t j = 0; j < new->count; j++) {
			const struct environment *x = &base->items[i], *y = &new->items[j];

			if (!is_same_machine(&x->e, &y->e) || !is_same_l1(base, &x->e, new, &y->e))
				continue;
			if (!any_clock && strcmp(x->e.clock, y->e.clock) != 0)
				continue;
			if (smaller_of(x->newest, y->newest) <= best)
				continue;
			best = smaller_of(x->newest, y->newest);
			*b = x;
			*n = y;
		}
	return best >= 0;
}

/* ---- none in common ---- */

static bool have_no_clock_in_common(const struct environments *base, const struct environments *new)
{
	for (size_t i = 0; i < base->count; i++)
		for (size_t j = 0; j < new->count; j++)
			if (!strcmp(base->items[i].e.clock, new->items[j].e.clock))
				return false;
	return true;
}

static const char *clock_words(const char *clock)
{
	if (!strcmp(clock, "emulated"))
		return "emulated instructions (clock \"emulated\")";
	if (!strcmp(clock, "tsc"))
		return "nanoseconds of hardware (clock \"tsc\")";
	return "an unknown clock";
}

/* "their agents differ, their hosts differ: IDENTITY" */
static char *difference_words(const struct select_environment *b,
			      const struct select_environment *n)
{
	bool agents = strcmp(b->agent, n->agent) != 0;

	if (is_same_machine(b, n) && strcmp(b->l1, n->l1) != 0)
		return xstrdup(
			"their Linux L1s booted different kernels, or one had no Linux L1 (to "
			"compare L1 kernels, name both: KERNEL+L1)");
	if (!strcmp(b->identity, n->identity))
		return xstrdup(agents ? "their agents differ" : "");
	return xasprintf("%stheir hosts differ: %s", agents ? "their agents differ, " : "",
			 n->identity);
}

static int nothing_in_common(const struct selection *s, const struct environments *base,
			     const struct environments *new, struct error *err)
{
	const struct select_environment *b = &base->items[0].e, *n = &new->items[0].e;
	__cleanup_free char *difference = difference_words(b, n);

	if (have_no_clock_in_common(base, new))
		return error_set(
			err, -EXDEV,
			"refused: %s was measured in %s, %s in %s; these are never compared. "
			"Run both on one host: %s run SCENARIO --kernel %s --kernel %s",
			s->base.label, clock_words(b->clock), s->new.label, clock_words(n->clock),
			shell_program(), s->base.label, s->new.label);
	return error_set(err, -ENODATA,
			 "%s and %s were never run in the same environment: %s. Run both again: "
			 "%s run SCENARIO --kernel %s --kernel %s",
			 s->base.label, s->new.label, difference, shell_program(), s->base.label,
			 s->new.label);
}

/* ---- choosing ---- */

static void note_left_out(const struct select_kernel *k, int runs, struct strbuf *notes)
{
	if (runs)
		strbuf_addf(
			notes,
			"%s: %d run%s of another agent, host, clock or L1 kernel left out (not comparable)\n",
			k->label, runs, runs == 1 ? "" : "s");
}

static void set_environment(struct selection *s, const struct select_environment *e)
{
	s->environment = (struct select_environment){xstrdup(e->agent), xstrdup(e->identity),
						     xstrdup(e->clock), xstrdup(e->l1)};
}

static void set_l1(struct select_kernel *k, const struct select_environment *e)
{
	free(k->l1);
	k->l1 = xstrdup(e->l1);
}

static int take_environment(struct selection *s, const struct environments *base,
			    const struct environments *new, struct error *err)
{
	const struct environment *b, *n;

	if (!base->count || !new->count)
		return error_set(err, -ENODATA,
				 "%s has no finished run (failed runs give no numbers; nestlab run "
				 "makes more)",
				 base->count ? s->new.label : s->base.label);
	if (!find_common(base, new, false, &b, &n))
		return nothing_in_common(s, base, new, err);
	set_environment(s, &b->e);
	set_l1(&s->base, &b->e);
	set_l1(&s->new, &n->e);
	note_left_out(&s->base, base->runs - b->runs, &s->notes);
	if (!s->halves)
		note_left_out(&s->new, new->runs - n->runs, &s->notes);
	return 0;
}

/*
 * A new kernel that only ever failed where the base passed has an answer too: there are no numbers, and
 * the environment is the base's. Whatever its clock: a boot that dies early never names one.
 */
static int take_failed_environment(struct results_db *db, const char *session, struct selection *s,
				   const struct environments *base, const struct environments *new,
				   struct error *err)
{
	struct environments failed = {0};
	const struct environment *b, *n;
	int ret = list_environments(db, &s->new, session, FAILED, &failed, err);

	if (ret)
		goto out;
	if (find_common(base, &failed, true, &b, &n)) {
		set_environment(s, &b->e);
		set_l1(&s->base, &b->e);
		set_l1(&s->new, &n->e);
	} else {
		ret = take_environment(s, base, new, err);
	}
out:
	free_environments(&failed);
	return ret;
}

/* The environments of both kernels' boots of the kind @which. */
static int list_both(struct results_db *db, const char *session, const struct selection *s,
		     const char *which, struct environments *base, struct environments *new,
		     struct error *err)
{
	int ret = list_environments(db, &s->base, session, which, base, err);

	if (ret)
		return ret;
	return list_environments(db, &s->new, session, which, new, err);
}

/* Boots that measured something say where to compare; only without any, those that ran selftests
 * alone: selftests on a second host must not hide the numbers of the first. */
int select_environment(struct results_db *db, const char *session, struct selection *s,
		       struct error *err)
{
	struct environments base = {0}, new = {0};
	int ret = list_both(db, session, s, MEASURED, &base, &new, err);

	if (ret)
		goto out;
	if (!base.count || !new.count) {
		free_environments(&base);
		free_environments(&new);
		ret = list_both(db, session, s, PASSED, &base, &new, err);
	}
	if (ret)
		goto out;
	if (base.count && !new.count)
		ret = take_failed_environment(db, session, s, &base, &new, err);
	else
		ret = take_environment(s, &base, &new, err);
out:
	free_environments(&base);
	free_environments(&new);
	return ret;
}

/* ---- one for several kernels ---- */

struct kernel_environments { /* of one kernel of a table */
	const struct select_kernel *kernel;
	struct environments list;
	bool any_clock; /* it only ever failed: boots that die early name no clock */
};

/* The environment @e of a kernel; NULL: it has no boots there. */
static const struct environment *find_environment(const struct kernel_environments *k,
						  const struct kernel_environments *base,
						  const struct select_environment *e)
{
	for (size_t i = 0; i < k->list.count; i++) {
		const struct environment *item = &k->list.items[i];

		if (!is_same_machine(&item->e, e) ||
		    !is_same_l1(&k->list, &item->e, &base->list, e))
			continue;
		if (k->any_clock || !strcmp(item->e.clock, e->clock))
			return item;
	}
	return NULL;
}

/* How new the environment is: the kernel whose boots there are oldest decides. -1: not all have it. */
static int64_t age_of(const struct kernel_environments *k, size_t n,
		      const struct select_environment *e)
{
	int64_t age = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct environment *item = find_environment(&k[i], k, e);

		if (!item)
			return -1;
		age = smaller_of(age, item->newest);
	}
	return age;
}

/* k[0] is the base. */
static const struct select_environment *newest_common(const struct kernel_environments *k, size_t n)
{
	const struct select_environment *best = NULL;
	int64_t best_age = -1;

	for (size_t i = 0; i < k[0].list.count; i++) {
		const struct select_environment *e = &k[0].list.items[i].e;
		int64_t age = age_of(k, n, e);

		if (age > best_age) {
			best_age = age;
			best = e;
		}
	}
	return best;
}

static int list_kind(struct results_db *db, const char *session, const char *which,
		     struct kernel_environments *k, struct error *err)
{
	free_environments(&k->list);
	return list_environments(db, k->kernel, session, which, &k->list, err);
}

/* As in select_environment(): boots that measured say where; without any of a kernel, all that passed;
 * for a new kernel that only ever failed, these. */
static int list_for_table(struct results_db *db, const char *session, struct kernel_environments *k,
			  size_t n, struct error *err)
{
	static const char *const kinds[] = {MEASURED, PASSED};
	bool all = false;
	int ret;

	for (size_t kind = 0; kind < ARRAY_SIZE(kinds) && !all; kind++) {
		all = true;
		for (size_t i = 0; i < n; i++) {
			ret = list_kind(db, session, kinds[kind], &k[i], err);
			if (ret)
				return ret;
			all &= k[i].list.count > 0;
		}
	}
	for (size_t i = 1; i < n; i++) {
		if (k[i].list.count)
			continue;
		k[i].any_clock = true;
		ret = list_kind(db, session, FAILED, &k[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Why there is none: a kernel without boots, two that have nothing in common, or only all together. */
static int explain_no_common(const struct selection *s, const struct kernel_environments *k,
			     size_t n, struct error *err)
{
	const struct environment *b, *e;

	for (size_t i = 0; i < n; i++)
		if (!k[i].list.count)
			return error_set(err, -ENODATA,
					 "%s has no finished run (failed runs give no numbers; "
					 "nestlab run makes more)",
					 k[i].kernel->label);
	for (size_t i = 1; i < n; i++)
		if (!find_common(&k[0].list, &k[i].list, k[i].any_clock, &b, &e))
			return nothing_in_common(&s[i - 1], &k[0].list, &k[i].list, err);
	return error_set(err, -ENODATA,
			 "these kernels were never all run in one environment (agent, host, "
			 "clock), though %s and each of the others were: compare them in pairs, or "
			 "run all of them again on one host",
			 s->base.label);
}

static void take_common(struct selection *s, size_t n, const struct kernel_environments *k,
			const struct select_environment *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct kernel_environments *new = &k[i + 1];
		const struct environment *mine = find_environment(k, k, e);
		const struct environment *its = find_environment(new, k, e);

		set_environment(&s[i], e);
		set_l1(&s[i].base, &mine->e);
		set_l1(&s[i].new, &its->e);
		note_left_out(&s[i].base, k[0].list.runs - mine->runs, &s[i].notes);
		note_left_out(&s[i].new, new->list.runs - its->runs, &s[i].notes);
	}
}

int select_common_environment(struct results_db *db, const char *session, struct selection *s,
			      size_t n, struct error *err)
{
	__cleanup_free struct kernel_environments *k = xcalloc(n + 1, sizeof(*k));
	const struct select_environment *e;
	int ret;

	k[0].kernel = &s[0].base;
	for (size_t i = 0; i < n; i++)
		k[i + 1].kernel = &s[i].new;
	ret = list_for_table(db, session, k, n + 1, err);
	if (ret)
		goto out;
	e = newest_common(k, n + 1);
	if (e)
		take_common(s, n, k, e);
	else
		ret = explain_no_common(s, k, n + 1, err);
out:
	for (size_t i = 0; i < n + 1; i++)
		free_environments(&k[i].list);
	return ret;
}
