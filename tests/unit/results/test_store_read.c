// SPDX-License-Identifier: GPL-2.0-only
/* Databases that are only read; as another user, on read-only mounts: tests/integration/db_read.t. */
#include <errno.h>

#include "tests/unit/results/store_fixture.h"

TEST(what_was_read_of_two_states_is_refused)
{
	__cleanup_free char *path = unit_path("two.db");
	struct results_db *db = fixture_open(path), *reader;
	struct error err = {0};

	store_boot(db, "a", 1);
	results_close(db);
	reader = store_open_read(path);
	assert_int_equal(store_int(reader, "SELECT count(*) FROM run"), 1);
	db = fixture_open(path);
	store_boot(db, "a", 2); /* into the log, which the reader does not see */
	assert_int_equal(results_confirm_read(reader, &err), 0);
	results_close(db); /* and from there into the file */
	assert_int_equal(results_confirm_read(reader, &err), -ESTALE);
	assert_non_null(strstr(err.text, "wrote to it while it was read: try again"));
	results_close(reader);
	reader = store_open_read(path);
	assert_int_equal(results_confirm_read(reader, &err), 0);
	assert_int_equal(store_int(reader, "SELECT count(*) FROM run"), 2);
	results_close(reader);
}

TEST(what_was_opened_for_reading_stores_nothing)
{
	__cleanup_free char *path = unit_path("fixed.db");
	struct results_db *db = fixture_open(path);
	struct fixture_run f;
	struct error err = {0};
	int64_t id;

	store_boot(db, "a", 1);
	results_close(db);
	db = store_open_read(path);
	fixture_init(&f, "a", "0123456789ab", 2);
	assert_int_equal(results_store(db, &f.run, NULL, &err), -EROFS);
	assert_int_equal(results_bisect_create(db, "b", "{}", &id, &err), -EROFS);
	store_must_be_good(db);
	results_close(db);
}

TEST(what_is_no_database_is_not_read)
{
	__cleanup_free char *empty = unit_path("empty.db"), *made = unit_path("made.db");
	__cleanup_free char *missing = unit_path("missing.db");
	struct error err = {0};
	struct results_db *db;
	sqlite3 *sql;

	assert_int_equal(fs_write_file(empty, "", 0, NULL), 0);
	assert_int_equal(results_open_read(empty, &db, &err), -EINVAL);
	assert_null(db);
	assert_non_null(strstr(err.text, "an empty file, not a nestlab database"));
	assert_int_equal(results_open(empty, false, &db, &err), -EINVAL);
	results_close(fixture_open(empty));		       /* which may be filled */
	assert_int_equal(sqlite3_open(made, &sql), SQLITE_OK); /* SQLite's, with nothing in it */
	sqlite3_exec(sql, "VACUUM", NULL, NULL, NULL);
	sqlite3_close(sql);
	assert_int_equal(results_open_read(made, &db, &err), -EINVAL);
	assert_int_equal(results_open_read(missing, &db, &err), -ENOENT);
	assert_false(fs_exists(missing));
	assert_int_equal(results_open_read("/etc/passwd/x.db", &db, &err), -ENOTDIR);
}

UNIT_MAIN("reading databases", unit_make_dir, unit_drop_dir)
