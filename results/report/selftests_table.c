// SPDX-License-Identifier: GPL-2.0-only
/* Which selftests passed on which kernel, as a table. */
#include "common/alloc.h"
#include "results/report/table.h"
#include "results/report/text.h"
#include "results/store/database.h"

#define KERNELS_MAX 2
#define WIDTH	    100

static const struct {
	const char *word;
	enum tone tone;
} outcomes[] = {{"pass", TONE_GOOD}, {"skip", TONE_UNSURE}, {"fail", TONE_BAD}};

/* The worst result over a kernel's boots: the index of its row in outcomes[]. */
#define WORST(kernel)                                      \
	"max(CASE WHEN run.kernel_name = " kernel " THEN " \
	"CASE test.result WHEN 'pass' THEN 0 WHEN 'skip' THEN 1 ELSE 2 END END)"

/* A test with other arguments is another one (words.h). */
#define WITH_ARGUMENTS                                                      \
	"test.name || ifnull((SELECT ' ' || group_concat(value, ' ') FROM " \
	"json_each(measurement.params, '$.arguments')), '')"

static int prepare_query(struct results_db *db, const char *session, const char *const *kernels,
			 size_t nkernels, sqlite3_stmt **stmt, struct error *err)
{
	static const char query[] = "SELECT " WITH_ARGUMENTS " AS said, " WORST("?2") ", " WORST(
		"?3") " FROM test JOIN run ON run.id = test.run "
		      "JOIN measurement ON measurement.id = test.measurement "
		      "WHERE run.session = ?1 AND test.name <> '' "
		      "GROUP BY said ORDER BY min(test.rowid)";
	int ret = database_prepare(db, query, stmt, err);

	if (ret)
		return ret;
	database_bind_text(*stmt, 1, session);
	for (size_t k = 0; k < nkernels; k++)
		database_bind_text(*stmt, 2 + k, kernels[k]);
	return 0;
}

static void add_row(struct table *t, sqlite3_stmt *row, size_t nkernels)
{
	table_cell(t, "%s", database_text(row, 0));
	for (size_t k = 0; k < nkernels; k++) {
		int worst = sqlite3_column_int(row, 1 + k);

		if (sqlite3_column_type(row, 1 + k) == SQLITE_NULL)
			table_cell(t, "-");
		else
			table_cell_tone(t, outcomes[worst].tone, "%s", outcomes[worst].word);
	}
}

int results_render_selftests(struct results_db *db, const char *session, const char *const *kernels,
			     size_t nkernels, unsigned int flags, struct strbuf *out,
			     struct error *err)
{
	struct table *t;
	sqlite3_stmt *stmt;
	int ret;

	if (nkernels > KERNELS_MAX)
		nkernels = KERNELS_MAX;
	ret = prepare_query(db, session, kernels, nkernels, &stmt, err);
	if (ret)
		return ret;
	t = table_new("", "selftest");
	for (size_t k = 0; k < nkernels; k++)
		table_add_column(t, kernels[k], false, false);
	while ((ret = database_step(db, stmt, err)) == 1)
		add_row(t, stmt, nkernels);
	sqlite3_finalize(stmt);
	if (!ret && table_count_rows(t))
		table_text_columns(t, flags / RESULTS_RENDER_COLUMNS(1),
				   flags & RESULTS_RENDER_COLOUR, out);
	table_free(t);
	return ret;
}
