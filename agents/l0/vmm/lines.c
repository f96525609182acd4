// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

/* A signal ends poll(2), and no time. */
static int wait_until(int fd, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		int64_t left = deadline - clock_ms();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

int lines_read(struct lines *l, int limit_ms)
{
	size_t room = sizeof(l->buf) - l->len;
	ssize_t n;
	int ret;

	if (!room)
		return -EMSGSIZE;
	ret = wait_until(l->fd, clock_ms() + limit_ms);
	if (ret)
		return ret;
	n = read(l->fd, l->buf + l->len, room);
	if (!n || (n < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (n < 0)
		return -errno;
	l->len += (size_t)n;
	return 0;
}

bool lines_take(struct lines *l, char *line, size_t size)
{
	char *end = memchr(l->buf, '\n', l->len);
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - l->buf);
	snprintf(line, size, "%.*s", (int)len, l->buf);
	l->len -= len + 1;
	memmove(l->buf, end + 1, l->len);
	return true;
}
