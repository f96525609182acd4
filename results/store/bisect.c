// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/bisect.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/store/chain.h"

/* Prepares @sql and binds @n texts at ?1..?n. */
static int prepare_with_texts(struct results_db *db, const char *sql, const char *const *texts,
			      int n, sqlite3_stmt **stmt, struct error *err)
{
	int ret = database_prepare(db, sql, stmt, err);

	if (ret)
		return ret;
	for (int i = 0; i < n; i++)
		database_bind_text(*stmt, i + 1, texts[i]);
	return 0;
}

/* Runs a statement that gives no row, and ends it. */
static int finish_statement(struct results_db *db, sqlite3_stmt *stmt, struct error *err)
{
	int ret = database_step(db, stmt, err);

	sqlite3_finalize(stmt);
	return ret;
}

static int insert_bisect(struct results_db *db, const char *session, const char *request,
			 int64_t *id, struct error *err)
{
	const char *const texts[] = {session, request};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(
		db, "INSERT INTO bisect (session, request, state) VALUES (?, ?, 'running')", texts,
		ARRAY_SIZE(texts), &stmt, err);

	if (ret)
		return ret;
	ret = finish_statement(db, stmt, err);
	if (ret)
		return ret;
	*id = sqlite3_last_insert_rowid(db->sql);
	return chain_append(db, SEAL_BISECT, *id, err);
}

int results_bisect_create(struct results_db *db, const char *session, const char *request,
			  int64_t *id, struct error *err)
{
	int ret = database_begin(db, err);

	*id = 0;
	if (ret)
		return ret;
	ret = insert_bisect(db, session, request, id, err);
	return database_end(db, ret, err);
}

static int no_such_bisect(const struct results_db *db, const char *session, struct error *err)
{
	if (!session)
		return error_set(err, -ENOENT, "%s: no bisect was ever started", db->path);
	return error_set(err, -ENOENT, "%s: no bisect with session %s", db->path, session);
}

int results_bisect_find(struct results_db *db, const char *session, struct results_bisect *out,
			struct error *err)
{
	sqlite3_stmt *stmt;
	int ret;

	*out = (struct results_bisect){0};
	if (db->version < BISECT_VERSION)
		return no_such_bisect(db, session, err);
	ret = prepare_with_texts(db,
				 "SELECT id, session, request, state, answer, started FROM bisect "
				 "WHERE ?1 IS NULL OR session = ?1 ORDER BY id DESC LIMIT 1",
				 &session, 1, &stmt, err);
	if (ret)
		return ret;
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = (struct results_bisect){
			.id = sqlite3_column_int64(stmt, 0),
			.session = xstrdup(database_text(stmt, 1)),
			.request = xstrdup(database_text(stmt, 2)),
			.state = xstrdup(database_text(stmt, 3)),
			.answer = xstrdup(database_text(stmt, 4)),
			.started = xstrdup(database_text(stmt, 5)),
		};
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	if (ret == 1)
		return 0;
	return no_such_bisect(db, session, err);
}

int results_bisect_between(struct results_db *db, const char *good, const char *bad, char **answer,
			   struct error *err)
{
	const char *const ends[] = {good, bad};
	sqlite3_stmt *stmt;
	int ret;

	*answer = NULL;
	if (db->version < BISECT_VERSION)
		return no_such_bisect(db, NULL, err);
	ret = prepare_with_texts(
		db,
		"SELECT answer FROM bisect WHERE request ->> '$.good' = ?1 AND "
		"request ->> '$.bad' = ?2 AND state <> 'running' ORDER BY id DESC LIMIT 1",
		ends, ARRAY_SIZE(ends), &stmt, err);
	if (ret)
		return ret;
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*answer = xstrdup(database_text(stmt, 0));
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	if (ret == 1)
		return 0;
	return no_such_bisect(db, NULL, err);
}

void results_bisect_free(struct results_bisect *b)
{
	free(b->session);
	free(b->request);
	free(b->state);
	free(b->answer);
	free(b->started);
	*b = (struct results_bisect){0};
}

