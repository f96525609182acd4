// SPDX-License-Identifier: GPL-2.0-only
/* The chain of seals: what is done to a database past nestlab, and what db check says of it. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/results/store_fixture.h"

/* A database with three boots, two bisects and a merge; what is done to it is done to a copy. */
static char *make_pristine(void)
{
	char *path = fixture_path();
	__cleanup_free char *other_path = fixture_path();
	struct results_db *db = fixture_open(path), *other = fixture_open(other_path);
	struct results_merged merged;
	struct error err = {0};

	for (int i = 1; i <= 3; i++)
		store_boot(db, "baseline", i);
	results_bisect_finish(db, store_bisect(db, "b1"), "done", "{\"culprit\":\"c2\"}", NULL);
	store_bisect(db, "b2");
	store_boot(other, "series", 1);
	results_close(other);
	other = store_open_read(other_path);
	if (results_merge(other, db, &merged, &err))
		fail_msg("%s", err.text);
	results_close(other);
	store_must_be_good(db);
	results_close(db);
	return path;
}

/* Runs @sql with all triggers off, and puts them back: 0 or SQLite's error. */
static int manipulate(const char *path, const char *sql)
{
	struct strbuf drop = STRBUF_INIT, create = STRBUF_INIT;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int ret;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON", NULL,
		     NULL, NULL);
	sqlite3_prepare_v2(db, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'", -1,
			   &stmt, NULL);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		strbuf_addf(&drop, "DROP TRIGGER %s;", sqlite3_column_text(stmt, 0));
		strbuf_addf(&create, "%s;\n", sqlite3_column_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_exec(db, drop.buf, NULL, NULL, NULL), SQLITE_OK);
	ret = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (ret)
		print_message("# %s: %s\n", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_exec(db, create.buf, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	strbuf_release(&drop);
	strbuf_release(&create);
	return ret;
}

static char *copy_of(const char *pristine)
{
	char *path = fixture_path();

	assert_int_equal(fs_copy_file(pristine, path, NULL), 0);
	return path;
}

/* What the check says of the file; "" if it is good. The caller frees. */
static char *check_says(const char *path)
{
	struct results_db *db = store_open_read(path);
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};
	int ret = results_check(db, &report, &err);

	assert_int_equal(ret != 0, report.len > 0);
	results_close(db);
	return strbuf_detach(&report);
}

/* ---- the table of docs/results.md ---- */

#define DELETE_RUN(n)                                                                    \
	"DELETE FROM metric WHERE run = " #n "; DELETE FROM counter WHERE run = " #n     \
	"; DELETE FROM test WHERE run = " #n "; DELETE FROM run WHERE id = " #n ";"      \
	"DELETE FROM measurement WHERE id NOT IN (SELECT measurement FROM metric UNION " \
	"SELECT measurement FROM counter UNION SELECT measurement FROM test);"
#define SWAP(table, column, a, b)                                                                \
	"UPDATE " table " SET " column " = -1 WHERE " column " = " a "; UPDATE " table           \
	" SET " column " = " a " WHERE " column " = " b "; UPDATE " table " SET " column " = " b \
	" WHERE " column " = -1;"
#define SWAP_RUNS(table, column) SWAP(table, column, "1", "2")

