// SPDX-License-Identifier: GPL-2.0-only
/* How many boots ended in which way. */
#include "results/store/database.h"

int results_count(struct results_db *db, const char *session, int64_t counts[RESULTS_CANCELLED + 1],
		  struct error *err)
{
	sqlite3_stmt *stmt;
	int ret =
		database_prepare(db,
				 "SELECT class, count(*) FROM run WHERE ?1 IS NULL OR session = ?1 "
				 "GROUP BY class",
				 &stmt, err);

	if (ret)
		return ret;
	for (int c = 0; c <= RESULTS_CANCELLED; c++)
		counts[c] = 0;
	database_bind_text(stmt, 1, session);
	while ((ret = database_step(db, stmt, err)) == 1)
		counts[results_class_from_name(database_text(stmt, 0))] +=
			sqlite3_column_int64(stmt, 1);
	sqlite3_finalize(stmt);
	return ret;
}
