// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record stream's reader, and the console's, on anything. A first byte picks how the stream is
 * cut up; lines are taken as they are, and once more with a right CRC put on, so that the parsers
 * behind the CRC are reached too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/protocol.h"
#include "orchestrator/engine/console.h"
#include "orchestrator/engine/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pieces(const char *text, size_t len, size_t piece)
{
	struct record_stream rs = RECORD_STREAM_INIT;
	struct console c = CONSOLE_INIT;
	struct error err = {0};
	int ret = 0;

	for (size_t i = 0; i < len; i += piece) {
		size_t n = len - i < piece ? len - i : piece;

		if (!ret)
			ret = record_stream_feed(&rs, text + i, n, &err);
		console_feed(&c, text + i, n);
	}
	if (!ret)
		record_stream_end(&rs, &err);
	record_stream_release(&rs);
	console_release(&c);
}

/* Each line with `{"seq":N,"type":"` in front and its CRC behind. */
static void seal_lines(const char *text, size_t len, struct strbuf *out)
{
	static const char *const types[] = {"hello\"", "end\"", "bye\",\"records\":", ""};
	unsigned int seq = 0;

	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t used = newline ? (size_t)(newline - text) : len;
		struct strbuf line = STRBUF_INIT;
		char sealed[4096];
		int n;

		strbuf_addf(&line, "{\"seq\":%u,\"type\":\"%s", seq++, types[used % 4]);
		strbuf_add(&line, text, used < 2048 ? used : 2048);
		memcpy(sealed, line.buf, line.len);
		n = record_seal(sealed, line.len, sizeof(sealed));
		if (n > 0)
			strbuf_add(out, sealed, n);
		strbuf_addch(out, '\n');
		strbuf_release(&line);
		used += newline ? 1 : 0;
		text += used;
		len -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf sealed = STRBUF_INIT;
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	read_pieces(text, size - 1, data[0] + 1);
	seal_lines(text, size - 1, &sealed);
	read_pieces(sealed.buf, sealed.len, data[0] + 1);
	strbuf_release(&sealed);
	return 0;
}
