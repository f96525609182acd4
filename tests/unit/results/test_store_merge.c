// SPDX-License-Identifier: GPL-2.0-only
/* Merging: what one database has and the other has not, once, or not at all. */
#include <errno.h>

#include "tests/unit/results/store_fixture.h"

/* A database with boots @first to @last of a kernel. */
static char *make_boots(const char *kernel, int first, int last)
{
	char *path = fixture_path();
	struct results_db *db = fixture_open(path);

	for (int i = first; i <= last; i++)
		store_boot(db, kernel, i);
	results_close(db);
	return path;
}

static int merge(const char *from_path, struct results_db *into, struct results_merged *out,
		 struct error *err)
{
	struct results_db *from = store_open_read(from_path);
	int ret = results_merge(from, into, out, err);

	results_close(from);
	return ret;
}

static struct results_merged must_merge(const char *from, struct results_db *into)
{
	struct results_merged merged;
	struct error err = {0};

	if (merge(from, into, &merged, &err))
		fail_msg("%s", err.text);
	store_must_be_good(into);
	return merged;
}

TEST(what_is_missing_is_added_once)
{
	__cleanup_free char *from = make_boots("series", 1, 3), *path = make_boots("series", 2, 5);
	struct results_db *into = fixture_open(path);
	struct results_head before = store_head(into), after;
	struct results_merged merged = must_merge(from, into);

	assert_int_equal(merged.boots, 1); /* 2 and 3 are in both */
	assert_int_equal(merged.same, 2);
	assert_int_equal(store_int(into, "SELECT count(*) FROM run"), 5);
	assert_int_equal(store_int(into, "SELECT count(*) FROM metric"), 10);
	assert_int_equal(store_int(into, "SELECT count(*) FROM measurement"), 3);
	assert_int_equal(store_int(into, "SELECT seed FROM run WHERE id = 5"), 1);
	after = store_head(into);
	assert_int_equal(after.seals, before.seals + 2); /* the boot, and that it was merged */
	assert_int_equal(results_check_head(into, before.seals, before.head, NULL), 0);

	merged = must_merge(from, into);
	assert_int_equal(merged.boots, 0);
	assert_int_equal(merged.same, 3);
	assert_string_equal(store_head(into).head, after.head);
	results_close(into);
}

/* There and back again: both have the same boots then, in another order. */
TEST(both_ways_give_the_same_boots)
{
	__cleanup_free char *a = make_boots("series", 1, 3), *b = make_boots("baseline", 1, 2);
	struct results_db *db = fixture_open(b);

	assert_int_equal(must_merge(a, db).boots, 3);
	results_close(db);
	db = fixture_open(a);
	assert_int_equal(must_merge(b, db).boots, 2);
	assert_int_equal(must_merge(b, db).boots, 0);
	results_close(db);
}

TEST(another_content_under_the_same_identity_is_refused)
{
	__cleanup_free char *from = fixture_path(), *path = make_boots("series", 2, 2);
	struct results_db *db = fixture_open(from), *into = fixture_open(path);
	struct results_head before = store_head(into);
	struct results_merged merged;
	struct fixture_run f;
	struct error err = {0};

	store_boot(db, "series", 1);
	fixture_init(&f, "series", "0123456789ab", 2);
	fixture_metric(&f, "multiplex", "switch", STORE_PARAMS, 7);
	f.run.boot = 2;
	fixture_store(db, &f);
	results_close(db);
	assert_int_equal(merge(from, into, &merged, &err), -EEXIST);
	assert_non_null(
		strstr(err.text, "boot 2 of series (0123456789ab) with quick in session s1"));
	assert_non_null(strstr(err.text, from));
	assert_int_equal(store_int(into, "SELECT count(*) FROM run"), 1); /* boot 1 neither */
	assert_string_equal(store_head(into).head, before.head);
	results_close(into);
}

/* Somebody changed it: merged, it would be sealed anew. */
TEST(a_source_that_does_not_pass_its_check_is_refused)
{
	__cleanup_free char *from = make_boots("series", 1, 2), *path = make_boots("series", 5, 5);
	struct results_db *db = fixture_open(from), *into = fixture_open(path);
	struct results_merged merged;
	struct error err = {0};

	assert_int_equal(
		database_exec(db, "DROP TRIGGER run_fixed; UPDATE run SET compiler = 'x'", NULL),
		0);
	results_close(db);
	assert_int_equal(merge(from, into, &merged, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "nothing was merged"));
	assert_int_equal(store_int(into, "SELECT count(*) FROM run"), 1);
	assert_int_equal(merge(path, into, &merged, &err), -EINVAL); /* the same file */
	results_close(into);
}