static const struct {
	const char *what, *sql;
	const char *says; /* NULL: the check is good; only a head that was noted tells */
} manipulations[] = {
	{"a boot removed from the middle", DELETE_RUN(2), "run 2 was removed"},
	{"the first boot removed", DELETE_RUN(1), "run 1 was removed"},
	{"the last boot removed, its seal kept", DELETE_RUN(4), "run 4 was removed"},
	{"a boot removed with its seal",
	 DELETE_RUN(2) "DELETE FROM seal WHERE kind = 'run' AND row = 2",
	 "seals 3 to 3 were removed"},
	{"a boot removed with its seal, numbers closed up",
	 DELETE_RUN(2) "DELETE FROM seal WHERE number = 3; UPDATE seal SET number = -number WHERE "
		       "number > 3; UPDATE seal SET number = -number - 1 WHERE number < 0",
	 "does not follow from the one before"},
	{"two boots swapped",
	 SWAP_RUNS("metric", "run") SWAP_RUNS("counter", "run") SWAP_RUNS("test", "run")
		 SWAP_RUNS("run", "id"),
	 "run 1: its rows are not what was stored"},
	{"two boots swapped with their seals",
	 SWAP_RUNS("metric", "run") SWAP_RUNS("counter", "run") SWAP_RUNS("test", "run")
		 SWAP_RUNS("run", "id") SWAP("seal", "number", "2", "3"),
	 "does not follow from the one before"},
	{"two seals swapped", SWAP("seal", "number", "2", "3"),
	 "does not follow from the one before"},
	{"two selftests of a boot swapped", SWAP("test", "rowid", "1", "2"),
	 "run 1: its rows are not what was stored"},
	{"two steps of a bisect swapped", SWAP("bisect_step", "number", "1", "2"),
	 "bisect_step 1 is not what was stored"},
	{"a boot added by hand",
	 "INSERT INTO run (kernel_name, kernel_key, scenario_name, host_name, "
	 "session, boot, seed, started, wall_seconds, status, class, error) "
	 "SELECT kernel_name, kernel_key, scenario_name, host_name, session, "
	 "9, 9, started, 1, 'fail', 'guest', 'x' FROM run LIMIT 1",
	 "run 5 has no seal"},
	{"a boot added with a seal that was copied",
	 "INSERT INTO run (kernel_name, kernel_key, scenario_name, host_name, session, boot, seed, "
	 "started, wall_seconds, status, class, error) SELECT kernel_name, kernel_key, "
	 "scenario_name, host_name, session, 9, 9, started, 1, 'fail', 'guest', 'x' FROM run LIMIT "
	 "1; INSERT INTO seal (kind, row, sha256, head) SELECT kind, 5, sha256, head FROM seal "
	 "WHERE number = 2",
	 "does not follow from the one before"},
	{"a number changed, and its seal",
	 "UPDATE metric SET mean = mean - 1 WHERE run = 2; UPDATE seal SET sha256 = 'ab' WHERE "
	 "kind = 'run' AND row = 2",
	 "does not follow from the one before"},
	{"a bisect removed with its steps",
	 "DELETE FROM bisect_step WHERE bisect = 1; DELETE FROM bisect WHERE id = 1",
	 "bisect 1 was removed"},
	{"a bisect set back to running",
	 "UPDATE bisect SET state = 'running', answer = '' WHERE id = 1",
	 "the end of bisect 1 was removed"},
	{"a bisect ended by hand", "UPDATE bisect SET state = 'done', answer = '{}' WHERE id = 2",
	 "the end of bisect 2 has no seal"},
	{"a verdict of a bisect's step changed",
	 "UPDATE bisect_step SET verdict = 'good' WHERE number = 2",
	 "bisect_step 2 is not what was"},
	{"all seals removed", "DELETE FROM seal", "run 1 has no seal"},
	{"the schema set back to before the chain", "PRAGMA user_version = 2", "seals: "},
	{"a trigger that drops what is stored",
	 "CREATE TRIGGER more BEFORE INSERT ON run BEGIN SELECT RAISE(IGNORE); END",
	 "trigger more is not nestlab's"},
	{"the last boot removed, and all seals from its on",
	 DELETE_RUN(4) "DELETE FROM merge; DELETE FROM seal WHERE number > 11", NULL},
};

TEST(what_is_done_past_nestlab_is_noticed)
{
	__cleanup_free char *pristine = make_pristine();

	for (size_t i = 0; i < ARRAY_SIZE(manipulations); i++) {
		__cleanup_free char *path = copy_of(pristine);
		__cleanup_free char *said = NULL;

		assert_int_equal(manipulate(path, manipulations[i].sql), 0);
		said = check_says(path);
		print_message("# %s: %.*s\n", manipulations[i].what, (int)strcspn(said, "\n"),
			      *said ? said : "good");
		if (!manipulations[i].says && *said)
			fail_msg("%s: %s", manipulations[i].what, said);
		if (manipulations[i].says && !strstr(said, manipulations[i].says))
			fail_msg("%s: \"%s\" is not in: %s", manipulations[i].what,
				 manipulations[i].says, said);
	}
}

/* ---- any column of any table, any row ---- */

struct columns {
	char *table, *column, *type;
};

static size_t list_columns(const char *path, struct columns **out)
{
	struct results_db *db = store_open_read(path);
	sqlite3_stmt *stmt;
	size_t n = 0;

	*out = NULL;
	assert_int_equal(
		database_prepare(db,
				 "SELECT m.name, c.name, c.type FROM sqlite_master AS m JOIN "
				 "pragma_table_info(m.name) AS c WHERE m.type = 'table'",
				 &stmt, NULL),
		0);
	while (database_step(db, stmt, NULL) == 1) {
		*out = xrealloc(*out, n + 1, sizeof(**out));
		(*out)[n++] = (struct columns){xstrdup(database_text(stmt, 0)),
					       xstrdup(database_text(stmt, 1)),
					       xstrdup(database_text(stmt, 2))};
	}
	sqlite3_finalize(stmt);
	results_close(db);
	return n;
}

static char *other_value(const struct columns *c)
{
	if (!strcmp(c->type, "TEXT"))
		return xasprintf("coalesce(%s, '') || 'x'", c->column);
	if (!strcmp(c->type, "BLOB"))
		return xasprintf("CAST(%s || x'00' AS BLOB)", c->column);
	return xasprintf("coalesce(%s, 0) + 1000", c->column);
}

