// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/guest/mail.h"
#include "agents/l0/clock.h"
#include "agents/l1/abi.h"

#define CPIO_HEADER 110
#define THIS	    "/proc/self/exe"

/* Appends an entry's header and name, padded; where its data goes. */
static char *put_entry(char *at, const char *name, unsigned int mode, size_t size,
		       unsigned int device)
{
	size_t len = strlen(name) + 1;
	int n = snprintf(at, CPIO_HEADER + 1,
			 "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0u, mode,
			 0u, 0u, 1u, 0u, size, 0u, 0u, device >> 8, device & 0xff, len, 0u);

	memcpy(at + n, name, len);
	for (len += (size_t)n; len % 4; len++)
		at[len] = '\0';
	return at + len;
}

/* What an entry takes beside its data, generously. */
#define ENTRY_ROOM (CPIO_HEADER + 32)

static int size_of(const char *path, size_t *size)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	*size = (size_t)st.st_size;
	return 0;
}

int l1_initramfs_room(const char *kernel, size_t *room)
{
	size_t program, inner = 0;
	int ret = size_of(THIS, &program);

	if (!ret && kernel)
		ret = size_of(kernel, &inner);
	if (ret)
		return ret;
	*room = (program + inner + 6 * ENTRY_ROOM + L1_PAGE) & ~(L1_PAGE - 1);
	return 0;
}

/* All of the file @path to @at. */
static int read_file(const char *path, char *at, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (!ret && done < size) {
		ssize_t n = read(fd, at + done, size - done);

		if (n < 0)
			ret = -errno;
		else if (!n)
			ret = -EIO; /* it got shorter */
		else
			done += (size_t)n;
	}
	close(fd);
	return ret;
}

/* Appends @path as @name; *at is where the next entry goes. */
static int put_file(char **at, const char *name, const char *path)
{
	size_t size;
	int ret = size_of(path, &size);
	char *data;

	if (ret)
		return ret;
	data = put_entry(*at, name, S_IFREG | 0755, size, 0);
	*at = data + ((size + 3) & ~(size_t)3);
	return read_file(path, data, size);
}

int l1_initramfs_write(const char *kernel, char *start, size_t room)
{
	char *at;
	int ret;

	memset(start, 0, room);
	at = put_entry(start, "dev", S_IFDIR | 0755, 0, 0);
	at = put_entry(at, "dev/console", S_IFCHR | 0600, 0, 5 << 8 | 1);
	ret = put_file(&at, &MAIL_INIT[1], THIS);
	if (!ret && kernel) {
		at = put_entry(at, "l2", S_IFDIR | 0755, 0, 0);
		ret = put_file(&at, &L1_L2_KERNEL[1], kernel);
	}
	if (ret)
		return ret;
	put_entry(at, "TRAILER!!!", 0, 0, 0);
	return 0;
}

void l1_cmdline_format(uint64_t mail, char *line, size_t size)
{
	snprintf(
		line, size,
		"console=ttyS0 8250.nr_uarts=1 loglevel=4 nokaslr norandmaps panic=-1 reboot=t,force "
		"tsc=reliable tsc_early_khz=%u rdinit=" MAIL_INIT " " MAIL_PARAMETER "%" PRIx64
		" nestlab.clock=%s",
		host_clock.tsc_khz, mail, host_clock.name);
}
