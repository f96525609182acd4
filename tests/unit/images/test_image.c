// SPDX-License-Identifier: GPL-2.0-only
/* The initramfs, read back with libarchive, and what an image refuses. Whole images: image.t. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "common/alloc.h"
#include "images/initramfs.h"
#include "images/iso.h"

static char dir[] = "/tmp/nestlab-image.XXXXXX";
static struct error err;

static char *write_source(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
	return path;
}

/* "path mode size\n" of each entry, in order. */
static struct strbuf list_archive(const char *path)
{
	struct strbuf list = STRBUF_INIT;
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	archive_read_support_format_cpio(a);
	assert_int_equal(archive_read_open_filename(a, path, 16384), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		strbuf_addf(&list, "%s %o %lld\n", archive_entry_pathname(e), archive_entry_mode(e),
			    (long long)archive_entry_size(e));
		assert_int_equal(archive_entry_uid(e), 0);
		assert_int_equal(archive_entry_mtime(e), 0);
	}
	archive_read_free(a);
	return list;
}

static void initramfs_holds_what_it_should(void **state)
{
	__cleanup_free char *agent = write_source("agent", "#!agent");
	__cleanup_free char *test = write_source("test", "test");
	__cleanup_free char *out = xasprintf("%s/initramfs", dir);
	const struct image_file files[] = {
		{"/selftests/sub/a", test, 0755},
		{"/selftests/sub/b", test, 0644},
		{"/dev/note", test, 0644},
	};
	const struct image_request req = {
		.agent = agent,
		.plan = "a plan\n",
		.files = files,
		.nfiles = ARRAY_SIZE(files),
	};
	struct strbuf list;

	(void)state;
	assert_int_equal(initramfs_write(&req, out, &err), 0);
	list = list_archive(out);
	assert_string_equal(list.buf, "dev 40755 0\n"
				      "dev/console 20600 0\n"
				      "init 100755 7\n"
				      "plan 100644 7\n"
				      "selftests 40755 0\n"
				      "selftests/sub 40755 0\n"
				      "selftests/sub/a 100755 4\n"
				      "selftests/sub/b 100644 4\n"
				      "dev/note 100644 4\n");
	strbuf_release(&list);
}

static void initramfs_names_what_is_missing(void **state)
{
	__cleanup_free char *out = xasprintf("%s/none", dir);
	const struct image_request req = {.agent = "/nonexistent/agent", .plan = ""};

	(void)state;
	assert_int_equal(initramfs_write(&req, out, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/agent"));
}

static void initramfs_tells_a_full_disk(void **state)
{
	__cleanup_free char *agent = write_source("agent", "#!agent");
	const struct image_request req = {.agent = agent, .plan = ""};

	(void)state;
	assert_int_equal(initramfs_write(&req, "/dev/full", &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
}

static void cmdlines_are_passed_on_or_refused(void **state)
{
	static const char *const good[] = {"", "console=ttyS0,115200 a.b=c mem=768M x=[1]:/-+%"};
	static const char *const bad[] = {"a;b",  "a\nb", "a\"b\"", "$x",
					  "a\\b", "a#b",  "\xff",   "{}"};
	__cleanup_free char *longer = xmalloc(4096);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(iso_check_cmdline(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(iso_check_cmdline(bad[i], &err), -EINVAL);
	memset(longer, 'x', 4095);
	longer[4095] = '\0';
	assert_int_equal(iso_check_cmdline(longer, &err), -EINVAL);
}

static void paths_outside_are_refused(void **state)
{
	static const char *const paths[] = {"relative", "/../up", "/a\nb"};
	__cleanup_free char *agent = write_source("agent", "#!agent");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct image_file file = {paths[i], agent, 0644};
		const struct image_request req = {
			.cache_dir = dir,
			.bzimage = agent,
			.agent = agent,
			.plan = "",
			.cmdline = "",
			.files = &file,
			.nfiles = 1,
		};
		struct image image;

		assert_int_equal(image_build(&req, &image, &err), -EINVAL);
		assert_non_null(strstr(err.text, "not an absolute path"));
	}
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initramfs_holds_what_it_should),
		cmocka_unit_test(initramfs_names_what_is_missing),
		cmocka_unit_test(initramfs_tells_a_full_disk),
		cmocka_unit_test(cmdlines_are_passed_on_or_refused),
		cmocka_unit_test(paths_outside_are_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