/* A bisect that is asked again after its end mostly says the same: then nothing is written. */
static int update_bisect(struct results_db *db, int64_t id, const char *state, const char *answer,
			 struct error *err)
{
	const char *const texts[] = {state, answer};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(db,
				     "UPDATE bisect SET state = ?1, answer = ?2 WHERE id = ?3 "
				     "AND (state <> ?1 OR answer <> ?2)",
				     texts, ARRAY_SIZE(texts), &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 3, id);
	ret = finish_statement(db, stmt, err);
	if (ret || !sqlite3_changes(db->sql))
		return ret;
	return chain_append(db, SEAL_BISECT_END, id, err);
}

int results_bisect_finish(struct results_db *db, int64_t id, const char *state, const char *answer,
			  struct error *err)
{
	int ret = database_begin(db, err);

	if (ret)
		return ret;
	ret = update_bisect(db, id, state, answer, err);
	return database_end(db, ret, err);
}

/* ---- steps ---- */

static void bind_number(sqlite3_stmt *stmt, int i, double value)
{
	if (isnan(value))
		sqlite3_bind_null(stmt, i);
	else
		sqlite3_bind_double(stmt, i, value);
}

static double column_number(sqlite3_stmt *stmt, int i)
{
	if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
		return NAN;
	return sqlite3_column_double(stmt, i);
}

static int insert_step(struct results_db *db, int64_t id, const struct results_bisect_step *step,
		       struct error *err)
{
	const char *const texts[] = {step->candidate, step->kernel_key, step->bzimage_sha256,
				     step->verdict, step->why};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(
		db,
		"INSERT INTO bisect_step (candidate, kernel_key, bzimage_sha256, verdict,"
		" why, bisect, position, low, high, boots, seconds)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT (bisect, candidate) DO NOTHING",
		texts, ARRAY_SIZE(texts), &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 6, id);
	bind_number(stmt, 7, step->position);
	bind_number(stmt, 8, step->low);
	bind_number(stmt, 9, step->high);
	sqlite3_bind_int(stmt, 10, step->boots);
	sqlite3_bind_double(stmt, 11, step->seconds);
	ret = finish_statement(db, stmt, err);
	if (ret || !sqlite3_changes(db->sql))
		return ret;
	return chain_append(db, SEAL_BISECT_STEP, sqlite3_last_insert_rowid(db->sql), err);
}

int results_bisect_add_step(struct results_db *db, int64_t id,
			    const struct results_bisect_step *step, struct error *err)
{
	int ret = database_begin(db, err);

	if (ret)
		return ret;
	ret = insert_step(db, id, step, err);
	return database_end(db, ret, err);
}

static void read_step(sqlite3_stmt *stmt, struct results_bisect_step *out)
{
	*out = (struct results_bisect_step){
		.candidate = xstrdup(database_text(stmt, 0)),
		.kernel_key = xstrdup(database_text(stmt, 1)),
		.bzimage_sha256 = xstrdup(database_text(stmt, 2)),
		.verdict = xstrdup(database_text(stmt, 3)),
		.why = xstrdup(database_text(stmt, 4)),
		.position = column_number(stmt, 5),
		.low = column_number(stmt, 6),
		.high = column_number(stmt, 7),
		.boots = sqlite3_column_int(stmt, 8),
		.seconds = sqlite3_column_double(stmt, 9),
	};
}

int results_bisect_steps(struct results_db *db, int64_t id, struct results_bisect_step **steps,
			 size_t *n, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(
		db,
		"SELECT candidate, kernel_key, bzimage_sha256, verdict, why, position,"
		" low, high, boots, seconds FROM bisect_step WHERE bisect = ?1 ORDER BY"
		" number",
		NULL, 0, &stmt, err);

	*steps = NULL;
	*n = 0;
	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, id);
	while ((ret = database_step(db, stmt, err)) == 1) {
		*steps = xrealloc(*steps, *n + 1, sizeof(**steps));
		read_step(stmt, &(*steps)[(*n)++]);
	}
	sqlite3_finalize(stmt);
	if (ret) {
		results_bisect_steps_free(*steps, *n);
		*steps = NULL;
		*n = 0;
	}
	return ret;
}

