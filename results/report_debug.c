// SPDX-License-Identifier: GPL-2.0-only
#include "results/report_debug.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/database.h"

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

int report_debug_load(struct results_db *db, const struct results_run *kernel,
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

	*out = (struct report_debug){ 0 };
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
