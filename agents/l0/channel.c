// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* asm-generic/ioctls.h and linux/serial.h: is the transmitter's shift register empty? */
#ifndef TIOCSERGETLSR
#define TIOCSERGETLSR 0x5459
#endif
#define LSR_EMPTY 0x01
#define DRAIN_MAX 10000000 /* looks at the register, far more than a FIFO of bytes takes */

static int make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return -errno;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)CRTSCTS;
	if (tcsetattr(fd, TCSANOW, &t))
		return -errno;
	return 0;
}

int channel_open(struct channel *c, const char *path)
{
	*c = (struct channel){.fd = -1};
	c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
	if (c->fd < 0)
		return -errno;
	c->tty = isatty(c->fd);
	if (!c->tty)
		return 0;
	return make_raw(c->fd);
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

int channel_send(struct channel *c, const char *body, size_t len)
{
	static char line[PROTOCOL_LINE_MAX + 1];
	int n = snprintf(line, sizeof(line), "{\"seq\":%" PRIu64 ",", c->next);

	if (len + (size_t)n >= sizeof(line) - 1)
		return -EMSGSIZE;
	memcpy(line + n, body, len);
	n = record_seal(line, (size_t)n + len, sizeof(line) - 1);
	if (n < 0)
		return n;
	line[n] = '\n';
	c->next++;
	return write_all(c->fd, line, (size_t)n + 1);
}

int channel_send_line(struct channel *c, const struct line *l)
{
	if (l->full)
		return -EMSGSIZE;
	return channel_send(c, l->buf, l->len);
}

/* tcdrain() may give up early where the kernel's idea of time is wrong (an emulated host's TSC), so
 * the register has the last word. */
void channel_drain(struct channel *c)
{
	unsigned int lsr = 0;

	if (!c->tty)
		return;
	while (tcdrain(c->fd) && errno == EINTR)
		;
	for (int i = 0; i < DRAIN_MAX && !(lsr & LSR_EMPTY); i++) {
		if (ioctl(c->fd, TIOCSERGETLSR, &lsr))
			return;
		sched_yield();
	}
}
