// SPDX-License-Identifier: GPL-2.0-only
/* The numbers of one kernel alone, as a table: what a run shows that has nothing to compare. */
#include "common/alloc.h"
#include "results/report/table.h"
#include "results/report/text.h"
#include "results/report/words.h"
#include "results/store/database.h"

/* Of several boots the mean of their medians, as of their 99th percentiles. */
static const char query[] =
	"SELECT m.scenario, metric.metric, m.params, metric.unit, avg(metric.median), avg(metric.p99) "
	"FROM metric JOIN run ON run.id = metric.run JOIN measurement m ON m.id = metric.measurement "
	"WHERE run.session = ?1 AND run.status = 'pass' AND metric.headline "
	"GROUP BY m.id, metric.metric, metric.unit ORDER BY min(run.id), m.id, metric.metric";

static void add_row(struct table *t, sqlite3_stmt *row)
{
	table_cell(t, "%s %s", database_text(row, 0), database_text(row, 1));
	table_take(t, TONE_PLAIN, words_params(NULL, database_text(row, 0), database_text(row, 2)));
	table_take(t, TONE_PLAIN, words_number(sqlite3_column_double(row, 4)));
	table_take(t, TONE_PLAIN, words_number(sqlite3_column_double(row, 5)));
	table_cell(t, "%s", database_text(row, 3));
}

int results_render_numbers(struct results_db *db, const char *session, unsigned int flags,
			   struct strbuf *out, struct error *err)
{
	struct table *t;
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, session);
	t = table_new("", "what|with|median>|p99>|unit");
	while ((ret = database_step(db, stmt, err)) == 1)
		add_row(t, stmt);
	sqlite3_finalize(stmt);
	if (!ret && table_count_rows(t))
		table_text_columns(t, flags / RESULTS_RENDER_COLUMNS(1),
				   flags & RESULTS_RENDER_COLOUR, out);
	table_free(t);
	return ret;
}
