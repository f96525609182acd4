// SPDX-License-Identifier: GPL-2.0-only
/* The store: what goes in stays as it is, whatever happens to the process, the disk or the file. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "results/store/columns.h"
#include "results/store/database.h"
#include "results/store/distribution.h"
#include "results/store/seal.h"
#include "tests/unit/results/results_fixture.h"

#define PARAMS "{\"l1\":\"micro-vmx\"}"

static void one_run(struct fixture_run *f, uint64_t seed)
{
	static const struct results_counter counters[] = {{"multiplex", PARAMS, "exits", 42}};
	static const struct results_test tests[] = {
		{"kselftest", "{\"test\":\"a\"}", "a", "pass", ""},
		{"exits", PARAMS, "", "skip", "no posted interrupts"},
	};

	fixture_init(f, "baseline", "0123456789ab", seed);
	fixture_metric(f, "multiplex", "switch", PARAMS, 25461);
	fixture_metric(f, "multiplex", "vmptrld", PARAMS, 812.5);
	f->run.counters = counters;
	f->run.ncounters = ARRAY_SIZE(counters);
	f->run.tests = tests;
	f->run.ntests = ARRAY_SIZE(tests);
}

static int64_t count(struct results_db *db, const char *what)
{
	__cleanup_free char *sql = xasprintf("SELECT count(*) FROM %s", what);
	int64_t n = -1;

	assert_int_equal(database_int(db, sql, -1, &n, NULL), 0);
	return n;
}

static void assert_good(struct results_db *db)
{
	struct strbuf report = STRBUF_INIT;
	struct error err = {0};

	if (results_check(db, &report, &err))
		fail_msg("%s\n%s", err.text, report.buf);
	strbuf_release(&report);
}

/* ---- storing ---- */

TEST(a_run_is_stored_whole)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct fixture_run f;
	struct error err = {0};
	int64_t id, value;

	one_run(&f, UINT64_MAX);
	assert_int_equal(results_store(db, &f.run, &id, &err), 0);
	assert_int_equal(id, 1);
	assert_int_equal(count(db, "run"), 1);
	assert_int_equal(count(db, "metric"), 2);
	assert_int_equal(count(db, "counter"), 1);
	assert_int_equal(count(db, "test"), 2);
	assert_int_equal(count(db, "run WHERE class IS NULL AND seed = -1"), 1);
	assert_int_equal(count(db, "metric WHERE median = 25461 AND p99 = 25461 AND min = 25461"),
			 1);
	assert_int_equal(count(db, "metric WHERE median = 812.5"), 1);
	database_int(db, "SELECT value FROM counter", 0, &value, NULL);
	assert_int_equal(value, 42);
	assert_good(db);
	results_close(db);

	db = fixture_open(path); /* and found again */
	one_run(&f, 2);
	assert_int_equal(results_store(db, &f.run, &id, &err), 0);
	assert_int_equal(id, 2);
	assert_int_equal(count(db, "measurement"), 3);
	assert_good(db);
	results_close(db);
}

TEST(quantiles_come_from_the_histogram)
{
	struct results_bucket hist[] = {{10, 50}, {20, 49}, {2000, 1}};
	struct results_metric m = {
		.better = "lower", .count = 100, .min = 10, .max = 2000, .hist = hist, .nhist = 3};

	assert_true(distribution_quantile(&m, 0) == 10);
	assert_true(distribution_quantile(&m, 0.5) == 15); /* between the 50th and 51st */
	assert_true(distribution_quantile(&m, 1) == 2000);
	assert_true(fabs(distribution_tail(&m) - (20 + 0.01 * 1980)) < 1e-9);
	m.better = "higher"; /* then the bad end is the low one */
	assert_true(distribution_tail(&m) == 10);
	m.scale = 10;
	assert_true(distribution_quantile(&m, 1) == 200);
}

