// SPDX-License-Identifier: GPL-2.0-only
#include "results/compare/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define KEY_PREFIX_MIN 6
#define KEY_SHOWN      12
#define HISTORY_RUNS   500 /* newest runs that noise is learned from */

void select_bind(sqlite3_stmt *stmt, const struct select_kernel *k, const char *session)
{
	database_bind_text(stmt, 1, k->name);
	database_bind_text(stmt, 2, k->key);
	database_bind_text(stmt, 3, session);
}

void select_bind_environment(sqlite3_stmt *stmt, const struct select_environment *e)
{
	database_bind_text(stmt, 4, e->agent);
	database_bind_text(stmt, 5, e->identity);
}

/* ---- which kernel is meant ---- */

/* Collects "name (key), name (key), ..." of a query with these two columns; returns how many rows. */
static int list_kernels(struct results_db *db, const char *sql, const char *bound,
			struct strbuf *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int count = 0, ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	if (bound)
		database_bind_text(stmt, 1, bound);
	while ((ret = database_step(db, stmt, err)) == 1)
		strbuf_addf(out, "%s%s (%.*s)", count++ ? ", " : "", database_text(stmt, 0),
			    KEY_SHOWN, database_text(stmt, 1));
	sqlite3_finalize(stmt);
	return ret ? ret : count;
}

static int no_such_kernel(struct results_db *db, const char *what, struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	int ret = list_kernels(db,
			       "SELECT kernel_name, kernel_key FROM run GROUP BY kernel_name, "
			       "kernel_key ORDER BY max(id) DESC LIMIT 20",
			       NULL, &known, err);

	if (ret >= 0)
		ret = error_set(err, -ENOENT,
				"%s: no run of a kernel of that name or key in %s; %s%s", what,
				db->path, ret ? "it holds: " : "it holds no run at all", known.buf);
	strbuf_release(&known);
	return ret;
}

/* The newest build that has this name; 1 if there is one. */
static int find_name(struct results_db *db, const char *what, const char *session,
		     struct select_kernel *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "SELECT kernel_key FROM run WHERE kernel_name = ?1 AND (?2 IS "
				   "NULL OR session = ?2) ORDER BY id DESC LIMIT 1",
				   &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, what);
	database_bind_text(stmt, 2, session);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = (struct select_kernel){.label = xstrdup(what),
					      .name = xstrdup(what),
					      .key = xstrdup(database_text(stmt, 0))};
	sqlite3_finalize(stmt);
	return ret;
}

static int find_key(struct results_db *db, const char *what, struct select_kernel *out,
		    struct error *err)
{
	struct strbuf found = STRBUF_INIT;
	sqlite3_stmt *stmt;
	int ret;

	if (strlen(what) < KEY_PREFIX_MIN || strspn(what, "0123456789abcdef") != strlen(what))
		return 0;
	ret = list_kernels(db,
			   "SELECT kernel_name, kernel_key FROM run WHERE substr(kernel_key, 1, "
			   "length(?1)) = ?1 GROUP BY kernel_key",
			   what, &found, err);
	if (ret > 1)
		ret = error_set(err, -ENOTUNIQ, "%s could be any of: %s", what, found.buf);
	strbuf_release(&found);
	if (ret != 1)
		return ret;
	ret = database_prepare(db,
			       "SELECT kernel_key FROM run WHERE substr(kernel_key, 1, "
			       "length(?1)) = ?1 LIMIT 1",
			       &stmt, err);
	if (ret)
		return ret;
	database_bind_text(stmt, 1, what);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = (struct select_kernel){.label = xstrdup(what),
					      .key = xstrdup(database_text(stmt, 0))};
	sqlite3_finalize(stmt);
	return ret;
}

static int resolve(struct results_db *db, const char *what, const char *session,
		   struct select_kernel *out, struct error *err)
{
	int ret = find_name(db, what, session, out, err);

	if (!ret)
		ret = find_key(db, what, out, err);
	if (!ret)
		return no_such_kernel(db, what, err);
	return ret < 0 ? ret : 0;
}

