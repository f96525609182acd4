// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/database.h"

enum { STATUS, CLASS, ERROR, SAME };

static void count_run(sqlite3_stmt *row, struct report_debug *out)
{
	const char *class = database_text(row, CLASS);

	if (!strcmp(database_text(row, STATUS), "pass")) {
		*(sqlite3_column_int(row, SAME) ? &out->passed : &out->other) += 1;
	} else if (sqlite3_column_int(row, SAME) &&
		   (!strcmp(class, "guest") || !strcmp(class, "integrity"))) {
		out->failed++;
		free(out->error);
		out->error = xstrdup(database_text(row, ERROR));
	}
}

/* Fails count most, and a pass on one host more than a skip on another. */
static int selftest_rank(const char *result)
{
	static const char *const order[] = {"skip", "pass", "fail"};

	for (size_t i = 0; result && i < ARRAY_SIZE(order); i++)
		if (!strcmp(result, order[i]))
			return i;
	return -1;
}

int report_selftest_load(struct results_db *db, const struct results_boot *kernel, const char *test,
			 struct report_selftest *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "SELECT result, text, host_name FROM test JOIN run ON run.id = "
				   "test.run WHERE kernel_name = ?1 AND kernel_key = ?2 AND "
				   "coalesce(agent_sha256, '') = ?3 AND test.name = ?4 ORDER BY "
				   "run.id DESC",
				   &stmt, err);

	*out = (struct report_selftest){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, kernel->kernel_name);
	database_bind_text(stmt, 2, kernel->kernel_key);
	database_bind_text(stmt, 3, kernel->agent_sha256);
	database_bind_text(stmt, 4, test);
	while ((ret = database_step(db, stmt, err)) == 1) {
		if (selftest_rank(database_text(stmt, 0)) <= selftest_rank(out->result))
			continue;
		report_selftest_free(out);
		*out = (struct report_selftest){xstrdup(database_text(stmt, 0)),
						xstrdup(database_text(stmt, 1)),
						xstrdup(database_text(stmt, 2))};
	}
	sqlite3_finalize(stmt);
	return ret;
}

void report_selftest_free(struct report_selftest *t)
{
	free(t->result);
	free(t->text);
	free(t->host);
	*t = (struct report_selftest){0};
}

int report_debug_load(struct results_db *db, const struct results_boot *kernel,
		      const char *debug_kernel, const char *scenario, struct report_debug *out,
		      struct error *err)
{
	sqlite3_stmt *stmt;
	int ret =
		database_prepare(db,
				 "SELECT status, class, error, coalesce(source_hash, '') = ?3 AND "
				 "coalesce(patches_hash, '') = ?4 FROM run "
				 "WHERE kernel_name = ?1 AND scenario_name = ?2 ORDER BY id",
				 &stmt, err);

	*out = (struct report_debug){0};
	if (ret)
		return ret;
	database_bind_text(stmt, 1, debug_kernel);
	database_bind_text(stmt, 2, scenario);
	database_bind_text(stmt, 3, kernel->source_hash);
	database_bind_text(stmt, 4, kernel->patches_hash);
	while ((ret = database_step(db, stmt, err)) == 1)
		count_run(stmt, out);
	sqlite3_finalize(stmt);
	return ret;
}
