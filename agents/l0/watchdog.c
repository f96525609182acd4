// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/watchdog.h>

#include "common/clock.h"

/* The first is IPMI's where there is one, else the same as watchdog0, and then one of the two is busy. */
static const char *const paths[] = {"/dev/watchdog", "/dev/watchdog0", "/dev/watchdog1",
				    "/dev/watchdog2"};

#define WATCHDOGS (sizeof(paths) / sizeof(paths[0]))

static struct {
	int fd;
	int seconds; /* it counts; 0: nobody knows */
} armed[WATCHDOGS];
static size_t count;
static double deadline;

/* A time that the hardware cannot count is refused: the longest that it takes, to a factor of two. */
static int set_seconds(int fd, int seconds)
{
	for (int s = seconds; s > 0; s /= 2) {
		int set = s;

		if (!ioctl(fd, WDIOC_SETTIMEOUT, &set))
			return set;
		if (errno != EINVAL)
			break;
	}
	return -errno;
}

static void arm(const char *path, int seconds)
{
	int set, fd = open(path, O_WRONLY | O_CLOEXEC); /* it counts as long as this is open */

	if (fd < 0 && (errno == ENOENT || errno == EBUSY || errno == ENODEV))
		return;
	if (fd < 0) {
		fprintf(stderr, "nestlab-agent: %s: %s\n", path, strerror(errno));
		return;
	}
	set = set_seconds(fd, seconds);
	armed[count].fd = fd;
	armed[count++].seconds = set > 0 ? set : 0;
	if (set < 0)
		fprintf(stderr, "nestlab-agent: %s keeps its own time: %s\n", path, strerror(-set));
	else
		fprintf(stderr, "nestlab-agent: %s resets this machine after %d s\n", path, set);
}

void watchdog_arm(int seconds)
{
	if (seconds <= 0)
		return;
	for (size_t i = 0; i < WATCHDOGS; i++)
		arm(paths[i], seconds);
	deadline = clock_seconds() + seconds;
	if (!count)
		fprintf(stderr, "nestlab-agent: no watchdog: if this hangs, somebody has to reset "
				"the machine\n");
}

void watchdog_feed(void)
{
	for (size_t i = 0; i < count; i++)
		if (clock_seconds() + armed[i].seconds <= deadline)
			ioctl(armed[i].fd, WDIOC_KEEPALIVE, 0);
}

void watchdog_disarm(void)
{
	while (count) {
		int fd = armed[--count].fd;

		if (write(fd, "V", 1) != 1) /* the word of a close that is meant so */
			fprintf(stderr, "nestlab-agent: a watchdog goes on: %s\n", strerror(errno));
		close(fd);
	}
}
