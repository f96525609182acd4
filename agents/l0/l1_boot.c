// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/l1_boot.h"

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

int l1_initramfs_room(size_t *room)
{
	struct stat st;

	if (stat(THIS, &st))
		return -errno;
	*room = ((size_t)st.st_size + 4 * (CPIO_HEADER + 32) + L1_PAGE) & ~(L1_PAGE - 1);
	return 0;
}

/* The agent's bytes to @at; how many, or a negative errno. */
static ssize_t read_program(char *at, size_t max)
{
	int fd = open(THIS, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pread(fd, at, max, 0);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

int l1_initramfs_write(char *start, size_t room)
{
	char *at, *program;
	struct stat st;
	ssize_t n;

	if (stat(THIS, &st))
		return -errno;
	memset(start, 0, room);
	at = put_entry(start, "dev", S_IFDIR | 0755, 0, 0);
	at = put_entry(at, "dev/console", S_IFCHR | 0600, 0, 5 << 8 | 1);
	program = put_entry(at, &MAIL_INIT[1], S_IFREG | 0755, (size_t)st.st_size, 0);
	n = read_program(program, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	if (n != st.st_size)
		return -EIO;
	put_entry(program + ((n + 3) & ~3l), "TRAILER!!!", 0, 0, 0);
	return 0;
}

void l1_cmdline_format(uint64_t mail, char *line, size_t size)
{
	snprintf(line, size,
		 "console=ttyS0 8250.nr_uarts=1 loglevel=4 nokaslr panic=-1 reboot=t,force "
		 "tsc=reliable tsc_early_khz=%u rdinit=" MAIL_INIT " " MAIL_PARAMETER "%" PRIx64
		 " nestlab.clock=%s",
		 host_clock.tsc_khz, mail, host_clock.name);
}