/* Changes @c in the first or the last row. */
static void change_column(const char *path, const struct columns *c, bool last)
{
	__cleanup_free char *value = other_value(c);
	__cleanup_free char *where = xasprintf("(SELECT %s FROM %s ORDER BY 1 %s LIMIT 1)",
					       c->column, c->table, last ? "DESC" : "");
	__cleanup_free char *sql = xasprintf("UPDATE OR IGNORE %s SET %s = %s WHERE %s IS %s",
					     c->table, c->column, value, c->column, where);

	assert_int_equal(manipulate(path, sql), 0);
}

TEST(no_column_of_any_table_can_be_changed_unnoticed)
{
	__cleanup_free char *pristine = make_pristine();
	struct columns *columns;
	size_t n = list_columns(pristine, &columns), noticed = 0;

	for (size_t i = 0; i < 2 * n; i++) {
		__cleanup_free char *path = copy_of(pristine);
		__cleanup_free char *said = NULL;
		const struct columns *c = &columns[i / 2];

		change_column(path, c, i % 2);
		said = check_says(path);
		if (!*said)
			fail_msg("%s.%s was changed unnoticed", c->table, c->column);
		noticed++;
	}
	print_message("# %zu of %zu changes of %zu columns were noticed\n", noticed, 2 * n, n);
	assert_true(n > 70);
	for (size_t i = 0; i < n; i++) {
		free(columns[i].table);
		free(columns[i].column);
		free(columns[i].type);
	}
	free(columns);
}

TEST(no_row_of_any_table_can_be_removed_unnoticed)
{
	static const char *const tables[] = {"run",    "measurement", "metric", "counter", "test",
					     "bisect", "bisect_step", "seal",	"origin",  "merge"};
	__cleanup_free char *pristine = make_pristine();
	struct results_db *db = store_open_read(pristine);
	int removed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		__cleanup_free char *query = xasprintf("SELECT count(*) FROM %s", tables[i]);
		int64_t n = store_int(db, query);

		assert_true(n > 0);
		for (int64_t row = 0; row < n; row++) {
			__cleanup_free char *path = copy_of(pristine), *said = NULL;
			const char *key = "rowid";
			__cleanup_free char *sql = NULL;

			if (!strcmp(tables[i], "metric"))
				key = "(run, measurement, metric)";
			else if (!strcmp(tables[i], "counter"))
				key = "(run, measurement, name)";
			sql = xasprintf("DELETE FROM %s WHERE %s IN (SELECT %.*s FROM %s LIMIT 1 "
					"OFFSET %lld)",
					tables[i], key, (int)(strlen(key) - 2 * (*key == '(')),
					key + (*key == '('), tables[i], (long long)row);
			assert_int_equal(manipulate(path, sql), 0);
			said = check_says(path);
			/* of the chain's end only a head that was noted tells, and the row unsealed */
			if (!*said)
				fail_msg("%s row %lld was removed unnoticed", tables[i],
					 (long long)row);
			removed++;
		}
	}
	print_message("# %d of %d removed rows were noticed\n", removed, removed);
	results_close(db);
}

/* ---- heads that were noted ---- */

static void assert_noted(const char *path, const struct results_head *noted, const char *says)
{
	struct results_db *db = store_open_read(path);
	struct error err = {0};
	int ret = results_check_head(db, noted->seals, noted->head, &err);

	if (says)
		assert_int_equal(ret, -EBADMSG);
	else
		assert_int_equal(ret, 0);
	if (says && !strstr(err.text, says))
		fail_msg("\"%s\" is not in: %s", says, err.text);
	results_close(db);
}

TEST(a_head_that_was_noted_shows_what_was_removed_from_the_end)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct results_head first, second;
	char *said;

	store_boot(db, "baseline", 1);
	first = store_head(db);
	store_boot(db, "baseline", 2);
	second = store_head(db);
	results_close(db);
	assert_int_equal(first.seals, 2); /* its origin is the first */
	assert_int_equal(second.seals, 3);
	assert_int_equal(strlen(second.head), 64);
	assert_noted(path, &first, NULL); /* it was and it is */
	assert_noted(path, &second, NULL);
	assert_int_equal(manipulate(path, DELETE_RUN(2) "DELETE FROM seal WHERE number = 3"), 0);
	said = check_says(path);
	assert_string_equal(said, ""); /* a chain that ends sooner is whole */
	free(said);
	assert_noted(path, &first, NULL);
	assert_noted(path, &second, "it has 2 seals, not 3");
	db = fixture_open(path);
	store_boot(db, "baseline", 3); /* which is not the one that was there */
	results_close(db);
	assert_noted(path, &second, "seal 3 has another head");
}