static int note_builds(struct results_db *db, const struct select_kernel *k, struct strbuf *notes,
		       struct error *err)
{
	struct strbuf builds = STRBUF_INIT;
	int ret;

	if (!k->name)
		return 0;
	ret = list_kernels(db,
			   "SELECT kernel_name, kernel_key FROM run WHERE kernel_name = ?1 "
			   "GROUP BY kernel_key",
			   k->name, &builds, err);
	strbuf_release(&builds);
	if (ret > 1)
		strbuf_addf(notes, "%s: the newest of %d builds, %.*s\n", k->name, ret, KEY_SHOWN,
			    k->key);
	return ret < 0 ? ret : 0;
}

static int resolve_both(struct results_db *db, const char *base, const char *new,
			const char *session, struct selection *s, struct error *err)
{
	int ret = resolve(db, base, session, &s->base, err);

	ret = ret ? ret : resolve(db, new, session, &s->new, err);
	ret = ret ? ret : note_builds(db, &s->base, &s->notes, err);
	if (ret)
		return ret;
	s->halves = !strcmp(s->base.key, s->new.key) &&
		    (!s->base.name || !s->new.name || !strcmp(s->base.name, s->new.name));
	if (!s->halves)
		ret = note_builds(db, &s->new, &s->notes, err);
	if (!s->halves && !strcmp(s->base.key, s->new.key))
		strbuf_addf(&s->notes,
			    "%s and %s are the same build, %.*s: whatever differs is noise\n",
			    s->base.label, s->new.label, KEY_SHOWN, s->base.key);
	return ret;
}

/* ---- in which environment ---- */

struct environments {
	struct environment {
		struct select_environment e;
		int64_t newest;
		int runs;
	} * items;
	size_t count;
	int runs;
};

static void free_environment(struct select_environment *e)
{
	free(e->agent);
	free(e->identity);
	free(e->clock);
}

static void free_environments(struct environments *l)
{
	for (size_t i = 0; i < l->count; i++)
		free_environment(&l->items[i].e);
	free(l->items);
}

static int list_environments(struct results_db *db, const struct select_kernel *k,
			     const char *session, const char *which, struct environments *out,
			     struct error *err)
{
	__cleanup_free char *sql = xasprintf("SELECT agent_sha256, host_identity, clock, max(id), "
					     "count(*) FROM run WHERE " SELECT_KERNEL_WHERE
					     "AND %s GROUP BY 1, 2, 3 ORDER BY max(id) DESC",
					     which);
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	select_bind(stmt, k, session);
	while ((ret = database_step(db, stmt, err)) == 1) {
		struct environment e = {.e = {.agent = xstrdup(database_text(stmt, 0)),
					      .identity = xstrdup(database_text(stmt, 1)),
					      .clock = xstrdup(database_text(stmt, 2))},
					.newest = sqlite3_column_int64(stmt, 3),
					.runs = sqlite3_column_int(stmt, 4)};

		out->items = xrealloc(out->items, out->count + 1, sizeof(e));
		out->items[out->count++] = e;
		out->runs += e.runs;
	}
	sqlite3_finalize(stmt);
	return ret;
}

static bool same_machine(const struct select_environment *a, const struct select_environment *b)
{
	return !strcmp(a->agent, b->agent) && !strcmp(a->identity, b->identity);
}

static int64_t smaller(int64_t a, int64_t b)
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

			if (same_machine(&x->e, &y->e) &&
			    (any_clock || !strcmp(x->e.clock, y->e.clock)) &&
			    smaller(x->newest, y->newest) > best) {
				best = smaller(x->newest, y->newest);
				*b = x;
				*n = y;
			}
		}
	return best >= 0;
}

static bool clocks_differ(const struct environments *base, const struct environments *new)
{
	for (size_t i = 0; i < base->count; i++)
		for (size_t j = 0; j < new->count; j++)
			if (!strcmp(base->items[i].e.clock, new->items[j].e.clock))
				return false;
	return true;
}

