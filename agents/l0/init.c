// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/l0/clock.h"
#include "agents/l0/files.h"
#include "agents/l0/watchdog.h"

static const struct {
	const char *type, *target;
	bool optional;
} mounts[] = {
	{"devtmpfs", "/dev", false},
	{"proc", "/proc", false},
	{"sysfs", "/sys", false},
	{"tmpfs", "/tmp", true},
	{"debugfs", "/sys/kernel/debug", true},
};

/* A kernel whose initramfs has no /dev/console starts init without standard descriptors. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* The value of @key ("nestlab.end=") in the kernel's command line; "" if it has none. */
static void read_word(const char *key, char *value, size_t size)
{
	char cmdline[4096], *at;

	value[0] = '\0';
	file_read("/proc/cmdline", cmdline, sizeof(cmdline));
	at = strstr(cmdline, key);
	if (at)
		snprintf(value, size, "%.*s", (int)strcspn(at + strlen(key), " \n"),
			 at + strlen(key));
}

void init_machine(void)
{
	char seconds[16];

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL) &&
		    errno != EBUSY && !mounts[i].optional)
			fprintf(stderr, "nestlab-agent: cannot mount %s: %s\n", mounts[i].target,
				strerror(errno));
		if (i == 0)
			open_console();
	}
	read_word("nestlab.watchdog=", seconds, sizeof(seconds));
	watchdog_arm(atoi(seconds));
}

/* Comes back only if this is not Bochs, or if the kernel has no /dev/port. */
static void power_off_emulator(void)
{
	int fd = open("/dev/port", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	for (const char *p = INIT_EMULATOR_OFF_WORD; *p; p++)
		if (pwrite(fd, p, 1, INIT_EMULATOR_OFF_PORT) != 1)
			break;
	close(fd);
}

void init_power_off(void)
{
	char end[16];

	watchdog_disarm();
	sync();
	read_word("nestlab.end=", end, sizeof(end));
	if (!strcmp(end, "reboot"))
		reboot(RB_AUTOBOOT);
	if (!strcmp(host_clock.name, "emulated"))
		power_off_emulator();
	reboot(RB_POWER_OFF);
	fprintf(stderr, "nestlab-agent: cannot power off: %s\n", strerror(errno));
	for (;;)
		pause();
}
