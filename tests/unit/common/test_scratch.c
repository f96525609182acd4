// SPDX-License-Identifier: GPL-2.0-only
/* Folders for work in progress, whose owners may be killed; and names that are given to what is whole. */
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/scratch.h"
#include "tests/unit/unit.h"

static size_t count_entries(void)
{
	char **names;
	size_t n;

	assert_int_equal(fs_list(unit_dir, NULL, &names, &n, NULL), 0);
	fs_free_names(names, n);
	return n;
}

static int make_and_be_killed(void *arg)
{
	__cleanup_free char *path = NULL;
	struct scratch s;

	(void)arg;
	if (scratch_begin(unit_dir, NULL, &s, NULL))
		return 1;
	path = xasprintf("%s/a/b", s.dir);
	if (fs_mkdir_p(path, NULL))
		return 2;
	raise(SIGKILL);
	return 3;
}

TEST(what_a_killed_process_left_goes_with_the_next)
{
	struct scratch s;

	assert_int_equal(unit_in_child(make_and_be_killed, NULL), 128 + SIGKILL);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(scratch_begin(unit_dir, NULL, &s, NULL), 0);
	assert_int_equal(count_entries(), 1);
	scratch_end(&s);
	assert_null(s.dir);
	scratch_end(&s);
	assert_int_equal(count_entries(), 0);
}

TEST(one_killed_before_it_had_a_lock_leaves_nothing_either)
{
	__cleanup_free char *empty = unit_path(SCRATCH_PREFIX "aaaaaa");
	__cleanup_free char *half = unit_path(SCRATCH_PREFIX "bbbbbb/removed");
	struct scratch s;

	assert_int_equal(fs_mkdir_p(empty, NULL), 0);
	assert_int_equal(fs_mkdir_p(half, NULL), 0);
	assert_int_equal(scratch_begin(unit_dir, NULL, &s, NULL), 0);
	assert_int_equal(count_entries(), 1);
	scratch_end(&s);
}

TEST(what_lives_is_kept_or_is_no_scratch_folder_stays)
{
	__cleanup_free char *other = unit_path("nestlab-else"),
			    *link = unit_path(SCRATCH_PREFIX "link");
	struct scratch a, b, kept;
	struct stat st;

	assert_int_equal(fs_mkdir_p(other, NULL), 0);
	assert_int_equal(symlink(other, link), 0);
	assert_int_equal(scratch_begin(unit_dir, NULL, &a, NULL), 0);
	assert_int_equal(stat(a.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(scratch_begin(unit_dir, NULL, &kept, NULL), 0);
	scratch_keep(&kept);
	assert_null(kept.dir);
	assert_int_equal(scratch_begin(unit_dir, NULL, &b, NULL), 0);
	assert_true(fs_exists(a.dir));
	assert_int_equal(count_entries(), 5);
	scratch_end(&a);
	scratch_end(&b);
	assert_int_equal(count_entries(), 3);
}

static struct scratch *kept_meanwhile;

/* Comes before libc's: what another process does between two looks of this one. */
int flock(int fd, int how)
{
	struct scratch *s = kept_meanwhile;

	kept_meanwhile = NULL;
	if (s)
		scratch_keep(s);
	return (int)syscall(SYS_flock, fd, how);
}

TEST(one_that_is_kept_while_another_looks_at_it_stays)
{
	__cleanup_free char *inside = NULL;
	struct scratch s, other;

	assert_int_equal(scratch_begin(unit_dir, NULL, &s, NULL), 0);
	inside = xasprintf("%s/a/b", s.dir);
	assert_int_equal(fs_mkdir_p(inside, NULL), 0);
	kept_meanwhile = &s;
	assert_int_equal(scratch_begin(unit_dir, NULL, &other, NULL), 0);
	assert_null(s.dir);
	assert_true(fs_exists(inside));
	scratch_end(&other);
}

/* Each makes and removes its own, and removes what it takes for abandoned. */
static int make_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		__cleanup_free char *inside = NULL;
		struct scratch s;

		if (scratch_begin(unit_dir, NULL, &s, NULL))
			return 1;
		inside = xasprintf("%s/a/b", s.dir);
		if (!fs_exists(s.dir) || fs_mkdir_p(inside, NULL))
			return 2;
		scratch_end(&s);
	}
	return 0;
}

TEST(many_at_once_keep_their_own)
{
	int status, said = memfd_create("said", MFD_CLOEXEC);
	pid_t children[4];

	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (!children[i]) {
			dup2(said, STDERR_FILENO);
			_exit(make_many(NULL));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(lseek(said, 0, SEEK_END), 0); /* nobody met another's removal */
	close(said);
	assert_int_equal(count_entries(), 0);
}

TEST(a_place_that_does_not_exist_is_named)
{
	__cleanup_free char *nowhere = unit_path("nowhere");
	struct scratch s;
	struct error err;

	assert_int_equal(scratch_begin(nowhere, NULL, &s, &err), -ENOENT);
	assert_contains(err.text, "nowhere: cannot make a folder");
	assert_null(s.dir);
}

/* ---- names ---- */

TEST(a_file_and_a_folder_take_a_name)
{
	__cleanup_free char *a = unit_write("a", "new"), *b = unit_write("b", "old");
	__cleanup_free char *from = unit_path("from"), *to = unit_path("to"), *got = NULL;
	struct error err;

	unit_put("from/file", "tree");
	assert_int_equal(fs_publish(a, b, NULL), 0);
	assert_false(fs_exists(a));
	got = unit_get("b");
	assert_string_equal(got, "new");
	assert_int_equal(fs_publish(from, to, NULL), 0);
	assert_false(fs_exists(from));
	assert_int_equal(fs_publish(a, b, &err), -ENOENT);
	assert_contains(err.text, "/a: cannot sync");
}

TEST(a_tree_changes_places_with_the_one_before)
{
	__cleanup_free char *from = unit_path("from"), *to = unit_path("to");
	__cleanup_free char *now = NULL, *before = NULL;

	unit_put("from/file", "second");
	unit_put("to/file", "first");
	assert_int_equal(fs_publish(from, to, NULL), -ENOTEMPTY);
	assert_int_equal(fs_publish_tree(from, to, NULL), 0);
	now = unit_get("to/file");
	before = unit_get("from/file");
	assert_string_equal(now, "second");
	assert_string_equal(before, "first");
}

static int begin_and_be_killed(void *arg)
{
	struct fs_new_file f;

	if (fs_new_file_open(arg, 0666, &f, NULL) || fs_write_all(f.fd, "half", 4))
		return 1;
	raise(SIGKILL);
	return 2;
}

TEST(a_file_that_grows_has_no_name_until_it_is_whole)
{
	__cleanup_free char *path = unit_path("grows"), *got = NULL;
	int fd = open(unit_dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	struct fs_new_file f;

	if (fd < 0)
		skip(); /* this file system has no nameless files */
	close(fd);
	assert_int_equal(unit_in_child(begin_and_be_killed, path), 128 + SIGKILL);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(fs_new_file_open(path, 0666, &f, NULL), 0);
	assert_int_equal(fs_new_file_close(&f, path, -EIO, NULL), -EIO);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(fs_new_file_open(path, 0666, &f, NULL), 0);
	assert_int_equal(fs_write_all(f.fd, "whole", 5), 0);
	assert_false(fs_exists(path));
	assert_int_equal(fs_new_file_close(&f, path, 0, NULL), 0);
	got = unit_get("grows");
	assert_string_equal(got, "whole");
}

UNIT_MAIN_EACH("scratch", unit_make_dir, unit_drop_dir)