static const char *clock_words(const char *clock)
{
	return !strcmp(clock, "emulated") ? "emulated instructions (clock \"emulated\")"
	       : !strcmp(clock, "tsc")	  ? "nanoseconds of hardware (clock \"tsc\")"
					  : "an unknown clock";
}

static int nothing_in_common(const struct selection *s, const struct environments *base,
			     const struct environments *new, struct error *err)
{
	const struct select_environment *b = &base->items[0].e, *n = &new->items[0].e;

	if (clocks_differ(base, new))
		return error_set(
			err, -EXDEV,
			"refused: %s was measured in %s, %s in %s; these are never compared. "
			"Run both on one host: nestlab run SCENARIO --kernel %s --kernel %s",
			s->base.label, clock_words(b->clock), s->new.label, clock_words(n->clock),
			s->base.label, s->new.label);
	return error_set(
		err, -ENODATA,
		"%s and %s were never run in the same environment: %s%s%s%s. Run both again: "
		"nestlab run SCENARIO --kernel %s --kernel %s",
		s->base.label, s->new.label,
		strcmp(b->agent, n->agent) ? "their agents differ" : "",
		strcmp(b->agent, n->agent) && strcmp(b->identity, n->identity) ? ", " : "",
		strcmp(b->identity, n->identity) ? "their hosts differ: " : "",
		strcmp(b->identity, n->identity) ? n->identity : "", s->base.label, s->new.label);
}

static void note_left_out(const struct select_kernel *k, int runs, struct strbuf *notes)
{
	if (runs)
		strbuf_addf(
			notes,
			"%s: %d run%s of another agent, host or clock left out (not comparable)\n",
			k->label, runs, runs == 1 ? "" : "s");
}

static int take_environment(struct selection *s, const struct environments *base,
			    const struct environments *new, struct error *err)
{
	const struct environment *b, *n;

	if (!base->count || !new->count)
		return error_set(err, -ENODATA, "%s has no finished run%s",
				 base->count ? s->new.label : s->base.label,
				 " (failed runs give no numbers; nestlab run makes more)");
	if (!find_common(base, new, false, &b, &n))
		return nothing_in_common(s, base, new, err);
	s->environment = (struct select_environment){xstrdup(b->e.agent), xstrdup(b->e.identity),
						     xstrdup(b->e.clock)};
	note_left_out(&s->base, base->runs - b->runs, &s->notes);
	if (!s->halves)
		note_left_out(&s->new, new->runs - n->runs, &s->notes);
	return 0;
}

/* A new kernel that only ever failed where the base passed has an answer too: there are no numbers,
 * and the environment is the base's. */
static int take_failed_environment(struct results_db *db, const char *session, struct selection *s,
				   const struct environments *base, const struct environments *new,
				   struct error *err)
{
	struct environments failed = {0};
	const struct environment *b, *n;
	int ret = list_environments(db, &s->new, session, "class IN ('guest', 'integrity')",
				    &failed, err);

	if (!ret && find_common(base, &failed, true, &b, &n))
		s->environment = (struct select_environment){
			xstrdup(b->e.agent), xstrdup(b->e.identity), xstrdup(b->e.clock)};
	else if (!ret)
		ret = take_environment(s, base, new, err);
	free_environments(&failed);
	return ret;
}

#define PASSED	 "status = 'pass' AND clock IS NOT NULL"
#define MEASURED PASSED " AND EXISTS (SELECT 1 FROM metric WHERE metric.run = run.id)"

static int list_both(struct results_db *db, const char *session, const struct selection *s,
		     const char *which, struct environments *base, struct environments *new,
		     struct error *err)
{
	int ret = list_environments(db, &s->base, session, which, base, err);

	return ret ? ret : list_environments(db, &s->new, session, which, new, err);
}

/* Boots that measured something say where to compare; only without any, those that ran selftests
 * alone: selftests on a second host must not hide the numbers of the first. */
static int choose_environment(struct results_db *db, const char *session, struct selection *s,
			      struct error *err)
{
	struct environments base = {0}, new = {0};
	int ret = list_both(db, session, s, MEASURED, &base, &new, err);

