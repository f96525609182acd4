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
#include "common/fs.h"
#include "common/scratch.h"
#include "common/sha256.h"
#include "common/strbuf.h"
#include "images/initramfs.h"
#include "images/iso.h"

/* Part of every key. Change it whenever the code makes different bytes from the same inputs. */
#define IMAGE_FORMAT "nestlab-image 3\n"

/* What the boot loaders and the file system add to the inputs, at most. */
#define OVERHEAD_BYTES (8 << 20)

/* An image being made. */
struct making {
	const struct image_request *req;
	char key[SHA256_HEX];
	char *iso; /* where it goes: CACHE/images/KEY.iso */
	struct scratch work;
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
	__cleanup_free char *role =
		xasprintf("file %s %o%s", file->path, file->mode, file->packed ? " packed" : "");

	if (file->path[0] != '/' || strstr(file->path, "..") || strchr(file->path, '\n'))
		return error_set(
			err, -EINVAL,
			"%s: a file's path in the image must be absolute and without \"..\"",
			file->path);
	return describe_file(out, role, file->source, size, err);
}

/* Everything that the image's bytes depend on, as text; its hash is the key. */
static int describe_inputs(const struct image_request *req, struct strbuf *out, uint64_t *size,
			   struct error *err)
{
	int ret = image_check_cmdline(req->cmdline, err);

	if (ret)
		return ret;
	strbuf_addstr(out, IMAGE_FORMAT);
	ret = iso_describe_parts(out, err);
	if (ret)
		return ret;
	ret = describe_file(out, "kernel", req->bzimage, size, err);
	if (ret)
		return ret;
	ret = describe_file(out, "agent", req->agent, size, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < req->nfiles; i++) {
		ret = describe_extra_file(out, &req->files[i], size, err);
		if (ret)
			return ret;
	}
	strbuf_addf(out, "cmdline %s\nplan\n%s", req->cmdline, req->plan);
	return 0;
}

/* Twice the inputs: the initramfs and the ISO, which has all of the inputs, exist at the same
 * time. */
static int check_space(const struct making *m, uint64_t size, struct error *err)
{
	uint64_t need = 2 * size + OVERHEAD_BYTES, have = 0;
	int ret = fs_free_bytes(m->req->cache_dir, &have, err);

	if (ret)
		return ret;
	if (have < need)
		return error_set(
			err, -ENOSPC,
			"%s: not enough space for an image: %llu MiB free, %llu MiB needed; free some, or set NESTLAB_CACHE",
			m->req->cache_dir, (unsigned long long)have >> 20,
			(unsigned long long)need >> 20);
	return 0;
}

/* A bzImage has "HdrS" at 0x202: the boot protocol's header, see Documentation/arch/x86/boot.rst of the
 * kernel. */
static int check_kernel(const char *path, struct error *err)
{
	char magic[4];
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t n;

	if (fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	n = pread(fd, magic, sizeof(magic), 0x202);
	if (n < 0)
		ret = error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	else if (n != sizeof(magic) || memcmp(magic, "HdrS", sizeof(magic)))
		ret = error_set(err, -EINVAL, "%s: not a bzImage", path);
	close(fd);
	return ret;
}

static int make_in_work_dir(struct making *m, struct error *err)
{
	__cleanup_free char *initramfs = xasprintf("%s/initramfs.cpio", m->work.dir);
	__cleanup_free char *iso = xasprintf("%s/image.iso", m->work.dir);
	char id[17];
	const struct iso_request iso_req = {
		.id = id,
		.bzimage = m->req->bzimage,
		.initramfs = initramfs,
		.cmdline = m->req->cmdline,
		.work_dir = m->work.dir,
	};
	int ret;

	snprintf(id, sizeof(id), "%.16s", m->key);
	ret = initramfs_write(m->req, initramfs, err);
	if (ret)
		return ret;
	ret = iso_write(&iso_req, iso, err);
	if (ret)
		return ret;
	return fs_publish(iso, m->iso, err);
}

/* Makes the image, unless another nestlab made it while this one waited for the lock. */
static int make_locked(struct making *m, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/images", m->req->cache_dir);
	__cleanup_free char *lock = xasprintf("%s/lock", dir);
	int ret = fs_lock(lock, true, &m->lock_fd, err);

	if (ret)
		return ret;
	if (!fs_exists(m->iso)) {
		ret = scratch_begin(dir, "work.", &m->work, err);
		if (!ret)
			ret = make_in_work_dir(m, err);
		scratch_end(&m->work);
	}
	close(m->lock_fd);
	return ret;
}

static int make_image(struct making *m, uint64_t size, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/images", m->req->cache_dir);
	int ret = check_kernel(m->req->bzimage, err);

	if (ret)
		return ret;
	ret = fs_mkdir_p(dir, err);
	if (ret)
		return ret;
	ret = check_space(m, size, err);
	if (ret)
		return ret;
	return make_locked(m, err);
}

/* Makes the image unless it is in the cache, and fills in all of @out except the path. */
static int make_unless_cached(struct making *m, uint64_t size, struct image *out, struct error *err)
{
	const struct image_request *req = m->req;
	int ret;

	if (!fs_exists(m->iso)) {
		ret = make_image(m, size, err);
		if (ret)
			return ret;
	}
	ret = sha256_file(m->iso, out->sha256, err);
	if (ret)
		return ret;
	ret = sha256_file(req->agent, out->agent_sha256, err);
	if (ret)
		return ret;
	sha256_bytes(req->plan, strlen(req->plan), out->plan_sha256);
	return 0;
}

int image_build(const struct image_request *req, struct image *out, struct error *err)
{
	struct making m = {.req = req};
	struct strbuf inputs = STRBUF_INIT;
	uint64_t size = 0;
	int ret = describe_inputs(req, &inputs, &size, err);

	memset(out, 0, sizeof(*out));
	if (ret)
		goto out;
	sha256_bytes(inputs.buf, inputs.len, m.key);
	m.iso = xasprintf("%s/images/%s.iso", req->cache_dir, m.key);
	ret = make_unless_cached(&m, size, out, err);
	if (ret)
		goto out;
	out->path = m.iso;
	m.iso = NULL;
out:
	strbuf_release(&inputs);
	free(m.iso);
	if (ret)
		return error_prefix(err, ret, "image");
	return 0;
}

void image_free(struct image *img)
{
	free(img->path);
	memset(img, 0, sizeof(*img));
}
