// SPDX-License-Identifier: GPL-2.0-only
#include "images/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/strbuf.h"
#include "images/initramfs.h"
#include "images/iso.h"

/* Part of every key: to be raised when the same inputs come to give other bytes. */
#define IMAGE_FORMAT "nestlab-image 1\n"

/* What the boot loaders and the file system add to the inputs, at most. */
#define OVERHEAD_BYTES (8 << 20)

/* An image being made. */
struct making {
	const struct image_request *req;
	char key[SHA256_HEX];
	char *iso;	/* where it goes: CACHE/images/KEY.iso */
	char *work_dir; /* CACHE/images/KEY.work, under lock_fd */
	int lock_fd;
};

static int describe_file(struct strbuf *out, const char *role, const char *source, uint64_t *size,
			 struct error *err)
{
	char hex[SHA256_HEX];
	struct stat st;
	int ret;

	if (stat(source, &st) < 0)
		return error_set(err, -errno, "%s: cannot read: %s", source, strerror(errno));
	ret = sha256_file(source, hex, err);
	if (ret)
		return ret;
	strbuf_addf(out, "%s %s\n", role, hex);
	*size += st.st_size;
	return 0;
}

static int describe_extra_file(struct strbuf *out, const struct image_file *file, uint64_t *size,
			       struct error *err)
{
	__cleanup_free char *role = xasprintf("file %s %o", file->path, file->mode);

	if (file->path[0] != '/' || strstr(file->path, "..") || strchr(file->path, '\n'))
		return error_set(err, -EINVAL, "%s: not an absolute path in the image", file->path);
	return describe_file(out, role, file->source, size, err);
}

/* All that the image's bytes follow from, as text; its hash is the key. */
static int describe(const struct image_request *req, struct strbuf *out, uint64_t *size,
		    struct error *err)
{
	int ret = iso_check_cmdline(req->cmdline, err);

	strbuf_addstr(out, IMAGE_FORMAT);
	if (!ret)
		ret = iso_describe_parts(out, err);
	if (!ret)
		ret = describe_file(out, "kernel", req->bzimage, size, err);
	if (!ret)
		ret = describe_file(out, "agent", req->agent, size, err);
	for (size_t i = 0; !ret && i < req->nfiles; i++)
		ret = describe_extra_file(out, &req->files[i], size, err);
	strbuf_addf(out, "cmdline %s\nplan\n%s", req->cmdline, req->plan);
	return ret;
}

static int check_space(const struct making *m, uint64_t size, struct error *err)
{
	uint64_t need = 2 * size + OVERHEAD_BYTES, have = 0;
	int ret = fs_free_bytes(m->req->cache_dir, &have, err);

	if (!ret && have < need)
		ret = error_set(err, -ENOSPC,
				"%s: no space for an image: %llu MiB free, %llu MiB needed",
				m->req->cache_dir, (unsigned long long)have >> 20,
				(unsigned long long)need >> 20);
	return ret;
}

/* A kernel is told from any other file by its boot protocol header (the kernel's
 * Documentation/arch/x86/boot.rst: "HdrS" at 0x202). */
static int check_kernel(const char *path, struct error *err)
{
	char magic[4] = "";
	FILE *f = fopen(path, "re");
	bool good;

	if (!f)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	good = !fseek(f, 0x202, SEEK_SET) && fread(magic, 4, 1, f) == 1 &&
	       !memcmp(magic, "HdrS", 4);
	fclose(f);
	return good ? 0 : error_set(err, -EINVAL, "%s: not a bzImage", path);
}

static int sync_and_publish(const char *from, const char *to, struct error *err)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0 || fsync(fd) || rename(from, to))
		ret = error_set(err, -errno, "%s: cannot finish: %s", to, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_in_work_dir(struct making *m, struct error *err)
{
	__cleanup_free char *initramfs = xasprintf("%s/initramfs.cpio", m->work_dir);
	__cleanup_free char *iso = xasprintf("%s/image.iso", m->work_dir);
	char id[17];
	const struct iso_request iso_req = {
		.id = id,
		.bzimage = m->req->bzimage,
		.initramfs = initramfs,
		.cmdline = m->req->cmdline,
		.work_dir = m->work_dir,
	};
	int ret;

	snprintf(id, sizeof(id), "%.16s", m->key);
	ret = fs_mkdir_p(m->work_dir, err);
	if (!ret)
		ret = initramfs_write(m->req, initramfs, err);
	if (!ret)
		ret = iso_write(&iso_req, iso, err);
	if (!ret)
		ret = sync_and_publish(iso, m->iso, err);
	return ret;
}

/* Unless somebody else made it while this one waited for the lock. */
static int make_locked(struct making *m, struct error *err)
{
	__cleanup_free char *lock = xasprintf("%s/images/lock", m->req->cache_dir);
	int ret = fs_lock(lock, true, &m->lock_fd, err);

	if (ret)
		return ret;
	if (!fs_exists(m->iso)) {
		ret = fs_remove_tree(m->work_dir, err); /* of one that was killed */
		if (!ret)
			ret = make_in_work_dir(m, err);
		fs_remove_tree(m->work_dir, NULL);
	}
	close(m->lock_fd);
	return ret;
}

static int make(struct making *m, uint64_t size, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/images", m->req->cache_dir);
	int ret = check_kernel(m->req->bzimage, err);

	if (!ret)
		ret = fs_mkdir_p(dir, err);
	if (!ret)
		ret = check_space(m, size, err);
	if (!ret)
		ret = make_locked(m, err);
	return ret;
}

int image_build(const struct image_request *req, struct image *out, struct error *err)
{
	struct making m = {.req = req};
	struct strbuf inputs = STRBUF_INIT;
	uint64_t size = 0;
	int ret = describe(req, &inputs, &size, err);

	memset(out, 0, sizeof(*out));
	if (ret)
		goto out;
	sha256_bytes(inputs.buf, inputs.len, m.key);
	m.iso = xasprintf("%s/images/%s.iso", req->cache_dir, m.key);
	m.work_dir = xasprintf("%s/images/%s.work", req->cache_dir, m.key);
	if (!fs_exists(m.iso))
		ret = make(&m, size, err);
	if (!ret)
		ret = sha256_file(m.iso, out->sha256, err);
	if (!ret)
		ret = sha256_file(req->agent, out->agent_sha256, err);
	if (ret)
		goto out;
	sha256_bytes(req->plan, strlen(req->plan), out->plan_sha256);
	out->path = m.iso;
	m.iso = NULL;
out:
	strbuf_release(&inputs);
	free(m.iso);
	free(m.work_dir);
	return ret ? error_prefix(err, ret, "image") : 0;
}

void image_free(struct image *img)
{
	free(img->path);
	memset(img, 0, sizeof(*img));
}