/* Who has the program can make all seals anew: only a head that was noted tells. */
TEST(a_chain_that_was_made_anew_has_another_head)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct results_head noted;
	char *said;

	store_boot(db, "baseline", 1);
	store_boot(db, "baseline", 2);
	noted = store_head(db);
	results_close(db);
	assert_int_equal(manipulate(path, "UPDATE run SET compiler = 'other' WHERE id = 1; "
					  "DELETE FROM seal WHERE number > 1"),
			 0);
	db = fixture_open(path);
	assert_int_equal(chain_append(db, SEAL_RUN, 1, NULL), 0);
	assert_int_equal(chain_append(db, SEAL_RUN, 2, NULL), 0);
	results_close(db);
	said = check_says(path);
	assert_string_equal(said, "");
	free(said);
	assert_noted(path, &noted, "has another head");
}

/* ---- writers at once ---- */

static void write_and_exit(const char *path, int child)
{
	__cleanup_free char *session = xasprintf("session-%d", child);
	struct results_db *db = fixture_open(path);
	int64_t bisect;

	results_bisect_create(db, session, "{}", &bisect, NULL);
	for (int i = 1; i <= 25; i++) {
		__cleanup_free char *candidate = xasprintf("c%d", i);

		store_boot(db, session, i);
		store_step(db, bisect, candidate, "good");
	}
	results_bisect_finish(db, bisect, "done", "{}", NULL);
	results_close(db);
	_exit(0);
}

TEST(writers_at_once_keep_one_chain)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db;
	pid_t children[4];
	int status;

	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (!children[i])
			write_and_exit(path, i);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	db = fixture_open(path);
	assert_int_equal(store_head(db).seals, 1 + 4 * (25 + 25 + 2));
	store_must_be_good(db);
	results_close(db);
}

/* ---- migration ---- */

static void make_version_1(const char *path)
{
	struct strbuf dump = STRBUF_INIT;
	sqlite3 *old;

	assert_int_equal(fs_read_file("tests/fixtures/results/version-1.sql", 0, &dump, NULL), 0);
	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	assert_int_equal(sqlite3_exec(old, dump.buf, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(old);
	strbuf_release(&dump);
}

TEST(migration_begins_the_chain_and_keeps_the_old_seals)
{
	__cleanup_free char *path = fixture_path();
	struct results_head head;
	struct results_db *db;
	int64_t boots = 0;
	char *said;

	make_version_1(path);
	db = store_open_read(path); /* as it is, but for columns that came later */
	store_must_be_good(db);
	assert_int_equal(database_int(db, "SELECT count(*) FROM run WHERE l1_kernel_key IS NULL", 0,
				      &boots, NULL),
			 0);
	assert_int_equal(boots, 1);
	assert_int_equal(store_head(db).seals, 0);
	results_close(db);
	db = fixture_open(path);
	head = store_head(db);
	assert_int_equal(head.seals, 2);
	assert_int_equal(head.adopted, 1);
	store_boot(db, "baseline", 2);
	store_must_be_good(db);
	results_close(db);
	assert_int_equal(manipulate(path, "UPDATE run SET seed = 99 WHERE id = 1"), 0);
	said = check_says(path);
	assert_non_null(strstr(said, "run 1: its rows are not what was stored"));
	free(said);
}

/* What was changed before is not blessed by beginning a chain. */
TEST(migration_does_not_seal_what_was_changed_before)
{
	__cleanup_free char *path = fixture_path();
	char *said;

	make_version_1(path);
	assert_int_equal(manipulate(path, "UPDATE run SET seed = 99 WHERE id = 1"), 0);
	results_close(fixture_open(path));
	said = check_says(path);
	assert_non_null(strstr(said, "run 1: its rows are not what was stored"));
	free(said);
}

/* A bisect that is asked again after its end gives no seal, or, with another answer, one more. */
TEST(a_bisect_that_is_asked_again_keeps_its_seals)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	int64_t id = store_bisect(db, "b"), seals;

	assert_int_equal(results_bisect_finish(db, id, "refused", "{}", NULL), 0);
	seals = store_head(db).seals;
	assert_int_equal(results_bisect_finish(db, id, "refused", "{}", NULL), 0);
	store_step(db, id, "c1", "bad"); /* it has one: nothing is written */
	assert_int_equal(store_head(db).seals, seals);
	assert_int_equal(results_bisect_finish(db, id, "done", "{\"a\":1}", NULL), 0);
	assert_int_equal(store_head(db).seals, seals + 1);
	store_must_be_good(db);
	results_close(db);
}

UNIT_MAIN("store's chain", unit_make_dir, unit_drop_dir)
