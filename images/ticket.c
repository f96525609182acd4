// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/strbuf.h"
#include "images/images.h"
#include "images/initramfs.h"

/* Its offset in @iso; -EINVAL with @path in the message. */
static int find_placeholder(const struct strbuf *iso, const char *path, uint64_t *offset,
			    struct error *err)
{
	char mark[IMAGE_TICKET_BYTES];
	const char *at;
	size_t after;

	initramfs_placeholder(mark);
	at = memmem(iso->buf, iso->len, mark, sizeof(mark));
	if (!at)
		return error_set(err, -EINVAL,
				 "%s: the image has no placeholder for a boot's ticket: remove it "
				 "from the cache, it will be made again",
				 path);
	*offset = at - iso->buf;
	after = *offset + sizeof(mark);
	if (memmem(iso->buf + after, iso->len - after, mark, sizeof(mark)))
		return error_set(err, -EINVAL,
				 "%s: the image has two placeholders for a boot's ticket", path);
	return 0;
}

int image_find_ticket(const char *path, uint64_t *offset, struct error *err)
{
	struct strbuf iso = STRBUF_INIT;
	int ret = fs_read_file(path, 0, &iso, err);

	if (!ret)
		ret = find_placeholder(&iso, path, offset, err);
	strbuf_release(&iso);
	return ret;
}

/* Only its owner reads it: the key is in it. */
static int write_secret(const char *path, const struct strbuf *data, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0 || fs_write_all(fd, data->buf, data->len))
		ret = error_set(err, -errno, "%s: cannot write: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (ret)
		unlink(path);
	return ret;
}

int image_copy_with_ticket(const char *from, const char *to, const char *ticket, struct error *err)
{
	struct strbuf iso = STRBUF_INIT;
	uint64_t offset;
	int ret = fs_read_file(from, 0, &iso, err);

	if (ret)
		goto out;
	ret = find_placeholder(&iso, from, &offset, err);
	if (ret)
		goto out;
	memcpy(iso.buf + offset, ticket, IMAGE_TICKET_BYTES);
	ret = write_secret(to, &iso, err);
out:
	strbuf_release(&iso);
	return ret;
}
