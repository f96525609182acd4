// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/records/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/records/port.h"

/* asm-generic/ioctls.h and linux/serial.h: is the transmitter's shift register empty? */
#ifndef TIOCSERGETLSR
#define TIOCSERGETLSR 0x5459
#endif
#define PLAIN_SPEED 115200

#define LSR_EMPTY 0x01
#define DRAIN_MAX 10000000 /* looks at the register, far more than a FIFO of bytes takes */

int channel_open(struct channel *c, const char *path)
{
	*c = (struct channel){.fd = -1};
	c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
	if (c->fd < 0)
		return -errno;
	c->tty = isatty(c->fd);
	if (!c->tty)
		return 0;
	return port_make_raw(c->fd, PLAIN_SPEED);
}

static int open_line(struct channel *c, const char *path)
{
	c->way = &channel_framed;
	c->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	c->tty = isatty(c->fd);
	if (!c->tty)
		return 0;
	tcflush(c->fd, TCIFLUSH);
	return port_make_raw(c->fd, c->ticket.speed);
}

int channel_open_ticket(struct channel *c, const struct ticket *t)
{
	char path[320];
	int ret;

	if (t->channel == TICKET_PLAIN)
		return channel_open(c, t->device);
	*c = (struct channel){.fd = -1, .ticket = *t};
	if (t->channel == TICKET_LINE)
		return open_line(c, t->device);
	if (t->channel == TICKET_PORT) {
		ret = port_find(t->device, path, sizeof(path));
		if (ret)
			return ret;
		return open_line(c, path);
	}
	c->way = &channel_upload;
	return 0;
}

int channel_send(struct channel *c, const char *body, size_t len)
{
	static char line[PROTOCOL_LINE_MAX + 1];
	int ret, n = snprintf(line, sizeof(line), "{\"seq\":%" PRIu64 ",", c->next);

	if (len + (size_t)n >= sizeof(line) - 1)
		return -EMSGSIZE;
	memcpy(line + n, body, len);
	n = record_seal(line, (size_t)n + len, sizeof(line) - 1);
	if (n < 0)
		return n;
	c->next++;
	if (!c->way) {
		line[n] = '\n';
		return file_write_all(c->fd, line, (size_t)n + 1);
	}
	ret = stream_add(&c->stream, line, (size_t)n);
	if (ret)
		return ret;
	return c->way->push(c);
}

int channel_send_line(struct channel *c, const struct line *l)
{
	if (l->full)
		return -EMSGSIZE;
	return channel_send(c, l->buf, l->len);
}

void channel_finish(struct channel *c)
{
	if (c->way && c->stream.len)
		c->way->finish(c);
	channel_drain(c);
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
