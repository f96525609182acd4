// SPDX-License-Identifier: GPL-2.0-only
/* Sealing and checking of record lines; used by the agent and by the orchestrator. */
#include "agents/wire/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/crc32.h"

#define HEAD	"{\"seq\":"
#define TYPE	",\"type\":\""
#define CRC	",\"crc\":\""
#define CRC_END "\"}"
#define CRC_LEN (sizeof(CRC) - 1 + 8 + sizeof(CRC_END) - 1)

int record_seal(char *line, size_t len, size_t size)
{
	uint32_t crc = crc32_update(0, line, len);

	if (len + CRC_LEN >= size)
		return -ENOSPC;
	snprintf(line + len, size - len, CRC "%08x" CRC_END, crc);
	return (int)(len + CRC_LEN);
}

static int refuse_record(char *msg, size_t msglen, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse_record(char *msg, size_t msglen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, msglen, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* If @p starts with @what, moves past it. */
static bool skip_text(const char **p, const char *end, const char *what)
{
	size_t len = strlen(what);

	if ((size_t)(end - *p) < len || memcmp(*p, what, len))
		return false;
	*p += len;
	return true;
}

static bool skip_digits(const char **p, const char *end)
{
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9')
		++*p;
	return *p > start;
}

static bool has_head(const char *line, size_t len)
{
	const char *p = line, *end = line + len;

	return skip_text(&p, end, HEAD) && skip_digits(&p, end) && skip_text(&p, end, TYPE);
}

/* Reads the CRC at the end of the line; false if @tail does not look like one. */
static bool read_crc(const char *tail, uint32_t *crc)
{
	const char *p = tail, *end = tail + CRC_LEN;

	if (!skip_text(&p, end, CRC))
		return false;
	*crc = 0;
	for (int i = 0; i < 8; i++, p++) {
		static const char hex[] = "0123456789abcdef";
		const char *digit = memchr(hex, *p, 16);

		if (!digit)
			return false;
		*crc = *crc << 4 | (uint32_t)(digit - hex);
	}
	return skip_text(&p, end, CRC_END);
}

int record_check(const char *line, size_t len, char *msg, size_t msglen)
{
	int shown = len < 40 ? (int)len : 40; /* bytes of the line in a message */
	uint32_t stated, found;

	if (len > PROTOCOL_LINE_MAX)
		return refuse_record(msg, msglen, "%zu bytes are more than a record may have (%d)",
				     len, PROTOCOL_LINE_MAX);
	if (len < CRC_LEN || !read_crc(line + len - CRC_LEN, &stated))
		return refuse_record(msg, msglen, "no CRC at the end of \"%.*s\"", shown, line);
	found = crc32_update(0, line, len - CRC_LEN);
	if (found != stated)
		return refuse_record(
			msg, msglen,
			"CRC is %08x, but the line says %08x: it was damaged on its way", found,
			stated);
	if (!has_head(line, len - CRC_LEN))
		return refuse_record(msg, msglen,
				     "the line does not start with \"seq\" and \"type\"");
	return 0;
}
