// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/records/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 65536

static int make_room(struct stream *s, size_t len)
{
	size_t room = s->room ? s->room : ROOM_MIN;
	char *data;

	while (room < len)
		room *= 2;
	if (room == s->room)
		return 0;
	data = realloc(s->data, room);
	if (!data)
		return -ENOMEM;
	s->data = data;
	s->room = room;
	return 0;
}

int stream_add(struct stream *s, const char *record, size_t len)
{
	int ret;

	if (len >= FRAME_STREAM_MAX - s->len)
		return -EMSGSIZE;
	ret = make_room(s, s->len + len + 1);
	if (ret)
		return ret;
	memcpy(s->data + s->len, record, len);
	s->len += len;
	s->data[s->len++] = '\n';
	return 0;
}

struct frame stream_frame(const struct stream *s, size_t from)
{
	struct frame f = {.offset = (uint32_t)from, .payload = s->data + from};
	const char *newline = memchr(f.payload, '\n', s->len - from);

	f.len = (size_t)(newline - f.payload);
	f.ends_record = f.len <= FRAME_PAYLOAD_MAX;
	if (!f.ends_record)
		f.len = FRAME_PAYLOAD_MAX;
	return f;
}