	if (!ret && !(base.count && new.count)) {
		free_environments(&base);
		free_environments(&new);
		base = new = (struct environments){0};
		ret = list_both(db, session, s, PASSED, &base, &new, err);
	}
	if (!ret && base.count && !new.count)
		ret = take_failed_environment(db, session, s, &base, &new, err);
	else if (!ret)
		ret = take_environment(s, &base, &new, err);
	free_environments(&base);
	free_environments(&new);
	return ret;
}

/* ---- its runs ---- */

static bool is_of(sqlite3_stmt *row, const struct select_kernel *k)
{
	return (!k->name || !strcmp(k->name, database_text(row, 1))) &&
	       !strcmp(k->key, database_text(row, 2));
}

static enum select_role role_of(sqlite3_stmt *row, const struct selection *s, const char *session)
{
	if (session && strcmp(session, database_text(row, 6)))
		return SELECT_OTHER;
	if (strcmp(s->environment.agent, database_text(row, 3)))
		return SELECT_OTHER;
	return is_of(row, &s->base) ? SELECT_BASE : is_of(row, &s->new) ? SELECT_NEW : SELECT_OTHER;
}

static void add_run(struct selection *s, sqlite3_stmt *row, const char *session)
{
	uint64_t seed = (uint64_t)sqlite3_column_int64(row, 4);
	struct select_run *r;

	s->runs = xrealloc(s->runs, s->nruns + 1, sizeof(*s->runs));
	r = &s->runs[s->nruns++];
	*r = (struct select_run){.id = sqlite3_column_int64(row, 0),
				 .role = role_of(row, s, session)};
	if (r->role != SELECT_OTHER && seed >= s->next_seed)
		s->next_seed = seed + 1;
	r->group = xasprintf("%s %s", database_text(row, 2), database_text(row, 3));
	r->scenario = xstrdup(database_text(row, 7));
}

/* Did both measure the very same? 1, 0, or an error. */
static int same_bytes(struct results_db *db, int64_t a, int64_t b, struct error *err)
{
	static const char sql[] = "WITH x AS (SELECT measurement, metric, histogram, min, max, "
				  "mean FROM metric WHERE run = ?1), "
				  "y AS (SELECT measurement, metric, histogram, min, max, mean "
				  "FROM metric WHERE run = ?2) "
				  "SELECT NOT EXISTS (SELECT * FROM x EXCEPT SELECT * FROM y) AND "
				  "NOT EXISTS (SELECT * FROM y EXCEPT SELECT * FROM x)";
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, a);
	sqlite3_bind_int64(stmt, 2, b);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		ret = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return ret;
}

/* May @a be left out where @b is its copy? Of one role the newest counts; what is compared is no history
 * besides. */
static bool gives_way(const struct select_run *a, const struct select_run *b)
{
	if (a->role == b->role)
		return a->id < b->id;
	return a->role == SELECT_OTHER;
}

static int mark_repeat(struct results_db *db, struct selection *s, char **origins, size_t i,
		       struct error *err)
{
	struct select_run *r = &s->runs[i];

	for (size_t j = 0; j < s->nruns && !r->repeat; j++) {
		int ret;

		if (!gives_way(r, &s->runs[j]) || strcmp(origins[i], origins[j]))
			continue;
		ret = same_bytes(db, r->id, s->runs[j].id, err);
		if (ret < 0)
			return ret;
		r->repeat = ret;
	}
	return 0;
}

/*
 * The emulated machine may repeat a boot with the same seed and plan to the last sample: such a boot is
 * no second boot, and counting it as one would make the noise look smaller than it is. Mostly some
 * samples differ all the same: then it is as good as any.
 */
static int mark_repeats(struct results_db *db, struct selection *s, char **origins,
			struct error *err)
{
	int repeats = 0;

	if (strcmp(s->environment.clock, "emulated"))
		return 0;
	for (size_t i = 0; i < s->nruns; i++) {
		int ret = mark_repeat(db, s, origins, i, err);

		if (ret)
			return ret;
		repeats += s->runs[i].repeat && s->runs[i].role != SELECT_OTHER;
	}
	if (repeats)
		strbuf_addf(&s->notes,
			    "%d boot%s left out: the same seed again, and the same samples to the "
			    "last one\n",
			    repeats, repeats == 1 ? "" : "s");
	return 0;
}

