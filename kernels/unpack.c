// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"

#define MAX_BYTES (1UL << 30)

static const struct magic {
	const char *bytes;
	size_t len;
} magics[] = {{"\x1f\x8b", 2},
	      {"BZh", 3},
	      {"\xfd"
	       "7zXZ",
	       5},
	      {"\x28\xb5\x2f\xfd", 4}};

static int find_compression(const char *path, bool *compressed, struct error *err)
{
	char head[8] = "";
	FILE *f = fopen(path, "re");
	size_t got;

	*compressed = false;
	if (!f)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	got = fread(head, 1, sizeof(head), f);
	fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (got >= magics[i].len && !memcmp(head, magics[i].bytes, magics[i].len))
			*compressed = true;
	return 0;
}

/* What went wrong last; libarchive has its own codes beside errno's. */
static int report_damage(const char *path, struct archive *a, struct error *err)
{
	if (archive_errno(a) == ENOMEM)
		return error_set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	return error_set(err, -EINVAL, "%s: cannot be unpacked: %s", path, archive_error_string(a));
}

static int read_all(const char *path, struct archive *a, struct strbuf *out, struct error *err)
{
	char block[65536];
	struct archive_entry *entry;
	la_ssize_t n;

	if (archive_read_open_filename(a, path, sizeof(block)) ||
	    archive_read_next_header(a, &entry))
		return report_damage(path, a, err);
	while ((n = archive_read_data(a, block, sizeof(block))) > 0) {
		if (out->len + (size_t)n > MAX_BYTES)
			return error_set(err, -EFBIG, "%s: over 1 GiB when unpacked", path);
		strbuf_add(out, block, (size_t)n);
	}
	if (n < 0)
		return report_damage(path, a, err);
	return 0;
}

/* Only filters that libarchive has built in, so that no program is started. */
static int unpack(const char *path, struct strbuf *out, struct error *err)
{
	struct archive *a = archive_read_new();
	int ret;

	if (!a)
		return error_set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_raw(a);
	ret = read_all(path, a, out, err);
	archive_read_free(a);
	return ret;
}

int unpack_file(const char *path, const char *dir, char **plain, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	bool compressed;
	int ret = find_compression(path, &compressed, err);

	*plain = NULL;
	if (ret)
		return ret;
	if (!compressed) {
		*plain = xstrdup(path);
		return 0;
	}
	ret = unpack(path, &text, err);
	if (!ret) {
		*plain = xasprintf("%s/unpacked", dir);
		ret = fs_write_file(*plain, text.buf, text.len, err);
	}
	strbuf_release(&text);
	return ret;
}
