// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk_init.c - the first process of a Linux on a disk, as a user might bring one (docs/l1-guests.md): it starts /agent as a
 * service on the second serial line. A static program without anything of nestlab's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int console;

	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
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
