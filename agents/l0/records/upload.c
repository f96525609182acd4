// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records by HTTP/1.1: POSTs of frames to the URL of the ticket, on one connection as long as it lasts.
 * The answer to each says from where on the server has nothing (agents/wire/frame.h): so a POST whose
 * answer was lost is harmless, and one that was lost itself is made again. While something is timed
 * nothing is under way, since each record is posted before the next step is taken.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "common/clock.h"

#define PREFIX	    "http://"
#define POST_FRAMES 64	  /* in one POST, at most */
#define REPLY_S	    10	  /* the server answers within */
#define RETRY_S	    2.0	  /* after a failure; meanwhile records are kept */
#define PATIENCE_S  600.0 /* at the end */
#define HEAD_MAX    4096
#define REPLY_MAX   (HEAD_MAX + FRAME_WANT_MAX)

struct url {
	char host[64], port[8];
	const char *path;
};

/* http://ADDRESS:PORT/PATH; an IPv6 address is in brackets. There is no name service here. */
static bool read_url(const char *text, struct url *u)
{
	const char *host = text + strlen(PREFIX), *end, *port;
	char close = ':';

	if (strncmp(text, PREFIX, strlen(PREFIX)))
		return false;
	if (*host == '[') {
		host++;
		close = ']';
	}
	end = strchr(host, close);
	if (!end)
		return false;
	port = end + (close == ']');
	u->path = strchr(port, '/');
	if (*port++ != ':' || !u->path)
		return false;
	snprintf(u->host, sizeof(u->host), "%.*s", (int)(end - host), host);
	snprintf(u->port, sizeof(u->port), "%.*s", (int)(u->path - port), port);
	return true;
}

static void hang_up(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static socklen_t read_address(const struct url *u, struct sockaddr_storage *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
	uint16_t port = htons((uint16_t)atoi(u->port));

	*address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, u->host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = port;
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, u->host, &six->sin6_addr) != 1)
		return 0;
	six->sin6_family = AF_INET6;
	six->sin6_port = port;
	return sizeof(*six);
}

static int dial(struct channel *c, const struct url *u)
{
	const struct timeval limit = {.tv_sec = REPLY_S};
	struct sockaddr_storage address;
	socklen_t len = read_address(u, &address);

	if (!len)
		return -EINVAL;
	c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return connect(c->fd, (struct sockaddr *)&address, len) ? -errno : 0;
}

/* Head and body of the next POST; how long it is. */
static size_t compose_post(const struct channel *c, const struct url *u, char *text, size_t size)
{
	static char body[POST_FRAMES * FRAME_LINE_MAX];
	size_t from = c->sent, len = 0;
	int head;

	for (int i = 0; i < POST_FRAMES && from < c->stream.len; i++) {
		struct frame f = stream_frame(&c->stream, from);

		from += frame_bytes(&f);
		f.last = f.ends_record && from == c->stream.len;
		len += frame_format(c->ticket.key, &f, body + len);
	}
	head = snprintf(
		text, size,
		"POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/octet-stream\r\n"
		"Content-Length: %zu\r\n\r\n",
		u->path, u->host, u->port, len);
	memcpy(text + head, body, len);
	return (size_t)head + len;
}

/* The value of the head's Content-Length; 0: it has none. */
static size_t body_length(const char *head)
{
	static const char name[] = "\r\ncontent-length:";
	const char *at = strcasestr(head, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* Reads one answer. 0 and what it wants; or a negative errno. */
static int read_answer(struct channel *c, struct frame_want *want)
{
	char text[REPLY_MAX + 1];
	size_t len = 0, body = 0;
	char *end = NULL;

	while (!end || len < (size_t)(end - text) + body) {
		ssize_t n = recv(c->fd, text + len, REPLY_MAX - len, 0);

		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		if (end) {
			end += 4;
			body = body_length(text);
		}
		if (body > FRAME_WANT_MAX || (len == REPLY_MAX && !end))
			return -EPROTO;
	}
	if (strncmp(text, "HTTP/1.1 200 ", 13) || !body)
		return -EPROTO;
	return frame_want_parse(c->ticket.key, end, body - 1, want);
}

/* A server that has hung up must not end us. */
static int send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int post_once(struct channel *c)
{
	static char text[HEAD_MAX + POST_FRAMES * FRAME_LINE_MAX];
	struct frame_want want;
	struct url u;
	int ret = 0;

	if (!read_url(c->ticket.device, &u))
		return -EINVAL;
	if (c->fd < 0)
		ret = dial(c, &u);
	if (!ret)
		ret = send_all(c->fd, text, compose_post(c, &u, text, sizeof(text)));
	if (!ret)
		ret = read_answer(c, &want);
	if (!ret && want.from > c->stream.len)
		ret = -EPROTO;
	if (ret)
		hang_up(c);
	else
		c->sent = want.from;
	return ret;
}

/* A connection that was idle may have been closed by the server: that alone is no reason to wait. */
static int post(struct channel *c)
{
	bool was_open = c->fd >= 0;
	int ret = post_once(c);

	if (ret && was_open)
		ret = post_once(c);
	if (ret)
		c->retry_at = clock_seconds() + RETRY_S;
	return ret;
}

/* The server may be away for a while: nothing is lost meanwhile. */
static int push(struct channel *c)
{
	while (c->sent < c->stream.len && clock_seconds() >= c->retry_at)
		if (post(c))
			break;
	return 0;
}

static void finish(struct channel *c)
{
	double until = clock_seconds() + PATIENCE_S;

	while (c->sent < c->stream.len && clock_seconds() < until) {
		push(c);
		if (c->sent < c->stream.len)
			poll(NULL, 0, 200);
	}
	hang_up(c);
}

const struct channel_way channel_upload = {push, finish};
