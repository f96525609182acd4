// SPDX-License-Identifier: GPL-2.0-only
/* Which selftests passed on which kernel, as a table. */
#include "common/alloc.h"
#include "results/store/database.h"
#include "results/report/text.h"
#include "results/report/table.h"

#define KERNELS_MAX 2
#define WIDTH	    100

static const struct {
	const char *word, *colour;
} outcomes[] = {{"pass", "32"}, {"skip", "33"}, {"fail", "31"}};

static int prepare(struct results_db *db, const char *session, const char *const *kernels,
		   size_t nkernels, sqlite3_stmt **stmt, struct error *err)
{
#define WORST(kernel)                                                                        \
	"max(CASE WHEN run.kernel_name = " kernel " THEN CASE test.result WHEN 'pass' THEN " \
	"0 WHEN 'skip' THEN 1 ELSE 2 END END)"
	int ret = database_prepare(db,
				   "SELECT test.name, " WORST("?2") ", " WORST(
					   "?3") " FROM test JOIN run ON run.id = "
						 "test.run WHERE run.session = ?1 AND test.name <> "
						 "'' GROUP BY test.name ORDER BY "
						 "min(test.rowid)",
				   stmt, err);

	if (ret)
		return ret;
	database_bind_text(*stmt, 1, session);
	for (size_t k = 0; k < nkernels && k < KERNELS_MAX; k++)
		database_bind_text(*stmt, 2 + k, kernels[k]);
	return 0;
}

static void add_row(struct table *t, sqlite3_stmt *row, size_t nkernels)
{
	table_cell(t, xstrdup(database_text(row, 0)), NULL);
	for (size_t k = 0; k < nkernels && k < KERNELS_MAX; k++) {
		int worst = sqlite3_column_int(row, 1 + k);

		if (sqlite3_column_type(row, 1 + k) == SQLITE_NULL)
			table_cell(t, xstrdup("-"), NULL);
		else
			table_cell(t, xstrdup(outcomes[worst].word), outcomes[worst].colour);
	}
}

int results_render_selftests(struct results_db *db, const char *session, const char *const *kernels,
			     size_t nkernels, unsigned int flags, struct strbuf *out,
			     struct error *err)
{
	struct table t = {0};
	sqlite3_stmt *stmt;
	int ret = prepare(db, session, kernels, nkernels, &stmt, err);

	if (ret)
		return ret;
	table_column(&t, "selftest", false, false);
	for (size_t k = 0; k < nkernels && k < KERNELS_MAX; k++)
		table_column(&t, kernels[k], false, false);
	while ((ret = database_step(db, stmt, err)) == 1)
		add_row(&t, stmt, nkernels);
	sqlite3_finalize(stmt);
	if (!ret && t.ncells)
		table_print(&t, flags & RESULTS_RENDER_COLOUR, WIDTH, out);
	table_free(&t);
	return ret;
}