static int load_runs(struct results_db *db, const char *session, struct selection *s,
		     struct error *err)
{
	sqlite3_stmt *stmt;
	char **origins = NULL;
	int ret = database_prepare(
		db,
		"SELECT id, kernel_name, kernel_key, coalesce(agent_sha256, ''), seed, "
		"coalesce(plan_sha256, ''), session, coalesce(scenario_name, '') FROM run WHERE "
		"status = 'pass' AND "
		"coalesce(host_identity, '') = ?1 AND clock = ?2 AND (kernel_key IN (?3, ?4) OR id "
		"> (SELECT max(id) FROM run) - ?5) ORDER BY id",
		&stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, s->environment.identity);
	database_bind_text(stmt, 2, s->environment.clock);
	database_bind_text(stmt, 3, s->base.key);
	database_bind_text(stmt, 4, s->new.key);
	sqlite3_bind_int(stmt, 5, HISTORY_RUNS);
	while ((ret = database_step(db, stmt, err)) == 1) {
		origins = xrealloc(origins, s->nruns + 1, sizeof(*origins));
		origins[s->nruns] =
			xasprintf("%s %s %s %s", database_text(stmt, 2), database_text(stmt, 3),
				  database_text(stmt, 4), database_text(stmt, 5));
		add_run(s, stmt, session);
	}
	ret = ret ? ret : mark_repeats(db, s, origins, err);
	for (size_t i = 0; i < s->nruns; i++)
		free(origins[i]);
	free(origins);
	sqlite3_finalize(stmt);
	return ret;
}

static bool is_counted(const struct select_run *r)
{
	return r->role != SELECT_OTHER && !r->repeat;
}

static size_t boots_before(const struct selection *s, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < at; i++)
		n += is_counted(&s->runs[i]) && !strcmp(s->runs[i].scenario, s->runs[at].scenario);
	return n;
}

/* `compare A A`: every other boot of a scenario is the new kernel's. */
static int split_halves(struct selection *s, struct error *err)
{
	int boots = 0;

	for (size_t i = 0; i < s->nruns; i++) {
		struct select_run *r = &s->runs[i];

		if (!is_counted(r))
			continue;
		r->role = boots_before(s, i) % 2 ? SELECT_NEW : SELECT_BASE;
		boots++;
	}
	if (boots < 2)
		return error_set(err, -ENODATA,
				 "%s has one boot that counts; comparing it with itself takes two: "
				 "nestlab run SCENARIO --kernel %s --boots 2",
				 s->base.label, s->base.label);
	return 0;
}

int select_runs(struct results_db *db, const char *base, const char *new, const char *session,
		struct selection *out, struct error *err)
{
	int ret;

	*out = (struct selection){.notes = STRBUF_INIT};
	ret = resolve_both(db, base, new, session, out, err);
	ret = ret ? ret : choose_environment(db, session, out, err);
	ret = ret ? ret : load_runs(db, session, out, err);
	if (!ret && out->halves)
		ret = split_halves(out, err);
	if (ret)
		select_free(out);
	return ret;
}

static void free_kernel(struct select_kernel *k)
{
	free(k->label);
	free(k->name);
	free(k->key);
}

static void free_run(struct select_run *r)
{
	free(r->group);
	free(r->scenario);
}

void select_free(struct selection *s)
{
	free_kernel(&s->base);
	free_kernel(&s->new);
	free_environment(&s->environment);
	for (size_t i = 0; i < s->nruns; i++)
		free_run(&s->runs[i]);
	free(s->runs);
	strbuf_release(&s->notes);
	*s = (struct selection){.notes = STRBUF_INIT};
}

const struct select_run *select_find(const struct selection *s, int64_t id)
{
	size_t low = 0, high = s->nruns;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->runs[mid].id == id)
			return &s->runs[mid];
		if (s->runs[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
