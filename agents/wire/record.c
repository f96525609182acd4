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

static int bad(char *msg, size_t msglen, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(char *msg, size_t msglen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, msglen, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* Does @p start with @what? Moves past it. */
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

static bool head_is_right(const char *line, size_t len)
{
	const char *p = line, *end = line + len;

	return skip_text(&p, end, HEAD) && skip_digits(&p, end) && skip_text(&p, end, TYPE);
}

/* The CRC that the line's tail states; false if there is no such tail. */
static bool stated_crc(const char *tail, uint32_t *crc)
{
	const char *p = tail, *end = tail + CRC_LEN;

	if (!skip_text(&p, end, CRC))
		return false;
	*crc = 0;
	for (int i = 0; i < 8; i++, p++) {
		const char *hex = "0123456789abcdef", *digit = *p ? strchr(hex, *p) : NULL;

		if (!digit)
			return false;
		*crc = *crc << 4 | (uint32_t)(digit - hex);
	}
	return skip_text(&p, end, CRC_END);
}

int record_check(const char *line, size_t len, char *msg, size_t msglen)
{
	uint32_t stated, found;

	if (len > PROTOCOL_LINE_MAX)
		return bad(msg, msglen, "%zu bytes, more than a record has", len);
	if (len < CRC_LEN || !stated_crc(line + len - CRC_LEN, &stated))
		return bad(msg, msglen, "no CRC at the end of \"%.*s\"", len < 40 ? (int)len : 40,
			   line);
	found = crc32_update(0, line, len - CRC_LEN);
	if (found != stated)
		return bad(msg, msglen, "CRC is %08x, the line says %08x", found, stated);
	if (!head_is_right(line, len - CRC_LEN))
		return bad(msg, msglen, "does not start with \"seq\" and \"type\"");
	return 0;
}
