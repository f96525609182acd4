// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/database.h"

enum { STATUS, CLASS, ERROR, SAME };

static void set_failed(struct evidence_debug *out, const char *error)
{
	out->failed++;
	free(out->error);
	out->error = xstrdup(error);
}

static void count_run(sqlite3_stmt *row, struct evidence_debug *out)
{
	const char *class = database_text(row, CLASS);
	bool passed = !strcmp(database_text(row, STATUS), "pass");
	bool same = sqlite3_column_int(row, SAME);

	if (passed && same)
		out->passed++;
	else if (passed)
		out->other++;
	else if (same && (!strcmp(class, "guest") || !strcmp(class, "integrity")))
		set_failed(out, database_text(row, ERROR));
}

/* A failure outranks a pass, and a pass on one host outranks a skip on another. */
static int rank_result(const char *result)
{
	static const char *const order[] = {"skip", "pass", "fail"};

	for (size_t i = 0; result && i < ARRAY_SIZE(order); i++)
		if (!strcmp(result, order[i]))
			return i;
	return -1;
}

int evidence_find_selftest(struct results_db *db, const struct results_boot *kernel,
			   const char *test, struct evidence_selftest *out, struct error *err)
{
	static const char query[] =
		"SELECT result, text, host_name FROM test JOIN run ON run.id = test.run "
		"WHERE kernel_name = ?1 AND kernel_key = ?2 AND coalesce(agent_sha256, '') = ?3 "
		"AND test.name = ?4 ORDER BY run.id DESC";
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	*out = (struct evidence_selftest){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, kernel->kernel_name);
	database_bind_text(stmt, 2, kernel->kernel_key);
	database_bind_text(stmt, 3, kernel->agent_sha256);
	database_bind_text(stmt, 4, test);
	while ((ret = database_step(db, stmt, err)) == 1) {
		if (rank_result(database_text(stmt, 0)) <= rank_result(out->result))
			continue;
		evidence_selftest_free(out);
		out->result = xstrdup(database_text(stmt, 0));
		out->text = xstrdup(database_text(stmt, 1));
		out->host = xstrdup(database_text(stmt, 2));
	}
	sqlite3_finalize(stmt);
	if (ret)
		evidence_selftest_free(out);
	return ret;
}

void evidence_selftest_free(struct evidence_selftest *t)
{
	free(t->result);
	free(t->text);
	free(t->host);
	*t = (struct evidence_selftest){0};
}

int evidence_count_debug_runs(struct results_db *db, const struct results_boot *kernel,
			      const char *debug_kernel, const char *scenario,
			      struct evidence_debug *out, struct error *err)
{
	static const char query[] =
		"SELECT status, class, error, "
		"coalesce(source_hash, '') = ?3 AND coalesce(patches_hash, '') = ?4 FROM run "
		"WHERE kernel_name = ?1 AND scenario_name = ?2 ORDER BY id";
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	*out = (struct evidence_debug){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, debug_kernel);
	database_bind_text(stmt, 2, scenario);
	database_bind_text(stmt, 3, kernel->source_hash);
	database_bind_text(stmt, 4, kernel->patches_hash);
	while ((ret = database_step(db, stmt, err)) == 1)
		count_run(stmt, out);
	sqlite3_finalize(stmt);
	if (ret) {
		free(out->error);
		out->error = NULL;
	}
	return ret;
}
