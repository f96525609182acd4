// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runs of the chosen environment: those that are compared, and those from which the host's noise is
 * learned. The history is bounded, so that a comparison costs no more in a database of years.
 */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/compare/select_steps.h"

#define HISTORY_RUNS 500 /* newest runs that noise is learned from */

static const char query[] =
	"SELECT id, kernel_name, kernel_key, coalesce(agent_sha256, ''), seed, "
	"coalesce(plan_sha256, ''), session, coalesce(scenario_name, ''), " SELECT_WHEN ", "
	"coalesce(l1_kernel_key, '') FROM run "
	"WHERE status = 'pass' AND coalesce(host_identity, '') = ?1 AND clock = ?2 "
	"AND (kernel_key IN (?3, ?4) OR id > (SELECT max(id) FROM run) - ?5) ORDER BY id";
enum { ID, KERNEL_NAME, KERNEL_KEY, AGENT, SEED, PLAN, SESSION, SCENARIO, WHEN, L1 };

bool select_takes_l1(const struct select_kernel *k, const char *l1_key)
{
	if (!*l1_key && !k->names_l1)
		return true;
	return !strcmp(k->l1, l1_key);
}

static bool is_of(sqlite3_stmt *row, const struct select_kernel *k)
{
	if (strcmp(k->key, database_text(row, KERNEL_KEY)) != 0)
		return false;
	if (!select_takes_l1(k, database_text(row, L1)))
		return false;
	return !k->name || !strcmp(k->name, database_text(row, KERNEL_NAME));
}

/* Runs of either kernel in another session, or with another agent, are history too. */
static enum select_role role_of(sqlite3_stmt *row, const struct selection *s, const char *session)
{
	if (session && strcmp(session, database_text(row, SESSION)) != 0)
		return SELECT_OTHER;
	if (strcmp(s->environment.agent, database_text(row, AGENT)) != 0)
		return SELECT_OTHER;
	if (is_of(row, &s->base))
		return SELECT_BASE;
	if (is_of(row, &s->new))
		return SELECT_NEW;
	return SELECT_OTHER;
}

static void add_run(struct selection *s, sqlite3_stmt *row, const char *session)
{
	uint64_t seed = (uint64_t)sqlite3_column_int64(row, SEED);
	struct select_run *r;

	s->runs = xrealloc(s->runs, s->nruns + 1, sizeof(*s->runs));
	r = &s->runs[s->nruns++];
	*r = (struct select_run){.id = sqlite3_column_int64(row, ID),
				 .when = sqlite3_column_int64(row, WHEN),
				 .role = role_of(row, s, session)};
	if (r->role != SELECT_OTHER && seed >= s->next_seed)
		s->next_seed = seed + 1;
	r->group = xasprintf("%s %s %s", database_text(row, KERNEL_KEY), database_text(row, L1),
			     database_text(row, AGENT));
	r->origin =
		xasprintf("%s %s %s", r->group, database_text(row, SEED), database_text(row, PLAN));
	r->scenario = xstrdup(database_text(row, SCENARIO));
}

int select_load_runs(struct results_db *db, const char *session, struct selection *s,
		     struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, s->environment.identity);
	database_bind_text(stmt, 2, s->environment.clock);
	database_bind_text(stmt, 3, s->base.key);
	database_bind_text(stmt, 4, s->new.key);
	sqlite3_bind_int(stmt, 5, HISTORY_RUNS);
	while ((ret = database_step(db, stmt, err)) == 1)
		add_run(s, stmt, session);
	sqlite3_finalize(stmt);
	return ret;
}
