// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/store.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/database.h"
#include "results/store/distribution.h"
#include "results/store/seal.h"

static const char *const class_names[] = {
	[RESULTS_OK] = "ok",
	[RESULTS_INFRASTRUCTURE] = "infrastructure",
	[RESULTS_JOB] = "job",
	[RESULTS_GUEST] = "guest",
	[RESULTS_INTEGRITY] = "integrity",
	[RESULTS_CANCELLED] = "cancelled",
};

const char *results_class_name(enum results_class c)
{
	return class_names[c];
}

/* A run's texts: column, member, and whether it must be there. */
#define TEXT(member) #member, offsetof(struct results_boot, member)
static const struct {
	const char *column;
	size_t offset;
	bool required;
} text_columns[] = {
	{TEXT(kernel_name), true},     {TEXT(kernel_key), true},
	{TEXT(kernel_release), false}, {TEXT(kernel_build_id), false},
	{TEXT(bzimage_sha256), false}, {TEXT(source_hash), false},
	{TEXT(patches_hash), false},   {TEXT(config_hash), false},
	{TEXT(compiler), false},       {TEXT(image_sha256), false},
	{TEXT(agent_sha256), false},   {TEXT(plan_sha256), false},
	{TEXT(cmdline), false},	       {TEXT(scenario_name), true},
	{TEXT(scenario_hash), false},  {TEXT(host_name), true},
	{TEXT(host_driver), false},    {TEXT(host_identity), false},
	{TEXT(clock), false},	       {TEXT(session), true},
	{TEXT(environment), false},    {TEXT(started), true},
	{TEXT(console_path), false},   {TEXT(status), true},
	{TEXT(error), false},
};

static const char *text_of(const struct results_boot *run, size_t i)
{
	return *(const char *const *)((const char *)run + text_columns[i].offset);
}

/* ---- what must hold before anything is written ---- */

/* An agent may have measured nothing: that is no number, and no error. */
static bool is_empty(const struct results_metric *m)
{
	return !m->count && !m->nhist;
}

