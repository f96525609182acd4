// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/seal.h"

#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "results/store/columns.h"

/* The rows of the other tables, by named columns: a later version may add some, and a run that was sealed
 * before must still match. */
#define OF_MEASUREMENT "JOIN measurement ON measurement.id = measurement WHERE run = ?1 ORDER BY "
static const char *const queries[] = {
	"SELECT scenario, params, metric, unit, better, headline, smallest_effect, rounds, warmup, "
	"scale, count, min, max, mean, median, p99, histogram "
	"FROM metric " OF_MEASUREMENT "scenario, params, metric",
	"SELECT scenario, params, name, value FROM counter " OF_MEASUREMENT
	"scenario, params, name",
	"SELECT scenario, params, name, result, text FROM test " OF_MEASUREMENT "test.rowid",
};

/* Type and length go in front, so that no two different rows give the same bytes; a real number
 * goes in by its bits, for its text depends on SQLite's version. */
static void add_column(struct strbuf *bytes, sqlite3_stmt *row, int column)
{
	int type = sqlite3_column_type(row, column);
	double real = sqlite3_column_double(row, column);
	const void *value = &real;
	int len = sizeof(real);

	if (type != SQLITE_FLOAT) {
		value = sqlite3_column_blob(row, column); /* whole numbers as their text */
		len = sqlite3_column_bytes(row, column);
	}
	strbuf_addf(bytes, "%d:%d:", type, len);
	if (value)
		strbuf_add(bytes, value, (size_t)len);
}

static int add_rows(struct results_db *db, const char *query, int64_t run, struct strbuf *bytes,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, query, &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, run);
	while ((ret = database_step(db, stmt, err)) == 1) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			add_column(bytes, stmt, i);
		strbuf_addch(bytes, '\n');
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* The columns that every run has ever had, as one row: id first, the others in the table's order. */
static int add_run(struct results_db *db, int64_t run, bool with_id, struct strbuf *bytes,
		   struct error *err)
{
	const char *before = "";
	struct strbuf query = STRBUF_INIT;
	int ret;

	strbuf_addstr(&query, "SELECT ");
	if (with_id) {
		strbuf_addstr(&query, "id");
		before = ", ";
	}
	for (size_t i = 0; i < boot_columns_count; i++) {
		if (boot_columns[i].since > 1)
			continue;
		strbuf_addf(&query, "%s%s", before, boot_columns[i].name);
		before = ", ";
	}
	strbuf_addstr(&query, " FROM run WHERE id = ?1");
	ret = add_rows(db, query.buf, run, bytes, err);
	strbuf_release(&query);
	return ret;
}

/* Columns that came later, each with its name, and only where there is a value: in older runs they
 * are NULL, add no byte, and the old seal matches. */
static int add_later_columns(struct results_db *db, int64_t run, struct strbuf *bytes,
			     struct error *err)
{
	for (size_t i = 0; i < boot_columns_count; i++) {
		const char *name = boot_columns[i].name;
		__cleanup_free char *query = NULL;
		int ret;

		if (boot_columns[i].since <= 1 || boot_columns[i].since > db->version)
			continue;
		query = xasprintf("SELECT '%s', %s FROM run WHERE id = ?1 AND %s IS NOT NULL", name,
				  name, name);
		ret = add_rows(db, query, run, bytes, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_boot(struct results_db *db, int64_t run, bool with_id, struct strbuf *bytes,
		    struct error *err)
{
	int ret = add_run(db, run, with_id, bytes, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		ret = add_rows(db, queries[i], run, bytes, err);
		if (ret)
			return ret;
	}
	return add_later_columns(db, run, bytes, err);
}

/* ---- kinds ---- */

static const struct {
	const char *name;
	const char *query; /* NULL: a run */
} kinds[SEAL_KINDS] = {
	[SEAL_ORIGIN] = {"origin", "SELECT id, name, started, adopted FROM origin WHERE id = ?1"},
	[SEAL_RUN] = {"run", NULL},
	[SEAL_BISECT] = {"bisect",
			 "SELECT id, session, request, started FROM bisect WHERE id = ?1"},
	[SEAL_BISECT_STEP] = {"bisect_step",
			      "SELECT number, bisect, candidate, kernel_key, bzimage_sha256, "
			      "verdict, position, low, high, boots, seconds, why "
			      "FROM bisect_step WHERE number = ?1"},
	[SEAL_BISECT_END] = {"bisect_end", "SELECT id, state, answer FROM bisect WHERE id = ?1"},
	[SEAL_MERGE] = {"merge",
			"SELECT id, name, seals, head, boots, merged FROM merge WHERE id = ?1"},
};

const char *seal_kind_name(enum seal_kind kind)
{
	return kinds[kind].name;
}

enum seal_kind seal_kind_from_name(const char *name)
{
	int i = 0;

	while (i < SEAL_KINDS && strcmp(kinds[i].name, name) != 0)
		i++;
	return i;
}

int seal_compute(struct results_db *db, enum seal_kind kind, int64_t row, char hex[SHA256_HEX],
		 struct error *err)
{
	struct strbuf bytes = STRBUF_INIT;
	int ret;

	if (kinds[kind].query)
		ret = add_rows(db, kinds[kind].query, row, &bytes, err);
	else
		ret = add_boot(db, row, true, &bytes, err);
	sha256_bytes(bytes.buf, bytes.len, hex);
	strbuf_release(&bytes);
	return ret;
}

int seal_compute_content(struct results_db *db, int64_t run, char hex[SHA256_HEX],
			 struct error *err)
{
	struct strbuf bytes = STRBUF_INIT;
	int ret = add_boot(db, run, false, &bytes, err);

	sha256_bytes(bytes.buf, bytes.len, hex);
	strbuf_release(&bytes);
	return ret;
}