/* A wide bucket's samples stand evenly in it, and never beyond min and max. */
TEST(wide_buckets_are_interpolated)
{
	uint32_t b = histogram_bucket(25461); /* 25456..25471 */
	struct results_bucket hist[] = {{b, 4}};
	struct results_metric m = {.better = "lower", .count = 4, .hist = hist, .nhist = 1};

	m.min = histogram_bucket_low(b);
	m.max = histogram_bucket_high(b);
	assert_true(fabs(distribution_quantile(&m, 0.5) - 25463.5) < 1e-9);
	m.max = m.min + 1;
	assert_true(distribution_quantile(&m, 1) == m.min + 1);
}

TEST(histograms_survive_their_encoding)
{
	static const struct results_bucket hist[] = {
		{0, 1}, {127, 128}, {128, 1}, {HISTOGRAM_BUCKETS - 1, UINT32_MAX}};
	struct strbuf bytes = STRBUF_INIT;
	struct results_bucket *back;
	size_t n;

	distribution_encode(hist, ARRAY_SIZE(hist), &bytes);
	assert_int_equal(distribution_decode(bytes.buf, bytes.len, &back, &n), 0);
	assert_int_equal(n, ARRAY_SIZE(hist));
	assert_memory_equal(back, hist, sizeof(hist));
	free(back);
	for (size_t cut = 1; cut < bytes.len; cut++) /* cut anywhere: an error or fewer pairs */
		if (!distribution_decode(bytes.buf, cut, &back, &n)) {
			assert_true(n < ARRAY_SIZE(hist));
			free(back);
		}
	assert_int_equal(distribution_decode("\x80\x80\x80\x80\x80\x01\x01", 7, &back, &n),
			 -EBADMSG);
	strbuf_release(&bytes);
}

TEST(a_run_that_contradicts_itself_is_refused)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct fixture_run f;
	struct error err = {0};

	one_run(&f, 1);
	f.metrics[1].count = 2;
	assert_int_equal(results_store(db, &f.run, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "vmptrld"));
	one_run(&f, 1);
	f.run.kernel_key = NULL;
	assert_int_equal(results_store(db, &f.run, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "kernel_key"));
	one_run(&f, 1);
	f.run.class = RESULTS_GUEST;
	assert_int_equal(results_store(db, &f.run, NULL, &err), -EINVAL);
	one_run(&f, 1);
	f.run.clock = NULL;
	assert_int_equal(results_store(db, &f.run, NULL, &err), -EINVAL);
	one_run(&f, 1);
	f.metrics[1] = f.metrics[0]; /* the same metric twice */
	assert_true(results_store(db, &f.run, NULL, &err) < 0);
	assert_int_equal(count(db, "run"), 0);
	assert_int_equal(count(db, "metric"), 0);
	assert_int_equal(count(db, "measurement"), 0);
	one_run(&f, 1); /* and the next one works */
	fixture_store(db, &f);
	assert_good(db);
	results_close(db);
}

TEST(a_metric_without_samples_is_left_out)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct fixture_run f;

	one_run(&f, 1);
	f.metrics[1].count = f.metrics[1].nhist = 0;
	f.metrics[1].min = UINT64_MAX;
	fixture_store(db, &f);
	assert_int_equal(count(db, "metric"), 1);
	assert_good(db);
	results_close(db);
}

/* ---- columns ---- */

TEST(every_column_of_a_run_has_a_row_in_the_table)
{
	struct strbuf names = STRBUF_INIT;
	struct results_db *db = open_fresh();
	sqlite3_stmt *stmt;

	boot_columns_add_names(&names);
	assert_int_equal(database_prepare(db,
					  "SELECT group_concat(name, ', ') FROM "
					  "pragma_table_info('run') WHERE name <> 'id'",
					  &stmt, NULL),
			 0);
	assert_int_equal(database_step(db, stmt, NULL), 1);
	assert_string_equal(database_text(stmt, 0), names.buf);
	sqlite3_finalize(stmt);
	strbuf_release(&names);
	results_close(db);
}

/* Each text column holds its own name; but for the two whose values are checked. */
static void fill_columns(struct results_boot *boot)
{
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].kind == BOOT_COLUMN_TEXT)
			boot_column_set_text(boot, i, boot_columns[i].name);
	boot->clock = "tsc";
	boot->status = "fail";
	boot->class = RESULTS_GUEST;
	boot->boot = 7;
	boot->seed = UINT64_MAX;
	boot->wall_seconds = 1.25;
}