static int check_metric(const struct results_metric *m, struct error *err)
{
	int ret = 0;

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

static int check_run(const struct results_boot *run, struct error *err)
{
	bool failed = run->class != RESULTS_OK;

	for (size_t i = 0; i < ARRAY_SIZE(text_columns); i++)
		if (text_columns[i].required && !text_of(run, i))
			return error_set(err, -EINVAL, "the run has no %s", text_columns[i].column);
	if (strcmp(run->status, failed ? "fail" : "pass"))
		return error_set(err, -EINVAL, "the run's status is %s, its class %s", run->status,
				 results_class_name(run->class));
	if (!failed && run->nmetrics && !run->clock)
		return error_set(err, -EINVAL, "the run has numbers, but names no clock");
	for (size_t i = 0; i < run->nmetrics; i++) {
		int ret = check_metric(&run->metrics[i], err);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- writing ---- */

struct writer {
	struct results_db *db;
	int64_t run;
	sqlite3_stmt *find, *add, *metric, *counter, *test;
};

static int finish(struct writer *w, sqlite3_stmt *stmt, struct error *err)
{
	int ret = database_step(w->db, stmt, err);

	sqlite3_reset(stmt);
	return ret < 0 ? ret : 0;
}

static int measurement_id(struct writer *w, const char *scenario, const char *params, int64_t *id,
			  struct error *err)
{
	int ret;

	database_bind_text(w->find, 1, scenario);
	database_bind_text(w->find, 2, params);
	ret = database_step(w->db, w->find, err);
	*id = ret == 1 ? sqlite3_column_int64(w->find, 0) : 0;
	sqlite3_reset(w->find);
	if (ret)
		return ret < 0 ? ret : 0;
	database_bind_text(w->add, 1, scenario);
	database_bind_text(w->add, 2, params);
	ret = finish(w, w->add, err);
	*id = sqlite3_last_insert_rowid(w->db->sql);
	return ret;
}

static int write_metric(struct writer *w, const struct results_metric *m, struct error *err)
{
	uint32_t scale = m->scale ? m->scale : 1;
	struct strbuf bytes = STRBUF_INIT;
	sqlite3_stmt *s = w->metric;
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
	ret = finish(w, s, err);
	strbuf_release(&bytes);
	return ret;
}

static int write_counter(struct writer *w, const struct results_counter *c, struct error *err)
{
	int64_t id;
	int ret = measurement_id(w, c->scenario, c->params, &id, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(w->counter, 1, w->run);
	sqlite3_bind_int64(w->counter, 2, id);
	database_bind_text(w->counter, 3, c->name);
	sqlite3_bind_int64(w->counter, 4, c->value);
	return finish(w, w->counter, err);
}

static int write_test(struct writer *w, const struct results_test *t, struct error *err)
{
	int64_t id;
	int ret = measurement_id(w, t->scenario, t->params, &id, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(w->test, 1, w->run);
	sqlite3_bind_int64(w->test, 2, id);
	database_bind_text(w->test, 3, t->name);
	database_bind_text(w->test, 4, t->result);
	database_bind_text(w->test, 5, t->text ? t->text : "");
	return finish(w, w->test, err);
}

/* INSERT INTO run (id,kernel_name,...,boot,seed,wall_seconds,class) VALUES (?1,?2,...). */
static void build_run_insert(struct strbuf *sql)
{
	size_t n = ARRAY_SIZE(text_columns);

	strbuf_addstr(sql, "INSERT INTO run (id,boot,seed,wall_seconds,class");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sql, ",%s", text_columns[i].column);
	strbuf_addstr(sql, ") VALUES (?1,?2,?3,?4,?5");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sql, ",?%zu", i + 6);
	strbuf_addstr(sql, ")");
}

static int write_run(struct writer *w, const struct results_boot *run, struct error *err)
{
	struct strbuf sql = STRBUF_INIT;
	sqlite3_stmt *s;
	int ret;

	build_run_insert(&sql);
	ret = database_prepare(w->db, sql.buf, &s, err);
	strbuf_release(&sql);
	if (ret)
		return ret;
	sqlite3_bind_int64(s, 1, w->run);
	sqlite3_bind_int(s, 2, run->boot);
	sqlite3_bind_int64(s, 3, (int64_t)run->seed);
	sqlite3_bind_double(s, 4, run->wall_seconds);
	database_bind_text(s, 5, run->class ? results_class_name(run->class) : NULL);
	for (size_t i = 0; i < ARRAY_SIZE(text_columns); i++)
		database_bind_text(s, (int)i + 6, text_of(run, i));
	ret = finish(w, s, err);
	sqlite3_finalize(s);
	return ret;
}

static int writer_open(struct writer *w, struct results_db *db, struct error *err)
{
	int ret = database_int(db, "SELECT coalesce(max(id), 0) + 1 FROM run", 1, &w->run, err);

	w->db = db;
	ret = ret ? ret
		  : database_prepare(db,
				     "SELECT id FROM measurement WHERE scenario = ?1 "
				     "AND params = ?2",
				     &w->find, err);
	ret = ret ? ret
		  : database_prepare(db,
				     "INSERT INTO measurement (scenario, params) "
				     "VALUES (?1, ?2)",
				     &w->add, err);
	ret = ret ? ret
		  : database_prepare(db,
				     "INSERT INTO metric VALUES (?1,?2,?3,?4,?5,?6,?7,?8,"
				     "?9,?10,?11,?12,?13,?14,?15,?16,?17)",
				     &w->metric, err);
	ret = ret ? ret
		  : database_prepare(db, "INSERT INTO counter VALUES (?1,?2,?3,?4)", &w->counter,
				     err);
	return ret ? ret
		   : database_prepare(db, "INSERT INTO test VALUES (?1,?2,?3,?4,?5)", &w->test,
				      err);
}

static void writer_close(struct writer *w)
{
	sqlite3_finalize(w->find);
	sqlite3_finalize(w->add);
	sqlite3_finalize(w->metric);
	sqlite3_finalize(w->counter);
	sqlite3_finalize(w->test);
}

static int write_all(struct writer *w, const struct results_boot *run, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < run->nmetrics; i++)
		ret = is_empty(&run->metrics[i]) ? 0 : write_metric(w, &run->metrics[i], err);
	for (size_t i = 0; !ret && i < run->ncounters; i++)
		ret = write_counter(w, &run->counters[i], err);
	for (size_t i = 0; !ret && i < run->ntests; i++)
		ret = write_test(w, &run->tests[i], err);
	ret = ret ? ret : write_run(w, run, err); /* last: nothing can be added to it any more */
	return ret ? ret : seal_write(w->db, w->run, err);
}

int results_store(struct results_db *db, const struct results_boot *run, int64_t *id,
		  struct error *err)
{
	struct writer w = {0};
	int ret = check_run(run, err);

	ret = ret ? ret : database_exec(db, "BEGIN IMMEDIATE", err);
	if (ret)
		return error_prefix(err, ret, "run not stored");
	ret = writer_open(&w, db, err);
	ret = ret ? ret : write_all(&w, run, err);
	writer_close(&w);
	ret = ret ? ret : database_exec(db, "COMMIT", err);
	if (ret) {
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
		return error_prefix(err, ret, "run not stored");
	}
	if (id)
		*id = w.run;
	return 0;
}
