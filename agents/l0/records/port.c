// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/records/port.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "agents/l0/files.h"

#define PORTS "/sys/class/virtio-ports"

/* The speeds that serial consoles have. */
static const struct {
	uint32_t baud;
	speed_t code;
} speeds[] = {
	{9600, B9600},	   {19200, B19200},   {38400, B38400},	 {57600, B57600},
	{115200, B115200}, {230400, B230400}, {460800, B460800}, {921600, B921600},
};

int port_make_raw(int fd, uint32_t speed)
{
	struct termios t;
	size_t i = 0;

	while (i < sizeof(speeds) / sizeof(speeds[0]) && speeds[i].baud != speed)
		i++;
	if (i == sizeof(speeds) / sizeof(speeds[0]))
		return -EINVAL;
	if (tcgetattr(fd, &t))
		return -errno;
	cfmakeraw(&t);
	cfsetspeed(&t, speeds[i].code);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)CRTSCTS;
	if (tcsetattr(fd, TCSANOW, &t))
		return -errno;
	return 0;
}

/* Names of virtio ports are links that udev makes; there is none. */
int port_find(const char *name, char *path, size_t size)
{
	struct dirent *d;
	DIR *dir = opendir(PORTS);
	int ret = -ENOENT;

	if (!dir)
		return -errno;
	while (ret && (d = readdir(dir))) {
		char file[320], text[128];

		snprintf(file, sizeof(file), PORTS "/%s/name", d->d_name);
		if (d->d_name[0] == '.' || file_read(file, text, sizeof(text)) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (strcmp(text, name))
			continue;
		snprintf(path, size, "/dev/%s", d->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}
