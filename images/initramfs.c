// SPDX-License-Identifier: GPL-2.0-only
#include "images/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"
#include "images/elf_pack.h"

/* An archive being written. */
struct writer {
	struct archive *archive;
	const char *path;
	int64_t inode;		 /* a number each, so that no two look like hard links */
	struct strbuf made_dirs; /* "/a\n/a/b\n": the directories that are in it already */
};

static int write_error(struct writer *w, struct error *err)
{
	int code = -archive_errno(w->archive);

	if (code >= 0) /* libarchive's own errors have no errno */
		code = -EIO;
	return error_set(err, code, "%s: cannot write: %s", w->path,
			 archive_error_string(w->archive));
}

/* Owner, times and inode are fixed, so that the same files give the same bytes. */
static struct archive_entry *new_entry(struct writer *w, const char *path, mode_t mode)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path + (*path == '/'));
	archive_entry_set_mode(e, mode);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_nlink(e, S_ISDIR(mode) ? 2 : 1);
	archive_entry_set_ino64(e, ++w->inode);
	return e;
}

/* Writes and frees the entry. */
static int put_entry(struct writer *w, struct archive_entry *e, const void *data, size_t len,
		     struct error *err)
{
	int ret = 0;

	archive_entry_set_size(e, len);
	if (archive_write_header(w->archive, e) != ARCHIVE_OK ||
	    (len && archive_write_data(w->archive, data, len) != (la_ssize_t)len))
		ret = write_error(w, err);
	archive_entry_free(e);
	return ret;
}

static int put_dir(struct writer *w, const char *path, struct error *err)
{
	__cleanup_free char *line = xasprintf("\n%s\n", path);

	if (strstr(w->made_dirs.buf, line))
		return 0;
	strbuf_addstr(&w->made_dirs, line);
	return put_entry(w, new_entry(w, path, S_IFDIR | 0755), NULL, 0, err);
}

static int put_parents(struct writer *w, const char *path, struct error *err)
{
	__cleanup_free char *dir = xstrdup(path);

	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int ret;

		*slash = '\0';
		ret = put_dir(w, dir, err);
		*slash = '/';
		if (ret)
			return ret;
	}
	return 0;
}

static int put_bytes(struct writer *w, const char *path, unsigned int mode, const void *data,
		     size_t len, struct error *err)
{
	int ret = put_parents(w, path, err);

	if (ret)
		return ret;
	return put_entry(w, new_entry(w, path, S_IFREG | mode), data, len, err);
}

static int put_file(struct writer *w, const struct image_file *file, struct error *err)
{
	struct strbuf data = STRBUF_INIT;
	int ret = fs_read_file(file->source, 0, &data, err);

	if (!ret && file->packed)
		ret = elf_pack(&data, file->source, err);
	if (!ret)
		ret = put_bytes(w, file->path, file->mode, data.buf, data.len, err);
	strbuf_release(&data);
	return ret;
}

/* The kernel opens /dev/console for init before anything could mount /dev. */
static int put_console(struct writer *w, struct error *err)
{
	struct archive_entry *e;
	int ret = put_dir(w, "/dev", err);

	if (ret)
		return ret;
	e = new_entry(w, "/dev/console", S_IFCHR | 0600);
	archive_entry_set_rdevmajor(e, 5);
	archive_entry_set_rdevminor(e, 1);
	return put_entry(w, e, NULL, 0, err);
}

/* The digits are random: no kernel and no agent has them. */
void initramfs_placeholder(char *text)
{
	static const char head[] = "nestlab-ticket 0\n"
				   "placeholder 59b0a3c1f7e24d6893bb0c7d41ae5f20c8d91e6b7fa2435c\n";

	memset(text, '\n', IMAGE_TICKET_BYTES);
	memcpy(text, head, sizeof(head) - 1);
}

static int put_ticket(struct writer *w, struct error *err)
{
	char text[IMAGE_TICKET_BYTES];

	initramfs_placeholder(text);
	return put_bytes(w, "/ticket", 0600, text, sizeof(text), err);
}

static int put_contents(struct writer *w, const struct image_request *req, struct error *err)
{
	const struct image_file init = {.path = "/init", .source = req->agent, .mode = 0755};
	int ret = put_console(w, err);

	if (ret)
		return ret;
	ret = put_file(w, &init, err);
	if (ret)
		return ret;
	ret = put_bytes(w, "/plan", 0644, req->plan, strlen(req->plan), err);
	if (ret)
		return ret;
	ret = put_ticket(w, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < req->nfiles; i++) {
		ret = put_file(w, &req->files[i], err);
		if (ret)
			return ret;
	}
	if (archive_write_close(w->archive) != ARCHIVE_OK)
		return write_error(w, err);
	return 0;
}

int initramfs_write(const struct image_request *req, const char *path, struct error *err)
{
	struct writer w = {.archive = archive_write_new(), .path = path, .made_dirs = STRBUF_INIT};
	int ret;

	archive_write_set_format_cpio_newc(w.archive);
	archive_write_set_bytes_in_last_block(w.archive, 4);
	if (archive_write_open_filename(w.archive, path) != ARCHIVE_OK)
		ret = write_error(&w, err);
	else
		ret = put_contents(&w, req, err);
	archive_write_free(w.archive);
	strbuf_release(&w.made_dirs);
	return ret;
}
