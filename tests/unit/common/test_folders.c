// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/alloc.h"
#include "common/folders.h"
#include "common/fs.h"

static struct folders make_folders(void)
{
	struct folders f = {.own = xasprintf("%s/own", unit_dir),
			    .shipped = xasprintf("%s/shipped", unit_dir)};
	struct error err;

	assert_int_equal(fs_mkdir_p(f.own, &err), 0);
	assert_int_equal(fs_mkdir_p(f.shipped, &err), 0);
	unit_put("own/both.json", "{}");
	unit_put("own/mine.json", "{}");
	unit_put("shipped/both.json", "{}");
	unit_put("shipped/theirs.json", "{}");
	unit_put("shipped/other.txt", "");
	return f;
}

static void free_folders(struct folders *f)
{
	free(f->own);
	free(f->shipped);
}

static void expect_path(const struct folders *f, const char *name, const char *below)
{
	__cleanup_free char *path = folders_find(f, name, ".json");
	__cleanup_free char *want = below ? xasprintf("%s/%s", unit_dir, below) : NULL;

	if (want)
		assert_string_equal(path, want);
	else
		assert_null(path);
}

TEST(the_users_own_file_comes_first)
{
	struct folders f = make_folders();

	expect_path(&f, "both", "own/both.json");
	expect_path(&f, "mine", "own/mine.json");
	expect_path(&f, "theirs", "shipped/theirs.json");
	expect_path(&f, "nobodys", NULL);
	expect_path(&f, "../own/mine", NULL);
	free_folders(&f);
}

TEST(each_name_is_listed_once)
{
	struct folders f = make_folders();
	struct error err;
	char **names;
	size_t count;

	assert_int_equal(folders_list(&f, ".json", &names, &count, &err), 0);
	assert_int_equal(count, 3);
	assert_string_equal(names[0], "both");
	assert_string_equal(names[1], "mine");
	assert_string_equal(names[2], "theirs");
	fs_free_names(names, count);
	free_folders(&f);
}

TEST(a_folder_that_is_not_there_has_no_files)
{
	struct folders f = {.own = (char *)"/nonexistent/a", .shipped = NULL};
	struct error err;
	char **names;
	size_t count;

	assert_int_equal(folders_list(&f, ".json", &names, &count, &err), 0);
	assert_int_equal(count, 0);
	fs_free_names(names, count);
	expect_path(&f, "x", NULL);
}

UNIT_MAIN_EACH("folders", unit_make_dir, unit_drop_dir)
