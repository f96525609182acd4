// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "common/fs.h"

#define CHUNK 65536

static int complain(struct archive *a, const char *path, struct error *err)
{
	return error_set(err, -EBADMSG, "%s: cannot be unpacked: %s", path,
			 archive_error_string(a));
}

static int copy_data(struct archive *a, int fd, const char *path, size_t max, struct error *err)
{
	char chunk[CHUNK];
	size_t total = 0;
	ssize_t n;

	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		total += n;
		if (total > max)
			return error_set(err, -EFBIG, "%s: unpacked it has more than %zu bytes",
					 path, max);
		if (fs_write_all(fd, chunk, n))
			return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (n < 0)
		return complain(a, path, err);
	return 0;
}

int unpack_to_file(const void *body, size_t len, const char *path, size_t max, struct error *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret = 0;

	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (fd < 0)
		ret = error_set(err, -errno, "%s: %s", path, strerror(errno));
	else if (archive_read_open_memory(a, body, len) != ARCHIVE_OK ||
		 archive_read_next_header(a, &entry) != ARCHIVE_OK)
		ret = complain(a, path, err);
	else
		ret = copy_data(a, fd, path, max, err);
	if (fd >= 0)
		close(fd);
	archive_read_free(a);
	return ret;
}

static la_ssize_t append_packed(struct archive *a, void *arg, const void *data, size_t len)
{
	(void)a;
	strbuf_add(arg, data, len);
	return len;
}

static int write_packed(struct archive *a, const struct strbuf *bytes, struct strbuf *out)
{
	struct archive_entry *entry = archive_entry_new();
	int ret;

	archive_write_add_filter_gzip(a);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_entry_set_filetype(entry, AE_IFREG);
	ret = archive_write_open(a, out, NULL, append_packed, NULL);
	if (ret == ARCHIVE_OK)
		ret = archive_write_header(a, entry);
	if (ret == ARCHIVE_OK && archive_write_data(a, bytes->buf, bytes->len) < 0)
		ret = ARCHIVE_FATAL;
	if (ret == ARCHIVE_OK)
		ret = archive_write_close(a);
	archive_entry_free(entry);
	return ret;
}

int pack_file(const char *path, struct strbuf *out, struct error *err)
{
	struct strbuf bytes = STRBUF_INIT;
	struct archive *a;
	int ret = fs_read_file(path, 0, &bytes, err);

	if (ret)
		return ret;
	a = archive_write_new();
	if (write_packed(a, &bytes, out) != ARCHIVE_OK)
		ret = error_set(err, -EIO, "%s: cannot be packed: %s", path,
				archive_error_string(a));
	archive_write_free(a);
	strbuf_release(&bytes);
	return ret;
}