void results_bisect_step_free(struct results_bisect_step *step)
{
	free(step->candidate);
	free(step->kernel_key);
	free(step->bzimage_sha256);
	free(step->verdict);
	free(step->why);
	*step = (struct results_bisect_step){0};
}

void results_bisect_steps_free(struct results_bisect_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		results_bisect_step_free(&steps[i]);
	free(steps);
}

/* ---- boots ---- */

int results_tally_boots(struct results_db *db, const char *session, const char *kernel_key,
			struct results_tally *out, struct error *err)
{
	const char *const texts[] = {session, kernel_key};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(db,
				     "SELECT boot, class, error FROM run WHERE session = ?1 AND"
				     " kernel_key = ?2 ORDER BY id",
				     texts, ARRAY_SIZE(texts), &stmt, err);

	*out = (struct results_tally){0};
	if (ret)
		return ret;
	while ((ret = database_step(db, stmt, err)) == 1) {
		int boot = sqlite3_column_int(stmt, 0);
		enum results_class class = results_class_from_name(database_text(stmt, 1));

		if (boot > out->last)
			out->last = boot;
		out->boots[class]++;
		if (class == RESULTS_OK)
			continue;
		free(out->error);
		out->error = xstrdup(database_text(stmt, 2));
	}
	sqlite3_finalize(stmt);
	if (!out->error)
		out->error = xstrdup("");
	return ret;
}

static void read_ending(sqlite3_stmt *stmt, struct results_ending *out)
{
	*out = (struct results_ending){
		.boot = sqlite3_column_int(stmt, 0),
		.class = results_class_from_name(database_text(stmt, 1)),
		.error = xstrdup(database_text(stmt, 2)),
		.test = xstrdup(database_text(stmt, 3)),
	};
}

int results_boot_endings(struct results_db *db, const char *session, const char *kernel_key,
			 const char *test, struct results_ending **endings, size_t *n,
			 struct error *err)
{
	const char *const texts[] = {session, kernel_key, test ? test : ""};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(
		db,
		"SELECT boot, class, error, (SELECT result FROM test WHERE test.run = run.id"
		" AND (name = '' AND result = 'skip' OR ?3 <> '' AND name = ?3)"
		" ORDER BY name DESC LIMIT 1)"
		" FROM run WHERE session = ?1 AND kernel_key = ?2 ORDER BY id",
		texts, ARRAY_SIZE(texts), &stmt, err);

	*endings = NULL;
	*n = 0;
	if (ret)
		return ret;
	while ((ret = database_step(db, stmt, err)) == 1) {
		*endings = xrealloc(*endings, *n + 1, sizeof(**endings));
		read_ending(stmt, &(*endings)[(*n)++]);
	}
	sqlite3_finalize(stmt);
	if (ret) {
		results_endings_free(*endings, *n);
		*endings = NULL;
		*n = 0;
	}
	return ret;
}

void results_endings_free(struct results_ending *endings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(endings[i].error);
		free(endings[i].test);
	}
	free(endings);
}

int results_boot_medians(struct results_db *db, const char *session, const char *kernel_key,
			 const char *scenario, const char *metric, double **medians, size_t *n,
			 struct error *err)
{
	const char *const texts[] = {session, kernel_key, scenario, metric};
	sqlite3_stmt *stmt;
	int ret = prepare_with_texts(
		db,
		"SELECT metric.median FROM metric JOIN run ON run.id = metric.run"
		" JOIN measurement ON measurement.id = metric.measurement"
		" WHERE run.session = ?1 AND run.kernel_key = ?2 AND run.status = 'pass'"
		" AND measurement.scenario = ?3 AND metric.metric = ?4 ORDER BY run.boot",
		texts, ARRAY_SIZE(texts), &stmt, err);

	*medians = NULL;
	*n = 0;
	if (ret)
		return ret;
	while ((ret = database_step(db, stmt, err)) == 1) {
		if (!(*n & (*n - 1))) /* full at each power of two */
			*medians = xrealloc(*medians, *n ? 2 * *n : 1, sizeof(**medians));
		(*medians)[(*n)++] = sqlite3_column_double(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return ret;
}