TEST(every_column_comes_back_as_it_was_stored)
{
	struct results_boot stored = {0}, read = {0};
	struct results_db *db = open_fresh();
	struct strbuf sql = STRBUF_INIT;
	sqlite3_stmt *stmt;

	fill_columns(&stored);
	assert_int_equal(results_store(db, &stored, NULL, NULL), 0);
	strbuf_addstr(&sql, "SELECT ");
	boot_columns_add_names(&sql);
	strbuf_addstr(&sql, " FROM run");
	assert_int_equal(database_prepare(db, sql.buf, &stmt, NULL), 0);
	assert_int_equal(database_step(db, stmt, NULL), 1);
	boot_columns_read(stmt, 0, &read);
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].kind == BOOT_COLUMN_TEXT)
			assert_string_equal(boot_column_text(&read, i),
					    boot_column_text(&stored, i));
	assert_int_equal(read.boot, stored.boot);
	assert_true(read.seed == stored.seed);
	assert_true(read.wall_seconds == stored.wall_seconds);
	assert_int_equal(read.class, stored.class);
	sqlite3_finalize(stmt);
	strbuf_release(&sql);
	assert_good(db);
	results_close(db);
}

/* A later nestlab may have added some, and this one may be asked to store after all. */
TEST(columns_added_later_do_not_disturb_storing)
{
	static const char *const tables[] = {"run",  "measurement", "metric",
					     "test", "counter",	    "seal"};
	struct results_db *db = open_fresh();
	struct fixture_run f;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		__cleanup_free char *sql =
			xasprintf("ALTER TABLE %s ADD COLUMN later TEXT", tables[i]);

		assert_int_equal(database_exec(db, sql, NULL), 0);
	}
	one_run(&f, 1);
	fixture_store(db, &f);
	assert_int_equal(count(db, "metric"), 2);
	assert_good(db);
	results_close(db);
}

/* What the first version wrote for this run; another value here means that no older database passes
 * its check. */
TEST(a_seal_is_what_it_always_was)
{
	struct results_db *db = open_fresh();
	char hex[SHA256_HEX];
	struct fixture_run f;

	one_run(&f, 1);
	for (size_t i = 0; i < f.run.nmetrics; i++)
		f.metrics[i].count = f.buckets[i].count = 1;
	fixture_store(db, &f);
	assert_int_equal(seal_compute(db, SEAL_RUN, 1, hex, NULL), 0);
	assert_string_equal(hex,
			    "ad9bd93d39ed927ad5c02eff085d3be686c0bf7b99b3dcf153e6b48efde6a398");
	results_close(db);
}

TEST(results_are_immutable)
{
	static const char *const attempts[] = {
		"UPDATE run SET status = 'fail', class = 'guest'",
		"DELETE FROM run",
		"UPDATE metric SET median = 1",
		"DELETE FROM metric",
		"UPDATE counter SET value = 0",
		"DELETE FROM counter",
		"UPDATE test SET result = 'pass'",
		"DELETE FROM test",
		"UPDATE measurement SET scenario = 'x'",
		"DELETE FROM measurement",
		"INSERT INTO counter VALUES (1, 1, 'later', 1)",
		"INSERT INTO test VALUES (1, 1, 'later', 'pass', '')",
		"INSERT INTO metric SELECT run, measurement, 'later', unit, better, headline, "
		"smallest_effect, rounds, warmup, scale, count, min, max, mean, median, p99, "
		"histogram FROM metric",
		"INSERT OR REPLACE INTO run SELECT * FROM run",
		"INSERT OR REPLACE INTO measurement SELECT * FROM measurement",
		"INSERT OR REPLACE INTO seal SELECT number, kind, row, 'other', head FROM seal",
		"INSERT INTO seal SELECT number + 7, kind, row, sha256, head FROM seal",
		"UPDATE seal SET sha256 = ''",
		"DELETE FROM seal",
	};
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct fixture_run f;

	one_run(&f, 1);
	fixture_store(db, &f);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (!sqlite3_exec(db->sql, attempts[i], NULL, NULL, NULL))
			fail_msg("allowed: %s", attempts[i]);
	assert_good(db);
	results_close(db);
}

