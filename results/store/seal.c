// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/seal.h"

#include "common/alloc.h"
#include "common/sha256.h"

/* Named columns: a later version may add some, and a run sealed before must still match. */
#define OF_MEASUREMENT "JOIN measurement ON measurement.id = measurement WHERE run = ?1 ORDER BY "
static const char *const queries[] = {
	"SELECT id, kernel_name, kernel_key, kernel_release, kernel_build_id, bzimage_sha256, "
	"source_hash, patches_hash, config_hash, compiler, image_sha256, agent_sha256, "
	"plan_sha256, "
	"cmdline, scenario_name, scenario_hash, host_name, host_driver, host_identity, clock, "
	"session, environment, boot, seed, started, wall_seconds, console_path, status, class, "
	"error "
	"FROM run WHERE id = ?1",
	"SELECT scenario, params, metric, unit, better, headline, smallest_effect, rounds, warmup, "
	"scale, count, min, max, mean, median, p99, histogram FROM metric " OF_MEASUREMENT
	"scenario, params, metric",
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

int seal_compute(struct results_db *db, int64_t run, char hex[SHA256_HEX], struct error *err)
{
	struct strbuf bytes = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(queries); i++)
		ret = add_rows(db, queries[i], run, &bytes, err);
	sha256_bytes(bytes.buf, bytes.len, hex);
	strbuf_release(&bytes);
	return ret;
}

int seal_write(struct results_db *db, int64_t run, struct error *err)
{
	char hex[SHA256_HEX];
	sqlite3_stmt *stmt;
	int ret = seal_compute(db, run, hex, err);

	ret = ret ? ret : database_prepare(db, "INSERT INTO seal VALUES (?1, ?2)", &stmt, err);
	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, run);
	database_bind_text(stmt, 2, hex);
	ret = database_step(db, stmt, err);
	sqlite3_finalize(stmt);
	return ret < 0 ? ret : 0;
}