/* ---- bisects ---- */

TEST(a_bisect_comes_with_its_steps_and_goes_on)
{
	__cleanup_free char *a = fixture_path(), *b = fixture_path();
	struct results_db *from = fixture_open(a), *into = fixture_open(b);
	struct results_merged merged;
	int64_t id = store_bisect(from, "night");

	store_bisect(into, "another"); /* so that the ids differ */
	merged = must_merge(a, into);
	assert_int_equal(merged.bisects, 1);
	assert_int_equal(merged.steps, 2);
	assert_int_equal(must_merge(a, into).steps, 0);
	store_step(from, id, "c3", "good");
	results_bisect_finish(from, id, "done", "{\"culprit\":\"c2\"}", NULL);
	merged = must_merge(a, into);
	assert_int_equal(merged.bisects, 0);
	assert_int_equal(merged.steps, 1);
	assert_int_equal(store_int(into, "SELECT count(*) FROM bisect WHERE state = 'done'"), 1);
	results_close(into);
	into = store_open_read(b); /* and back: what is older adds nothing */
	assert_int_equal(results_merge(into, from, &merged, NULL), 0);
	assert_int_equal(merged.bisects, 1);
	assert_int_equal(merged.steps, 2);
	results_close(from);
	results_close(into);
}

TEST(bisects_that_judged_differently_are_refused)
{
	__cleanup_free char *a = fixture_path(), *b = fixture_path();
	struct results_db *from = fixture_open(a), *into = fixture_open(b);
	struct results_merged merged;
	struct error err = {0};
	int64_t id = store_bisect(from, "night"), other = store_bisect(into, "night");

	store_step(from, id, "c3", "good");
	store_step(into, other, "c3", "bad");
	assert_int_equal(merge(a, into, &merged, &err), -EEXIST);
	assert_non_null(strstr(err.text, "the bisect of session night"));
	assert_int_equal(store_int(into, "SELECT count(*) FROM bisect_step"), 3);
	results_close(from);
	results_close(into);
}

/* ---- older schemas ---- */

TEST(a_database_of_version_1_can_be_merged)
{
	__cleanup_free char *old_path = fixture_path(), *path = make_boots("series", 1, 1);
	struct results_db *into = fixture_open(path);
	struct strbuf dump = STRBUF_INIT;
	sqlite3 *old;

	assert_int_equal(fs_read_file("tests/fixtures/results/version-1.sql", 0, &dump, NULL), 0);
	assert_int_equal(sqlite3_open(old_path, &old), SQLITE_OK);
	assert_int_equal(sqlite3_exec(old, dump.buf, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(old);
	strbuf_release(&dump);
	assert_int_equal(must_merge(old_path, into).boots, 1);
	assert_int_equal(must_merge(old_path, into).boots, 0);
	assert_int_equal(store_int(into, "SELECT count(*) FROM merge WHERE name = ''"), 1);
	results_close(into);
}

/* ---- what is newest ---- */

static void boot_at(struct results_db *db, const char *key, const char *started, double value)
{
	static uint64_t seed;
	struct fixture_run f;

	fixture_init(&f, "series", key, ++seed);
	f.run.started = started;
	fixture_metric(&f, "multiplex", "switch", STORE_PARAMS, value);
	fixture_store(db, &f);
}

/* A name means the build that was booted last, not the one that was merged last. */
TEST(what_was_merged_is_not_newer_for_that)
{
	__cleanup_free char *from = unit_path("laptop.db"), *path = unit_path("lab.db");
	struct results_db *db = fixture_open(from), *into = fixture_open(path);
	struct results_comparison c;
	struct error err = {0};

	boot_at(db, "00000000000000aa", "2026-01-01T00:00:00Z", 1000);
	results_close(db);
	store_boot(into, "baseline", 1);
	boot_at(into, "00000000000000bb", "2026-11-20T00:00:00Z", 2000);
	must_merge(from, into);
	if (results_compare(into, "baseline", "series", NULL, &c, &err))
		fail_msg("%s", err.text);
	assert_string_equal(c.new_key, "00000000000000bb");
	results_comparison_free(&c);
	results_close(into);
}

UNIT_MAIN("merging databases", unit_make_dir, unit_drop_dir)
