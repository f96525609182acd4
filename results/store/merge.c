// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one database has and the other has not. A boot is the same boot where session, kernel, scenario,
 * number and seed are the same; then all else has to be the same, too, or somebody changed it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "results/store/chain.h"
#include "results/store/columns.h"

struct merging {
	struct results_db *from, *into;
	struct results_merged *done;
};

/* A row's values from column @first on, as parameters ?@at and the following. */
static void bind_values(sqlite3_stmt *stmt, int at, sqlite3_stmt *row, int first)
{
	for (int i = first; i < sqlite3_column_count(row); i++)
		sqlite3_bind_value(stmt, at + i - first, sqlite3_column_value(row, i));
}

/* Inserts one row: @key is ?1, the values of @row from column @first on are ?2 and the following. */
static int insert_values(struct results_db *db, const char *sql, int64_t key, sqlite3_stmt *row,
			 int first, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, key);
	bind_values(stmt, 2, row, first);
	ret = database_step(db, stmt, err);
	sqlite3_finalize(stmt);
	return ret;
}

/* ---- boots ---- */

/* The rows of a boot in the other tables: what is read, and where it goes. */
#define OF_MEASUREMENT	 "JOIN measurement ON measurement.id = measurement WHERE run = ?1 ORDER BY "
#define FIND_MEASUREMENT "(SELECT id FROM measurement WHERE scenario = ?2 AND params = ?3)"
#define METRIC_COLUMNS                                                                    \
	"metric, unit, better, headline, smallest_effect, rounds, warmup, scale, count, " \
	"min, max, mean, median, p99, histogram"
static const struct {
	const char *read, *write;
} rows_of_boot[] = {
	{"SELECT scenario, params, " METRIC_COLUMNS " FROM metric " OF_MEASUREMENT
	 "scenario, params, metric",
	 "INSERT INTO metric (run, measurement, " METRIC_COLUMNS ") VALUES (?1, " FIND_MEASUREMENT
	 ", ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"},
	{"SELECT scenario, params, name, value FROM counter " OF_MEASUREMENT
	 "scenario, params, name",
	 "INSERT INTO counter (run, measurement, name, value) VALUES (?1, " FIND_MEASUREMENT
	 ", ?4, ?5)"},
	{"SELECT scenario, params, name, result, text FROM test " OF_MEASUREMENT "test.rowid",
	 "INSERT INTO test (run, measurement, name, result, text) VALUES (?1, " FIND_MEASUREMENT
	 ", ?4, ?5, ?6)"},
};

static const char add_measurement[] =
	"INSERT INTO measurement (scenario, params) SELECT ?1, ?2 WHERE NOT EXISTS "
	"(SELECT 1 FROM measurement WHERE scenario = ?1 AND params = ?2)";

