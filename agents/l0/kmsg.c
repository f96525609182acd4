// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/wire/complaints.h"

int kmsg_open(bool from_now)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (from_now)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* One record is "PRIORITY,SEQUENCE,TIME,FLAGS[,...];TEXT\n KEY=VALUE\n..."
 * (Documentation/ABI/testing/dev-kmsg). The kernel's own have facility 0. */
static const char *kernel_text(char *record)
{
	char *text = strchr(record, ';');

	if (!text || strtoul(record, NULL, 10) >> 3)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text + 1;
}

/* The next line of the kernel's own, in @record; NULL if there is none. */
static const char *next_line(int fd, char *record, size_t size)
{
	ssize_t n;

	/* EPIPE: messages were overwritten before they were read; the next read goes on after. */
	while (fd >= 0 && ((n = read(fd, record, size - 1)) > 0 || errno == EPIPE)) {
		const char *line;

		if (n <= 0)
			continue;
		record[n] = '\0';
		line = kernel_text(record);
		if (line)
			return line;
	}
	return NULL;
}

bool kmsg_next_complaint(int fd, char *text, size_t size)
{
	char record[8192];
	const char *line;

	while ((line = next_line(fd, record, sizeof(record)))) {
		if (!complaints_has(line))
			continue;
		snprintf(text, size, "%s", line);
		return true;
	}
	return false;
}

bool kmsg_find(int fd, const char *const *words, char *text, size_t size)
{
	char record[8192];
	const char *line;

	while ((line = next_line(fd, record, sizeof(record))))
		for (const char *const *w = words; *w; w++) {
			if (!strstr(line, *w))
				continue;
			snprintf(text, size, "%s", line);
			return true;
		}
	return false;
}
