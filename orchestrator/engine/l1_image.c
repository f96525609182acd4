// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/l1_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"

#define SLOW_BYTES (INT64_C(256) << 20) /* it takes more than a second to read */

/* Formats of other hypervisors, by how their files begin. As raw ones they would boot nothing, and say nothing. */
static const struct {
	const char *start, *name;
} foreign[] = {
	{"vhdxfile", "VHDX"}, {"conectix", "VHD"},
	{"KDMV", "VMDK"},     {"# Disk DescriptorFile", "VMDK"},
	{"<<< ", "VDI"},
};

static int refuse_foreign(const char *path, const char *head, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (!strncmp(head, foreign[i].start, strlen(foreign[i].start)))
			return error_set(err, -EINVAL,
					 "%s: a %s image, and raw or qcow2 is wanted: qemu-img "
					 "convert -O qcow2 %s IMAGE.qcow2",
					 path, foreign[i].name, path);
	return 0;
}

static int check_head(const char *path, struct error *err)
{
	char head[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	n = read(fd, head, sizeof(head) - 1);
	close(fd);
	if (n < 0)
		return error_set(err, -EIO, "%s: cannot be read", path);
	return refuse_foreign(path, head, err);
}

static int check_size(const char *path, int64_t size, bool in_place, struct error *err)
{
	if (!size)
		return error_set(err, -EINVAL, "%s: it is empty", path);
	if (in_place || size <= L1_IMAGE_MAX)
		return 0;
	return error_set(err, -EINVAL,
			 "%s: %" PRId64
			 " MiB, and what travels to a host in its initramfs may have %" PRId64
			 ": run it on that machine (--host here), or make the image smaller",
			 path, size >> 20, L1_IMAGE_MAX >> 20);
}

static int check_file(const char *path, bool in_place, struct error *err)
{
	struct stat st;
	int ret;

	if (stat(path, &st))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s: it is no file", path);
	ret = check_size(path, st.st_size, in_place, err);
	if (ret)
		return ret;
	if (st.st_size > SLOW_BYTES)
		log_info("%s: reading %" PRId64 " MiB for its hash", path,
			 (int64_t)st.st_size >> 20);
	return check_head(path, err);
}

static int read_image(const char *path, bool in_place, struct l1_image *out, struct error *err)
{
	int ret = check_file(path, in_place, err);

	if (!ret)
		ret = sha256_file(path, out->sha256, err);
	if (ret)
		return error_prefix(err, ret, "--l1-image");
	out->path = realpath(path, NULL);
	if (!out->path)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	out->name = strrchr(out->path, '/') + 1;
	return 0;
}

/* A plan that has other measurements runs these, and skips what needs an image. */
static int check_without(const struct scenario_plan *plans, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (scenario_plan_is_of_disk(&plans[i]))
			return error_set(
				err, -ENODEV,
				"SKIP: %s measures in an L1 that boots from a disk of yours: "
				"--l1-image FILE names it (docs/l1-guests.md; for a Windows, nestlab "
				"image prepare-windows makes the medium that prepares one)",
				plans[i].name);
	return 0;
}

int l1_image_find(const char *path, bool in_place, const struct scenario_plan *plans, size_t n,
		  struct l1_image *out, struct error *err)
{
	bool wanted = false;

	*out = (struct l1_image){0};
	if (!path)
		return check_without(plans, n, err);
	for (size_t i = 0; i < n; i++)
		wanted |= scenario_plan_has_disk(&plans[i]);
	if (!wanted)
		return 0;
	return read_image(path, in_place, out, err);
}

void l1_image_free(struct l1_image *image)
{
	free(image->path);
	*image = (struct l1_image){0};
}
