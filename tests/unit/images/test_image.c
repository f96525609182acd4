// SPDX-License-Identifier: GPL-2.0-only
/* The initramfs, read back with libarchive, and what an image refuses. Whole images: image.t. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "images/images.h"
#include "images/initramfs.h"
#include "images/iso.h"

static struct error err;

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

TEST(initramfs_holds_what_it_should)
{
	__cleanup_free char *agent = unit_write("agent", "#!agent");
	__cleanup_free char *test = unit_write("test", "test");
	__cleanup_free char *out = unit_path("initramfs");
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

	assert_int_equal(initramfs_write(&req, out, &err), 0);
	list = list_archive(out);
	assert_string_equal(list.buf, "dev 40755 0\n"
				      "dev/console 20600 0\n"
				      "init 100755 7\n"
				      "plan 100644 7\n"
				      "ticket 100600 1024\n"
				      "selftests 40755 0\n"
				      "selftests/sub 40755 0\n"
				      "selftests/sub/a 100755 4\n"
				      "selftests/sub/b 100644 4\n"
				      "dev/note 100644 4\n");
	strbuf_release(&list);
}

TEST(initramfs_names_what_is_missing)
{
	__cleanup_free char *out = unit_path("none");
	const struct image_request req = {.agent = "/nonexistent/agent", .plan = ""};

	assert_int_equal(initramfs_write(&req, out, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/agent"));
}

TEST(initramfs_tells_a_full_disk)
{
	__cleanup_free char *agent = unit_write("agent", "#!agent");
	const struct image_request req = {.agent = agent, .plan = ""};

	assert_int_equal(initramfs_write(&req, "/dev/full", &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
}

TEST(cmdlines_are_passed_on_or_refused)
{
	static const char *const good[] = {"", "console=ttyS0,115200 a.b=c mem=768M x=[1]:/-+%"};
	static const char *const bad[] = {"a;b",  "a\nb", "a\"b\"", "$x",
					  "a\\b", "a#b",  "\xff",   "{}"};
	__cleanup_free char *longer = xcalloc(1, 4096);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(image_check_cmdline(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(image_check_cmdline(bad[i], &err), -EINVAL);
	memset(longer, 'x', 4095);
	longer[4095] = '\0';
	assert_int_equal(image_check_cmdline(longer, &err), -EINVAL);
}

TEST(paths_outside_are_refused)
{
	static const char *const paths[] = {"relative", "/../up", "/a\nb"};
	__cleanup_free char *agent = unit_write("agent", "#!agent");

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct image_file file = {paths[i], agent, 0644};
		const struct image_request req = {
			.cache_dir = unit_dir,
			.bzimage = agent,
			.agent = agent,
			.plan = "",
			.cmdline = "",
			.files = &file,
			.nfiles = 1,
		};
		struct image image;

		assert_int_equal(image_build(&req, &image, &err), -EINVAL);
		assert_non_null(strstr(err.text, "must be absolute"));
	}
}

static void write_padded(const char *path, int tickets)
{
	struct strbuf iso = STRBUF_INIT;
	char ticket[IMAGE_TICKET_BYTES];

	initramfs_placeholder(ticket);
	strbuf_addstr(&iso, "before");
	for (int i = 0; i < tickets; i++)
		strbuf_add(&iso, ticket, sizeof(ticket));
	strbuf_addstr(&iso, "after");
	assert_int_equal(fs_write_file(path, iso.buf, iso.len, &err), 0);
	strbuf_release(&iso);
}

TEST(a_ticket_takes_the_placeholders_place_in_a_copy)
{
	__cleanup_free char *from = unit_path("from.iso");
	__cleanup_free char *to = unit_path("to.iso");
	struct strbuf iso = STRBUF_INIT;
	char ticket[IMAGE_TICKET_BYTES];
	struct stat st;

	memset(ticket, 't', sizeof(ticket));
	write_padded(from, 1);
	assert_int_equal(image_copy_with_ticket(from, to, ticket, &err), 0);
	assert_int_equal(fs_read_file(to, 0, &iso, &err), 0);
	assert_int_equal(iso.len, 6 + IMAGE_TICKET_BYTES + 5);
	assert_memory_equal(iso.buf, "beforettt", 9);
	assert_string_equal(iso.buf + iso.len - 8, "tttafter");
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	strbuf_release(&iso);
}

TEST(an_image_has_one_placeholder)
{
	__cleanup_free char *path = unit_path("from.iso");
	uint64_t offset;

	write_padded(path, 1);
	assert_int_equal(image_find_ticket(path, &offset, &err), 0);
	assert_int_equal(offset, 6);
	write_padded(path, 0);
	assert_int_equal(image_find_ticket(path, &offset, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no placeholder"));
	write_padded(path, 2);
	assert_int_equal(image_find_ticket(path, &offset, &err), -EINVAL);
}

UNIT_MAIN("image", unit_make_dir, unit_drop_dir)
