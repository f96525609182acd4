// SPDX-License-Identifier: GPL-2.0-only
/* What kexec loads, from what the others boot: kernel and initramfs out of the ISO. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agents/wire/ticket.h"
#include "common/fs.h"
#include "orchestrator/hosts/kexec/kexec.h"

static int report(struct archive *a, const char *path, struct error *err)
{
	int code = archive_errno(a) > 0 ? archive_errno(a) : EIO;

	return error_set(err, -code, "%s: %s", path, archive_error_string(a));
}

static int write_out(struct archive *a, const char *image, const char *to, struct error *err)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), ret = 0;

	if (fd < 0)
		return error_set(err, -errno, "%s: cannot write: %s", to, strerror(errno));
	if (archive_read_data_into_fd(a, fd))
		ret = report(a, image, err);
	if (close(fd) && !ret)
		ret = error_set(err, -errno, "%s: cannot write: %s", to, strerror(errno));
	return ret;
}

/* "ID/bzimage" and "ID/initrd" (images/images.h): those two files and no others have these names. */
static int take_entries(struct archive *a, const char *image, const char *kernel,
			const char *initrd, struct error *err)
{
	struct archive_entry *entry;
	int found = 0, ret = 0;

	while (!ret && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry), *to = NULL;

		if (fs_has_suffix(name, "/bzimage"))
			to = kernel;
		else if (fs_has_suffix(name, "/initrd"))
			to = initrd;
		if (!to)
			continue;
		ret = write_out(a, image, to, err);
		found++;
	}
	if (!ret && found != 2)
		return error_set(err, -EINVAL, "%s: no image of nestlab's: %s", image,
				 archive_error_string(a) ? archive_error_string(a)
							 : "no kernel and initramfs in it");
	return ret;
}

int kexec_extract(const char *image, const char *kernel, const char *initrd, struct error *err)
{
	struct archive *a = archive_read_new();
	int ret;

	archive_read_support_format_iso9660(a);
	if (archive_read_open_filename(a, image, 65536))
		ret = report(a, image, err);
	else
		ret = take_entries(a, image, kernel, initrd, err);
	archive_read_free(a);
	return ret;
}

int kexec_write_ticket(const char *path, const char *ticket, size_t len, struct error *err)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int ret = 0;

	archive_write_set_format_cpio_newc(a);
	archive_entry_set_pathname(entry, &TICKET_PATH[1]);
	archive_entry_set_mode(entry, S_IFREG | 0600);
	archive_entry_set_size(entry, (la_int64_t)len);
	if (archive_write_open_filename(a, path) || archive_write_header(a, entry) ||
	    archive_write_data(a, ticket, len) != (la_ssize_t)len || archive_write_close(a))
		ret = report(a, path, err);
	archive_entry_free(entry);
	archive_write_free(a);
	return ret;
}
