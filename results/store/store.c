// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/store.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/chain.h"
#include "results/store/columns.h"
#include "results/store/database.h"
#include "results/store/distribution.h"

/* ---- checks before anything is written ---- */

/* An agent may have measured nothing. That is not an error; the metric is left out. */
static bool is_empty(const struct results_metric *m)
{
	return !m->count && !m->nhist;
}

static int check_metric(const struct results_metric *m, struct error *err)
{
	int ret;

	if (is_empty(m))
		return 0;
	if (!m->count || m->min > m->max || !isfinite(m->mean))
		ret = error_set(err, -EINVAL, "count, min, max and mean contradict each other");
	else
		ret = distribution_check(m, err);
	if (ret)
		error_prefix(err, ret, "%s %s %s", m->scenario, m->metric, m->params);
	return ret;
}

static int check_boot(const struct results_boot *boot, struct error *err)
{
	bool failed = boot->class != RESULTS_OK;

	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].is_required && !boot_column_text(boot, i))
			return error_set(err, -EINVAL, "the boot has no %s", boot_columns[i].name);
	if (strcmp(boot->status, failed ? "fail" : "pass") != 0)
		return error_set(err, -EINVAL, "the boot's status is %s, its class %s",
				 boot->status, results_class_name(boot->class));
	if (!failed && boot->nmetrics && !boot->clock)
		return error_set(err, -EINVAL, "the boot has numbers, but names no clock");
	for (size_t i = 0; i < boot->nmetrics; i++) {
		int ret = check_metric(&boot->metrics[i], err);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- writing ---- */

/* What is prepared once and used for each row. */
enum { FIND_MEASUREMENT, ADD_MEASUREMENT, ADD_METRIC, ADD_COUNTER, ADD_TEST, STATEMENTS };
static const char *const statements[STATEMENTS] = {
	[FIND_MEASUREMENT] = "SELECT id FROM measurement WHERE scenario = ?1 AND params = ?2",
	[ADD_MEASUREMENT] = "INSERT INTO measurement (scenario, params) VALUES (?1, ?2)",
	[ADD_METRIC] =
		"INSERT INTO metric (run, measurement, metric, unit, better, headline, "
		"smallest_effect, rounds, warmup, scale, count, min, max, mean, median, p99, "
		"histogram) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
		"?14, ?15, ?16, ?17)",
	[ADD_COUNTER] = "INSERT INTO counter (run, measurement, name, value) "
			"VALUES (?1, ?2, ?3, ?4)",
	[ADD_TEST] = "INSERT INTO test (run, measurement, name, result, text) "
		     "VALUES (?1, ?2, ?3, ?4, ?5)",
};

struct writer {
	struct results_db *db;
	int64_t run;
	sqlite3_stmt *stmts[STATEMENTS];
};

static int finish_row(struct writer *w, sqlite3_stmt *stmt, struct error *err)
{
	int ret = database_step(w->db, stmt, err);

	sqlite3_reset(stmt);
	return ret;
}

/* 1: found, 0: not there. */
static int find_measurement(struct writer *w, const char *scenario, const char *params, int64_t *id,
			    struct error *err)
{
	sqlite3_stmt *s = w->stmts[FIND_MEASUREMENT];
	int ret;

	database_bind_text(s, 1, scenario);
	database_bind_text(s, 2, params);
	ret = database_step(w->db, s, err);
	if (ret == 1)
		*id = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return ret;
}

/* The measurement's row, which is added if it is the first of its kind. */
static int measurement_id(struct writer *w, const char *scenario, const char *params, int64_t *id,
			  struct error *err)
{
	sqlite3_stmt *s = w->stmts[ADD_MEASUREMENT];
	int ret = find_measurement(w, scenario, params, id, err);

	if (ret < 0)
		return ret;
	if (ret == 1)
		return 0;
	database_bind_text(s, 1, scenario);
	database_bind_text(s, 2, params);
	ret = finish_row(w, s, err);
	*id = sqlite3_last_insert_rowid(w->db->sql);
	return ret;
}

static int write_metric(struct writer *w, const struct results_metric *m, struct error *err)
{
	uint32_t scale = m->scale ? m->scale : 1;
	sqlite3_stmt *s = w->stmts[ADD_METRIC];
	struct strbuf bytes = STRBUF_INIT;
	int64_t id;
	int ret = measurement_id(w, m->scenario, m->params, &id, err);

	if (ret)
		return ret;
	distribution_encode(m->hist, m->nhist, &bytes);
	sqlite3_bind_int64(s, 1, w->run);
	sqlite3_bind_int64(s, 2, id);
	database_bind_text(s, 3, m->metric);
	database_bind_text(s, 4, m->unit);
	database_bind_text(s, 5, m->better);
	sqlite3_bind_int(s, 6, m->headline);
	sqlite3_bind_double(s, 7, m->smallest_effect);
	sqlite3_bind_int64(s, 8, m->rounds);
	sqlite3_bind_int64(s, 9, m->warmup);
	sqlite3_bind_int64(s, 10, scale);
	sqlite3_bind_int64(s, 11, (int64_t)m->count);
	sqlite3_bind_double(s, 12, (double)m->min / scale);
	sqlite3_bind_double(s, 13, (double)m->max / scale);
	sqlite3_bind_double(s, 14, m->mean / scale);
	sqlite3_bind_double(s, 15, distribution_quantile(m, 0.5));
	sqlite3_bind_double(s, 16, distribution_tail(m));
	sqlite3_bind_blob(s, 17, bytes.buf, (int)bytes.len, SQLITE_STATIC);
	ret = finish_row(w, s, err);
	strbuf_release(&bytes);
	return ret;
}

static int write_counter(struct writer *w, const struct results_counter *c, struct error *err)
{
	sqlite3_stmt *s = w->stmts[ADD_COUNTER];
	int64_t id;
	int ret = measurement_id(w, c->scenario, c->params, &id, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(s, 1, w->run);
	sqlite3_bind_int64(s, 2, id);
	database_bind_text(s, 3, c->name);
	sqlite3_bind_int64(s, 4, c->value);
	return finish_row(w, s, err);
}

static int write_test(struct writer *w, const struct results_test *t, struct error *err)
{
	sqlite3_stmt *s = w->stmts[ADD_TEST];
	int64_t id;
	int ret = measurement_id(w, t->scenario, t->params, &id, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(s, 1, w->run);
	sqlite3_bind_int64(s, 2, id);
	database_bind_text(s, 3, t->name);
	database_bind_text(s, 4, t->result);
	database_bind_text(s, 5, t->text ? t->text : "");
	return finish_row(w, s, err);
}

/* INSERT INTO run (id, kernel_name, ...) VALUES (?1, ?2, ...). */
static void build_boot_insert(struct strbuf *sql)
{
	strbuf_addstr(sql, "INSERT INTO run (id, ");
	boot_columns_add_names(sql);
	strbuf_addstr(sql, ") VALUES (?1");
	for (size_t i = 0; i < boot_columns_count; i++)
		strbuf_addf(sql, ", ?%zu", i + 2);
	strbuf_addstr(sql, ")");
}

static int write_boot(struct writer *w, const struct results_boot *boot, struct error *err)
{
	struct strbuf sql = STRBUF_INIT;
	sqlite3_stmt *s;
	int ret;

	build_boot_insert(&sql);
	ret = database_prepare(w->db, sql.buf, &s, err);
	strbuf_release(&sql);
	if (ret)
		return ret;
	sqlite3_bind_int64(s, 1, w->run);
	boot_columns_bind(s, 2, boot);
	ret = database_step(w->db, s, err);
	sqlite3_finalize(s);
	return ret;
}

static int writer_open(struct writer *w, struct results_db *db, struct error *err)
{
	int ret = database_int(db, "SELECT coalesce(max(id), 0) + 1 FROM run", 1, &w->run, err);

	w->db = db;
	if (ret)
		return ret;
	for (size_t i = 0; i < STATEMENTS; i++) {
		ret = database_prepare(db, statements[i], &w->stmts[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

static void writer_close(struct writer *w)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(w->stmts[i]);
}

/* The boot's own row comes last but for the seal: from then on the triggers let nothing be added. */
static int write_all(struct writer *w, const struct results_boot *boot, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < boot->nmetrics; i++)
		if (!is_empty(&boot->metrics[i]))
			ret = write_metric(w, &boot->metrics[i], err);
	for (size_t i = 0; !ret && i < boot->ncounters; i++)
		ret = write_counter(w, &boot->counters[i], err);
	for (size_t i = 0; !ret && i < boot->ntests; i++)
		ret = write_test(w, &boot->tests[i], err);
	if (ret)
		return ret;
	ret = write_boot(w, boot, err);
	if (ret)
		return ret;
	return chain_append(w->db, SEAL_RUN, w->run, err);
}

static int write_transaction(struct writer *w, struct results_db *db,
			     const struct results_boot *boot, struct error *err)
{
	int ret = database_exec(db, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = writer_open(w, db, err);
	if (ret)
		goto out;
	ret = write_all(w, boot, err);
out:
	writer_close(w);
	return database_end(db, ret, err);
}

int results_store(struct results_db *db, const struct results_boot *boot, int64_t *id,
		  struct error *err)
{
	struct writer w = {0};
	int ret = check_boot(boot, err);

	if (!ret)
		ret = write_transaction(&w, db, boot, err);
	if (ret)
		return error_prefix(err, ret, "run not stored");
	if (id)
		*id = w.run;
	return 0;
}
