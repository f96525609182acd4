// SPDX-License-Identifier: GPL-2.0-only
#include "agents/wire/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/wire/hmac.h"

#define FRAME_HEAD 11 /* RS f OOOOOOOO F */
#define WANT_HEAD  18 /* RS w OOOOOOOO UUUUUUUU */

/* Appends the code of @line's first @len bytes, and LF; returns the length of it all. */
static size_t seal_line(const uint8_t *key, char *line, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t mac[HMAC_BYTES];

	hmac_sha256(key, line, len, mac);
	for (int i = 0; i < FRAME_MAC_DIGITS / 2; i++) {
		line[len++] = hex[mac[i] >> 4];
		line[len++] = hex[mac[i] & 15];
	}
	line[len++] = '\n';
	return len;
}

/* Compares all of it whatever differs: how long that takes tells nobody how much was right. */
static bool is_sealed(const uint8_t *key, const char *line, size_t len)
{
	char whole[FRAME_LINE_MAX];
	size_t body = len - FRAME_MAC_DIGITS;
	unsigned char differs = 0;

	memcpy(whole, line, body);
	seal_line(key, whole, body);
	for (size_t i = body; i < len; i++)
		differs |= (unsigned char)(whole[i] ^ line[i]);
	return !differs;
}

static bool read_hex(const char *digits, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		static const char hex[] = "0123456789abcdef";
		const char *digit = memchr(hex, digits[i], 16);

		if (!digit)
			return false;
		*value = *value << 4 | (uint32_t)(digit - hex);
	}
	return true;
}

size_t frame_format(const uint8_t *key, const struct frame *f, char *line)
{
	char end = f->ends_record ? '.' : '+';

	if (f->last)
		end = '!';
	snprintf(line, FRAME_HEAD + 1, "%cf%08" PRIx32 "%c", FRAME_MARK, f->offset, end);
	memcpy(line + FRAME_HEAD, f->payload, f->len);
	return seal_line(key, line, FRAME_HEAD + f->len);
}

int frame_parse(const uint8_t *key, const char *line, size_t len, struct frame *f)
{
	const size_t around = FRAME_HEAD + FRAME_MAC_DIGITS;
	char end;

	if (len < around || len > around + FRAME_PAYLOAD_MAX)
		return -EBADMSG;
	if (line[0] != FRAME_MARK || line[1] != 'f' || !read_hex(line + 2, &f->offset))
		return -EBADMSG;
	end = line[FRAME_HEAD - 1];
	if (!memchr("+.!", end, 3) || !is_sealed(key, line, len))
		return -EBADMSG;
	f->payload = line + FRAME_HEAD;
	f->len = len - around;
	f->ends_record = end != '+';
	f->last = end == '!';
	return 0;
}

size_t frame_want_format(const uint8_t *key, const struct frame_want *w, char *line)
{
	snprintf(line, WANT_HEAD + 1, "%cw%08" PRIx32 "%08" PRIx32, FRAME_MARK, w->from, w->upto);
	return seal_line(key, line, WANT_HEAD);
}

int frame_want_parse(const uint8_t *key, const char *line, size_t len, struct frame_want *w)
{
	if (len != WANT_HEAD + FRAME_MAC_DIGITS || line[0] != FRAME_MARK || line[1] != 'w')
		return -EBADMSG;
	if (!read_hex(line + 2, &w->from) || !read_hex(line + 10, &w->upto))
		return -EBADMSG;
	if (w->from > w->upto || !is_sealed(key, line, len))
		return -EBADMSG;
	return 0;
}