/* ---- faults ---- */

TEST(a_full_disk_stores_nothing_and_says_so)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct fixture_run f;
	struct error err = {0};
	int64_t pages, stored = 0;
	int ret;

	database_int(db, "PRAGMA page_count", 0, &pages, NULL);
	for (int64_t room = 0; room < 8; room++) { /* full at each possible page */
		__cleanup_free char *limit =
			xasprintf("PRAGMA max_page_count = %lld", (long long)(pages + room));

		assert_int_equal(sqlite3_exec(db->sql, limit, NULL, NULL, NULL), SQLITE_OK);
		do {
			one_run(&f, (uint64_t)stored);
			ret = results_store(db, &f.run, NULL, &err);
			stored += !ret;
			assert_true(stored < 1000);
		} while (!ret);
		assert_int_equal(ret, -ENOSPC);
		assert_non_null(strstr(err.text, "full"));
		assert_non_null(strstr(err.text, path));
		assert_int_equal(count(db, "run"), stored);
	}
	sqlite3_exec(db->sql, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL);
	one_run(&f, 7777);
	fixture_store(db, &f);
	assert_good(db);
	results_close(db);
}

/* A child stores without end and is killed with SIGKILL: what is there afterwards is whole. */
TEST(kill_minus_nine_leaves_whole_runs)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	int64_t before = 0, now;

	for (int round = 0; round < 5; round++) {
		int pipe_fds[2], status;
		char byte;
		pid_t child;

		assert_int_equal(pipe(pipe_fds), 0);
		results_close(db);
		child = fork();
		if (!child) {
			struct fixture_run f;

			db = fixture_open(path);
			for (uint64_t seed = 0;; seed++) {
				one_run(&f, seed);
				fixture_store(db, &f);
				if (write(pipe_fds[1], "x", 1) != 1)
					_exit(1);
			}
		}
		close(pipe_fds[1]);
		for (int i = 0; i <= round; i++) /* at least so many were committed */
			assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
		kill(child, SIGKILL);
		close(pipe_fds[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		db = fixture_open(path);
		now = count(db, "run");
		assert_true(now >= before + round + 1);
		assert_int_equal(count(db, "metric"), 2 * now);
		assert_int_equal(count(db, "counter"), now);
		assert_int_equal(count(db, "test"), 2 * now);
		before = now;
		assert_good(db);
	}
	results_close(db);
}

TEST(two_processes_store_at_once)
{
	__cleanup_free char *path = fixture_path(); /* not made yet: they race for that too */
	struct results_db *db;
	pid_t children[4];
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (!children[i]) {
			struct error err = {0};

			if (results_open(path, true, &db, &err))
				_exit(2);
			for (uint64_t n = 0; n < 25; n++) {
				struct fixture_run f;

				one_run(&f, n);
				if (results_store(db, &f.run, NULL, &err))
					_exit(3);
			}
			results_close(db);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	db = fixture_open(path);
	assert_int_equal(count(db, "run"), 100);
	assert_good(db);
	results_close(db);
}

static char *write_file(const void *bytes, size_t len)
{
	char *path = fixture_path();

	assert_int_equal(fs_write_file(path, bytes, len, NULL), 0);
	return path;
}

TEST(what_is_no_database_is_refused)
{
	static const char text[] = "This is a text that is long enough to be taken for a header, "
				   "but it is none: SQLite files start otherwise. And on it goes.";
	__cleanup_free char *plain = write_file(text, sizeof(text));
	__cleanup_free char *foreign = fixture_path(), *newer = fixture_path();
	__cleanup_free char *missing = fixture_path();
	struct error err = {0};
	struct results_db *db;
	sqlite3 *sql;

	assert_int_equal(results_open(plain, true, &db, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a database"));

	assert_int_equal(sqlite3_open(foreign, &sql), SQLITE_OK);
	sqlite3_exec(sql, "CREATE TABLE theirs (x)", NULL, NULL, NULL);
	sqlite3_close(sql);
	assert_int_equal(results_open(foreign, true, &db, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a nestlab database"));

	results_close(fixture_open(newer));
	assert_int_equal(sqlite3_open(newer, &sql), SQLITE_OK);
	sqlite3_exec(sql, "PRAGMA user_version = 999", NULL, NULL, NULL);
	sqlite3_close(sql);
	assert_int_equal(results_open(newer, true, &db, &err), -EINVAL);
	assert_non_null(strstr(err.text, "newer nestlab"));
	assert_non_null(strstr(err.text, "999"));

	assert_int_equal(results_open(missing, false, &db, &err), -ENOENT);
	assert_false(fs_exists(missing));
}

static bool is_found_out(const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct results_db *db;
	struct error err = {0};
	bool found = true;

	if (results_open(path, false, &db, &err)) {
		assert_true(err.text[0]);
	} else {
		found = results_check(db, &report, &err) == -EBADMSG;
		assert_int_equal(found, report.len > 0);
		results_close(db);
	}
	strbuf_release(&report);
	return found;
}

/* Ruins a few bytes, here and there where there are any, all over a good file. */
TEST(a_damaged_file_is_found_out)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct strbuf whole = STRBUF_INIT;
	struct fixture_run f;
	int found = 0, tried = 0;

	for (uint64_t i = 0; i < 20; i++) {
		one_run(&f, i);
		fixture_store(db, &f);
	}
	results_close(db);
	assert_int_equal(fs_read_file(path, 0, &whole, NULL), 0);
	for (size_t at = 100; at + 4 < whole.len; at += 397) {
		__cleanup_free char *copy = NULL;

		if (!whole.buf[at] || !whole.buf[at + 3])
			continue; /* free space */
		for (int i = 0; i < 4; i++)
			whole.buf[at + i] ^= 0x15;
		copy = write_file(whole.buf, whole.len);
		for (int i = 0; i < 4; i++)
			whole.buf[at + i] ^= 0x15;
		found += is_found_out(copy);
		tried++;
	}
	print_message("# %d of %d damages were found\n", found, tried);
	assert_true(found > tried * 8 / 10); /* the rest are comments in the schema's text */
	strbuf_release(&whole);
}

TEST(a_number_that_is_not_its_histograms_is_found)
{
	__cleanup_free char *path = fixture_path();
	struct results_db *db = fixture_open(path);
	struct strbuf report = STRBUF_INIT;
	struct fixture_run f;
	struct error err = {0};

	one_run(&f, 1);
	fixture_store(db, &f);
	assert_int_equal(
		sqlite3_exec(db->sql,
			     "DROP TRIGGER metric_fixed; UPDATE metric SET median = median "
			     "- 1 WHERE metric = 'switch'",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(results_check(db, &report, &err), -EBADMSG);
	assert_non_null(strstr(report.buf, "switch"));
	assert_non_null(strstr(report.buf, "trigger metric_fixed"));
	assert_non_null(strstr(report.buf, "SHA-256"));
	strbuf_release(&report);
	results_close(db);
}

/* ---- versions ---- */

/* A database as version 1 left it, with a run in it, becomes the newest and keeps the run. */
TEST(a_database_of_version_1_is_migrated_and_passes_its_check)
{
	__cleanup_free char *path = fixture_path();
	struct strbuf dump = STRBUF_INIT;
	struct results_db *db;
	sqlite3 *old;
	int64_t version;

	assert_int_equal(fs_read_file("tests/fixtures/results/version-1.sql", 0, &dump, NULL), 0);
	assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
	assert_int_equal(sqlite3_exec(old, dump.buf, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(old);
	db = fixture_open(path);
	database_int(db, "PRAGMA user_version", 0, &version, NULL);
	assert_int_equal(version, database_version);
	assert_true(database_version > 1);
	assert_int_equal(count(db, "run"), 1);
	assert_good(db);
	results_close(db);
	strbuf_release(&dump);
}

UNIT_MAIN("store", unit_make_dir, unit_drop_dir)
