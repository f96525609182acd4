// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk_init.c - the first process of a Linux on a disk, as a user might bring one (docs/l1-guests.md): it starts /agent as a
 * service on the second serial line. A static program without anything of nestlab's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *type, *target;
} mounts[] = {{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}};

int main(void)
{
	int console;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL);
	}
	console = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(console, i);
	if (!fork()) {
		execl("/agent", "nestlab-agent", "--serve", "/dev/ttyS1", NULL);
		_exit(127);
	}
	wait(NULL);
	puts("the agent has ended");
	return 1;
}
