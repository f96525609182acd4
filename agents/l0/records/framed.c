// SPDX-License-Identifier: GPL-2.0-only
/* Frames on a serial line that is the console as well, or on a virtio port. */
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "agents/l0/records/channel.h"
#include "agents/l0/clock.h"
#include "agents/l0/files.h"
#include "common/clock.h"

#define LISTEN_S 600.0 /* then whoever should have answered is gone */

double framed_beat_s = 1.0;

static int send_frame(struct channel *c, const struct frame *f)
{
	char line[FRAME_LINE_MAX + 1];

	/* A newline first: console text may have left its line open. */
	line[0] = '\n';
	return file_write_all(c->fd, line, 1 + frame_format(c->ticket.key, f, line + 1));
}

static int send_range(struct channel *c, size_t from, size_t upto)
{
	while (from < upto) {
		struct frame f = stream_frame(&c->stream, from);
		int ret = send_frame(c, &f);

		if (ret)
			return ret;
		from += frame_bytes(&f);
	}
	return 0;
}

static int push(struct channel *c)
{
	int ret = send_range(c, c->sent, c->stream.len);

	c->sent = c->stream.len;
	return ret;
}

/*
 * Is there something to read within @seconds? An emulated machine that sleeps has its time skipped: a
 * minute is over at once, and whoever is to answer has no time to. So there we look until it has passed.
 */
static bool wait_input(const struct channel *c, double seconds)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	double until = clock_seconds() + seconds;

	if (strcmp(host_clock.name, "emulated"))
		return poll(&p, 1, (int)(seconds * 1000)) > 0;
	while (clock_seconds() < until) {
		if (poll(&p, 1, 0) > 0)
			return true;
		sched_yield();
	}
	return false;
}

/* The next thing that we are told, if one comes within a beat; else noise, and what is no line yet. */
static bool hear_want(struct channel *c, struct frame_want *want)
{
	static char text[FRAME_WANT_MAX];
	static size_t len;
	double until = clock_seconds() + framed_beat_s;

	while (clock_seconds() < until && wait_input(c, until - clock_seconds())) {
		char byte;

		if (read(c->fd, &byte, 1) != 1)
			return false;
		if (byte == FRAME_MARK)
			len = 0;
		if (byte == '\n' && !frame_want_parse(c->ticket.key, text, len, want))
			return true;
		if (len < sizeof(text))
			text[len++] = byte;
	}
	return false;
}

/* The last frame, told as the last. */
static int send_last(struct channel *c)
{
	size_t from = 0;
	struct frame f = stream_frame(&c->stream, from);

	/* From the start of the last record on. */
	for (size_t i = c->stream.len - 1; i > 0 && !from; i--)
		if (c->stream.data[i - 1] == '\n')
			from = i;
	do {
		f = stream_frame(&c->stream, from);
		from += frame_bytes(&f);
	} while (from < c->stream.len);
	f.last = true;
	return send_frame(c, &f);
}

static void finish(struct channel *c)
{
	double until = clock_seconds() + LISTEN_S;
	struct frame_want want = {0, 1};

	do {
		if (send_last(c) || !c->ticket.answers)
			return;
		if (hear_want(c, &want) && want.upto <= c->stream.len)
			send_range(c, want.from, want.upto);
	} while ((want.from != want.upto || want.from != c->stream.len) && clock_seconds() < until);
}

const struct channel_way channel_framed = {push, finish};
