// SPDX-License-Identifier: GPL-2.0-only
/*
 * `nestlab db check`: what SQLite can verify, and what only nestlab knows. Each fault adds a line to the
 * report.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/chain.h"
#include "results/store/check.h"
#include "results/store/distribution.h"

/* Each row that @sql gives is a fault, but for "ok". So is a file too damaged to be queried. */
static void check_query(struct checker *c, const char *what, const char *sql)
{
	struct error err = {0};
	sqlite3_stmt *stmt = NULL;
	int ret = database_prepare(c->db, sql, &stmt, &err);

	while (!ret && (ret = database_step(c->db, stmt, &err)) == 1) {
		const char *text = database_text(stmt, 0);

		ret = 0;
		if (strcmp(text, "ok"))
			check_add_fault(c, "%s: %s", what, text);
	}
	if (ret < 0)
		check_add_fault(c, "%s: %s", what, err.text);
	sqlite3_finalize(stmt);
}

static const struct {
	const char *what, *sql;
	int64_t since; /* schema version */
} queries[] = {
	{"file", "PRAGMA integrity_check"},
	{"reference", "SELECT 'row ' || rowid || ' of ' || \"table\" || ' has no ' || parent "
		      "FROM pragma_foreign_key_check"},
	{"run", "SELECT 'run ' || id || ' passed, but holds no metric and no test' FROM run WHERE "
		"status = 'pass' AND NOT EXISTS (SELECT 1 FROM metric WHERE metric.run = run.id) "
		"AND NOT EXISTS (SELECT 1 FROM test WHERE test.run = run.id)"},
	{"run", "SELECT 'run ' || id || ' has numbers but names no clock' FROM run WHERE status = "
		"'pass' AND clock IS NULL AND EXISTS (SELECT 1 FROM metric WHERE metric.run = "
		"run.id)"},
	{"run", "SELECT 'run ' || id || ' failed, and does not say why' FROM run WHERE status = "
		"'fail' AND coalesce(error, '') = ''"},
	{"bisect",
	 "SELECT 'bisect ' || id || ' runs, and has an answer' FROM bisect WHERE state = "
	 "'running' AND answer <> ''",
	 2},
	{"measurement",
	 "SELECT 'row ' || id || ' is of no run' FROM measurement AS m WHERE NOT EXISTS (SELECT 1 "
	 "FROM metric WHERE measurement = m.id) AND NOT EXISTS (SELECT 1 FROM counter WHERE "
	 "measurement = m.id) AND NOT EXISTS (SELECT 1 FROM test WHERE measurement = m.id)"},
};

static bool is_different(double stored, double computed)
{
	return fabs(stored - computed) > 1e-9 * fmax(fabs(computed), 1);
}

/* Count, min, max, median and p99 have to be those of the histogram. */
static void check_histogram(struct checker *c, sqlite3_stmt *s)
{
	double scale = sqlite3_column_double(s, 3);
	struct results_metric m = {
		.better = database_text(s, 2),
		.scale = (uint32_t)scale,
		.count = (uint64_t)sqlite3_column_int64(s, 4),
		.min = (uint64_t)llround(sqlite3_column_double(s, 5) * scale),
		.max = (uint64_t)llround(sqlite3_column_double(s, 6) * scale),
	};
	struct results_bucket *hist = NULL;
	struct error err = {0};
	int ret = distribution_decode(sqlite3_column_blob(s, 9), sqlite3_column_bytes(s, 9), &hist,
				      &m.nhist);

	m.hist = hist;
	if (ret)
		error_set(&err, ret, "the histogram cannot be decoded");
	else
		ret = distribution_check(&m, &err);
	if (!ret && (is_different(sqlite3_column_double(s, 7), distribution_quantile(&m, 0.5)) ||
		     is_different(sqlite3_column_double(s, 8), distribution_tail(&m))))
		ret = error_set(&err, -EBADMSG, "median or p99 is not the histogram's");
	if (ret)
		check_add_fault(c, "run %lld: %s: %s", (long long)sqlite3_column_int64(s, 0),
				database_text(s, 1), err.text);
	free(hist);
}

static void check_histograms(struct checker *c)
{
	struct error err = {0};
	sqlite3_stmt *s = NULL;
	int ret =
		database_prepare(c->db,
				 "SELECT run, scenario || ' ' || metric || ' ' || params, better, "
				 "scale, count, min, max, median, p99, histogram FROM metric JOIN "
				 "measurement ON measurement.id = metric.measurement",
				 &s, &err);

	while (!ret && (ret = database_step(c->db, s, &err)) == 1) {
		check_histogram(c, s);
		ret = 0;
	}
	if (ret < 0)
		check_add_fault(c, "histograms: %s", err.text);
	sqlite3_finalize(s);
}

int results_check(struct results_db *db, struct strbuf *report, struct error *err)
{
	struct checker c = {.db = db, .report = report};

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		if (queries[i].since <= db->version)
			check_query(&c, queries[i].what, queries[i].sql);
	check_schema(&c);
	check_histograms(&c);
	if (db->version < CHAIN_VERSION)
		check_seals(&c);
	else
		check_chain(&c);
	if (c.faults > CHECK_LINES_MAX)
		strbuf_addf(report, "... and %d more\n", c.faults - CHECK_LINES_MAX);
	if (c.faults)
		return error_set(err, -EBADMSG, "%s: %d fault%s", db->path, c.faults,
				 c.faults == 1 ? "" : "s");
	return 0;
}