/* Of the first two columns of @row, where it is the first of its kind. */
static int copy_measurement(struct results_db *into, sqlite3_stmt *row, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(into, add_measurement, &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_value(stmt, 1, sqlite3_column_value(row, 0));
	sqlite3_bind_value(stmt, 2, sqlite3_column_value(row, 1));
	ret = database_step(into, stmt, err);
	sqlite3_finalize(stmt);
	return ret;
}

static int copy_rows(struct merging *m, size_t table, int64_t from, int64_t into, struct error *err)
{
	sqlite3_stmt *row;
	int ret = database_prepare(m->from, rows_of_boot[table].read, &row, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(row, 1, from);
	while ((ret = database_step(m->from, row, err)) == 1) {
		ret = copy_measurement(m->into, row, err);
		if (ret)
			break;
		ret = insert_values(m->into, rows_of_boot[table].write, into, row, 0, err);
		if (ret)
			break;
	}
	sqlite3_finalize(row);
	return ret;
}

/* Appends the columns that a run of the older schema has: "a, b, c"; returns how many. */
static size_t add_columns(const struct merging *m, struct strbuf *sql)
{
	size_t n = 0;

	for (size_t i = 0; i < boot_columns_count; i++) {
		if (boot_columns[i].since > m->from->version)
			continue;
		if (n++)
			strbuf_addstr(sql, ", ");
		strbuf_addstr(sql, boot_columns[i].name);
	}
	return n;
}

static int copy_run(struct merging *m, int64_t from, int64_t into, struct error *err)
{
	struct strbuf read = STRBUF_INIT, write = STRBUF_INIT;
	sqlite3_stmt *row = NULL;
	size_t n;
	int ret;

	strbuf_addstr(&read, "SELECT ");
	add_columns(m, &read);
	strbuf_addstr(&read, " FROM run WHERE id = ?1");
	strbuf_addstr(&write, "INSERT INTO run (id, ");
	n = add_columns(m, &write);
	strbuf_addstr(&write, ") VALUES (?1");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&write, ", ?%zu", i + 2);
	strbuf_addstr(&write, ")");
	ret = database_prepare(m->from, read.buf, &row, err);
	if (ret)
		goto out;
	sqlite3_bind_int64(row, 1, from);
	ret = database_step(m->from, row, err);
	if (ret == 1)
		ret = insert_values(m->into, write.buf, into, row, 0, err);
	sqlite3_finalize(row);
out:
	strbuf_release(&read);
	strbuf_release(&write);
	return ret;
}

/* As when a boot is stored: its rows first, then the run, then the seal. */
static int copy_boot(struct merging *m, int64_t from, struct error *err)
{
	int64_t into;
	int ret = database_int(m->into, "SELECT coalesce(max(id), 0) + 1 FROM run", 1, &into, err);

	if (ret)
		return ret;
	for (size_t table = 0; table < ARRAY_SIZE(rows_of_boot); table++) {
		ret = copy_rows(m, table, from, into, err);
		if (ret)
			return ret;
	}
	ret = copy_run(m, from, into, err);
	if (ret)
		return ret;
	m->done->boots++;
	return chain_append(m->into, SEAL_RUN, into, err);
}

enum { ID, SESSION, KERNEL_NAME, KERNEL_KEY, SCENARIO, BOOT, SEED, CONSOLE };
static const char boots_query[] =
	"SELECT id, session, kernel_name, kernel_key, scenario_name, boot, seed, "
	"coalesce(console_path, '') FROM run ORDER BY id";
static const char same_boots_query[] =
	"SELECT id FROM run WHERE session = ?1 AND kernel_name = ?2 AND kernel_key = ?3 AND "
	"scenario_name = ?4 AND boot = ?5 AND seed = ?6";

static int refuse_boot(const struct merging *m, sqlite3_stmt *boot, int64_t id, struct error *err)
{
	return error_set(
		err, -EEXIST,
		"boot %d of %s (%.12s) with %s in session %s is run %lld of %s and run %lld of %s, "
		"and their contents differ: nothing was merged",
		sqlite3_column_int(boot, BOOT), database_text(boot, KERNEL_NAME),
		database_text(boot, KERNEL_KEY), database_text(boot, SCENARIO),
		database_text(boot, SESSION), (long long)sqlite3_column_int64(boot, ID),
		m->from->path, (long long)id, m->into->path);
}

/* Has run @id of @into that content? 1: yes, 0: no. */
static int has_content(struct merging *m, int64_t id, const char *content, struct error *err)
{
	char ours[SHA256_HEX];
	int ret = seal_compute_content(m->into, id, ours, err);

	if (ret)
		return ret;
	return !strcmp(ours, content);
}

/* Is the boot there? 1: with the same content, 0: no; -EEXIST: with another content. */
static int find_boot(struct merging *m, sqlite3_stmt *boot, struct error *err)
{
	char content[SHA256_HEX];
	sqlite3_stmt *stmt;
	int64_t id = 0;
	int ret = seal_compute_content(m->from, sqlite3_column_int64(boot, ID), content, err);

	if (ret)
		return ret;
	ret = database_prepare(m->into, same_boots_query, &stmt, err);
	if (ret)
		return ret;
	for (int i = SESSION; i <= SEED; i++)
		sqlite3_bind_value(stmt, i, sqlite3_column_value(boot, i));
	while ((ret = database_step(m->into, stmt, err)) == 1) {
		id = sqlite3_column_int64(stmt, 0);
		ret = has_content(m, id, content, err);
		if (ret)
			break;
	}
	sqlite3_finalize(stmt);
	if (!ret && id)
		return refuse_boot(m, boot, id, err);
	return ret;
}

static int merge_boot(struct merging *m, sqlite3_stmt *boot, struct error *err)
{
	int ret = find_boot(m, boot, err);

	if (ret < 0)
		return ret;
	if (ret == 1) {
		m->done->same++;
		return 0;
	}
	m->done->consoles += *database_text(boot, CONSOLE) != '\0';
	return copy_boot(m, sqlite3_column_int64(boot, ID), err);
}

typedef int merge_row(struct merging *m, sqlite3_stmt *row, struct error *err);

/* Gives each row of @query, which has ?1 = @key where it has a parameter, to @merge. */
static int merge_rows(struct merging *m, const char *query, int64_t key, merge_row *merge,
		      struct error *err)
{
	sqlite3_stmt *row;
	int ret = database_prepare(m->from, query, &row, err);

	if (ret)
		return ret;
	if (sqlite3_bind_parameter_count(row))
		sqlite3_bind_int64(row, 1, key);
	while ((ret = database_step(m->from, row, err)) == 1) {
		ret = merge(m, row, err);
		if (ret)
			break;
	}
	sqlite3_finalize(row);
	return ret;
}

/* ---- bisects ---- */

#define BISECT_COLUMNS "session, request, started"
#define STEP_COLUMNS                                                                            \
	"candidate, kernel_key, bzimage_sha256, verdict, position, low, high, boots, seconds, " \
	"why"

static int refuse_bisect(const struct merging *m, const char *session, const char *what,
			 struct error *err)
{
	return error_set(err, -EEXIST,
			 "the bisect of session %s is in %s and in %s, and %s: nothing was merged",
			 session, m->from->path, m->into->path, what);
}

/* 1 if a row of @into has the values of @row from column @first on, as ?1, ?2, ... of @query. */
static int find_values(struct results_db *into, const char *query, sqlite3_stmt *row, int first,
		       int64_t *id, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(into, query, &stmt, err);

	if (ret)
		return ret;
	bind_values(stmt, 1, row, first);
	ret = database_step(into, stmt, err);
	if (ret == 1)
		*id = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return ret;
}

/* Columns: session of the bisect, then the step's. */
static int merge_step(struct merging *m, sqlite3_stmt *step, struct error *err)
{
	int64_t bisect = 0, number = 0;
	int ret = find_values(m->into,
			      "SELECT number FROM bisect_step JOIN bisect ON bisect.id = bisect "
			      "WHERE session = ?1 AND candidate = ?2 AND kernel_key = ?3 AND "
			      "bzimage_sha256 = ?4 AND verdict = ?5 AND position IS ?6 AND low IS "
			      "?7 AND high IS ?8 AND boots = ?9 AND seconds = ?10 AND why = ?11",
			      step, 0, &number, err);

	if (ret < 0)
		return ret;
	if (ret == 1)
		return 0; /* it is there */
	ret = find_values(m->into, "SELECT id FROM bisect WHERE session = ?1", step, 0, &bisect,
			  err);
	if (ret < 0)
		return ret;
	ret = insert_values(m->into,
			    "INSERT INTO bisect_step (bisect, " STEP_COLUMNS ") VALUES "
			    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
			    "ON CONFLICT (bisect, candidate) DO NOTHING",
			    bisect, step, 1, err);
	if (ret)
		return ret;
	if (!sqlite3_changes(m->into->sql))
		return refuse_bisect(m, database_text(step, 0),
				     "judges a candidate differently there", err);
	m->done->steps++;
	return chain_append(m->into, SEAL_BISECT_STEP, sqlite3_last_insert_rowid(m->into->sql),
			    err);
}

enum { BISECT_ID, BISECT_SESSION, BISECT_REQUEST, BISECT_STARTED, BISECT_STATE, BISECT_ANSWER };
static const char bisects_query[] =
	"SELECT id, " BISECT_COLUMNS ", state, answer FROM bisect ORDER BY id";

static int add_bisect(struct merging *m, sqlite3_stmt *row, int64_t *id, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(m->into,
				   "INSERT INTO bisect (" BISECT_COLUMNS ", state) "
				   "VALUES (?1, ?2, ?3, 'running')",
				   &stmt, err);

	if (ret)
		return ret;
	for (int i = BISECT_SESSION; i <= BISECT_STARTED; i++)
		sqlite3_bind_value(stmt, i, sqlite3_column_value(row, i));
	ret = database_step(m->into, stmt, err);
	sqlite3_finalize(stmt);
	if (ret)
		return ret;
	*id = sqlite3_last_insert_rowid(m->into->sql);
	m->done->bisects++;
	return chain_append(m->into, SEAL_BISECT, *id, err);
}

/* The end that @row has, unless it goes on still. */
static int end_bisect(struct merging *m, sqlite3_stmt *row, int64_t id, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret, ended;

	if (!strcmp(database_text(row, BISECT_STATE), "running"))
		return 0;
	ret = database_prepare(m->into,
			       "UPDATE bisect SET state = ?1, answer = ?2 WHERE id = ?3 AND state "
			       "= 'running'",
			       &stmt, err);
	if (ret)
		return ret;
	sqlite3_bind_value(stmt, 1, sqlite3_column_value(row, BISECT_STATE));
	sqlite3_bind_value(stmt, 2, sqlite3_column_value(row, BISECT_ANSWER));
	sqlite3_bind_int64(stmt, 3, id);
	ret = database_step(m->into, stmt, err);
	ended = sqlite3_changes(m->into->sql);
	sqlite3_finalize(stmt);
	if (ret)
		return ret;
	if (ended)
		return chain_append(m->into, SEAL_BISECT_END, id, err);
	return 0;
}

static int check_end(struct merging *m, sqlite3_stmt *row, struct error *err)
{
	int64_t id;
	int ret = find_values(m->into,
			      "SELECT id FROM bisect WHERE session = ?1 AND request = ?2 AND "
			      "started = ?3 AND (?4 = 'running' OR (state = ?4 AND answer = ?5))",
			      row, BISECT_SESSION, &id, err);

	if (ret < 0)
		return ret;
	if (ret == 1)
		return 0;
	return refuse_bisect(m, database_text(row, BISECT_SESSION),
			     "what was asked or answered is not the same", err);
}

static const char steps_query[] =
	"SELECT session, " STEP_COLUMNS " FROM bisect_step JOIN bisect ON bisect.id = bisect "
	"WHERE bisect = ?1 ORDER BY number";

/* One that both have may have gone on in either: steps are only ever added, and an end comes last. */
static int merge_bisect(struct merging *m, sqlite3_stmt *row, struct error *err)
{
	int64_t id = 0;
	int ret = find_values(m->into, "SELECT id FROM bisect WHERE session = ?1", row,
			      BISECT_SESSION, &id, err);

	if (!ret)
		ret = add_bisect(m, row, &id, err);
	if (ret < 0)
		return ret;
	ret = merge_rows(m, steps_query, sqlite3_column_int64(row, BISECT_ID), merge_step, err);
	if (ret)
		return ret;
	ret = end_bisect(m, row, id, err);
	if (ret)
		return ret;
	return check_end(m, row, err);
}

/* ---- the whole ---- */

/* That and from where something was added, for the chain. */
static int note_merge(struct merging *m, struct error *err)
{
	struct results_head head;
	sqlite3_stmt *stmt;
	int ret = results_head(m->from, &head, err);

	if (ret)
		return ret;
	ret = database_prepare(m->into,
			       "INSERT INTO merge (name, seals, head, boots, merged) VALUES "
			       "(?1, ?2, ?3, ?4, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
			       &stmt, err);
	if (ret)
		return ret;
	database_bind_text(stmt, 1, head.origin);
	sqlite3_bind_int64(stmt, 2, head.seals);
	database_bind_text(stmt, 3, head.head);
	sqlite3_bind_int64(stmt, 4, m->done->boots);
	ret = database_step(m->into, stmt, err);
	sqlite3_finalize(stmt);
	if (ret)
		return ret;
	return chain_append(m->into, SEAL_MERGE, sqlite3_last_insert_rowid(m->into->sql), err);
}

static int merge_all(struct merging *m, struct error *err)
{
	int ret = merge_rows(m, boots_query, 0, merge_boot, err);

	if (ret)
		return ret;
	if (m->from->version >= BISECT_VERSION)
		ret = merge_rows(m, bisects_query, 0, merge_bisect, err);
	if (ret)
		return ret;
	if (!m->done->boots && !m->done->bisects && !m->done->steps)
		return 0;
	return note_merge(m, err);
}

/* What somebody changed there must not become sealed here. */
static int check_source(struct results_db *from, struct error *err)
{
	struct strbuf report = STRBUF_INIT;
	struct error why = {0};
	int ret = results_check(from, &report, &why);

	if (ret)
		ret = error_set(err, ret,
				"%s; nothing was merged. The first: %.*s (nestlab db check lists "
				"them)",
				why.text, (int)strcspn(report.buf, "\n"), report.buf);
	strbuf_release(&report);
	return ret;
}

static bool is_same_file(const struct results_db *a, const struct results_db *b)
{
	struct stat x, y;

	return !stat(a->path, &x) && !stat(b->path, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* All of @from is read in one transaction, so that another nestlab may go on storing there. */
static int merge_snapshot(struct merging *m, struct error *err)
{
	int ret = check_source(m->from, err);

	if (ret)
		return ret;
	ret = database_begin(m->into, err);
	if (ret)
		return ret;
	ret = merge_all(m, err);
	if (!ret)
		ret = results_confirm_read(m->from, err);
	return database_end(m->into, ret, err);
}

int results_merge(struct results_db *from, struct results_db *into, struct results_merged *out,
		  struct error *err)
{
	struct merging m = {from, into, out};
	int ret;

	*out = (struct results_merged){0};
	if (is_same_file(from, into))
		return error_set(err, -EINVAL, "%s and %s are the same database", from->path,
				 into->path);
	ret = database_exec(from, "BEGIN", err);
	if (ret)
		return ret;
	ret = merge_snapshot(&m, err);
	sqlite3_exec(from->sql, "ROLLBACK", NULL, NULL, NULL); /* nothing was written there */
	return ret;
}
