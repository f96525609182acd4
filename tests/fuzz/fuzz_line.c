// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line with console and frames, on anything. A first byte picks how it is cut up. Then the same with right
 * codes put on what looks like a frame, so that what is behind the code is reached: offsets that overlap,
 * jump, wrap around. Tickets besides.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/ticket.h"
#include "common/strbuf.h"
#include "orchestrator/hosts/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed_pieces(const char *text, size_t len, size_t piece, bool answers)
{
	const struct ticket ticket = {.answers = answers};
	const struct line_setting setting = {&ticket, "/dev/null", "/dev/null"};
	char answer[FRAME_WANT_MAX];
	struct line *l;
	size_t n;

	if (line_open(&setting, &l, NULL))
		abort();
	for (size_t i = 0; i < len; i += piece) {
		line_feed(l, text + i, len - i < piece ? len - i : piece, NULL);
		line_take_answer(l, answer, &n);
	}
	line_answer(l, answer);
	if (line_counts(l)->complete && line_counts(l)->lost)
		abort();
	line_close(l);
}

/* Frames whose offset, kind and length the bytes choose. */
static void compose(const uint8_t *data, size_t size, struct strbuf *out)
{
	static const uint8_t key[HMAC_KEY_BYTES];

	while (size >= 6) {
		struct frame f = {.offset = (uint32_t)data[0] << 8 | data[1]};
		char line[FRAME_LINE_MAX];

		if (data[2] & 1)
			f.offset = UINT32_MAX - f.offset;
		f.ends_record = data[2] & 2;
		f.last = (data[2] & 12) == 12;
		f.ends_record |= f.last;
		f.payload = (const char *)data + 6;
		f.len = ((size_t)data[3] << 8 | data[4]) % (FRAME_PAYLOAD_MAX + 1);
		if (f.len > size - 6)
			f.len = size - 6;
		strbuf_add(out, line, frame_format(key, &f, line));
		data += 6 + f.len;
		size -= 6 + f.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf frames = STRBUF_INIT;
	struct frame_want want;
	struct ticket t = {0};

	if (!size)
		return 0;
	feed_pieces((const char *)data + 1, size - 1, data[0] + 1, data[0] & 1);
	compose(data + 1, size - 1, &frames);
	feed_pieces(frames.buf, frames.len, data[0] + 1, data[0] & 1);
	strbuf_release(&frames);
	ticket_parse((const char *)data, size, &t);
	frame_want_parse(t.key, (const char *)data, size, &want);
	return 0;
}
