// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/records/line.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

void line_start(struct line *l, const char *type)
{
	l->len = 0;
	l->full = false;
	line_addf(l, "\"type\":\"%s\"", type);
}

void line_addf(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->buf) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		l->buf[l->len] = '\0';
		l->full = true;
		return;
	}
	l->len += (size_t)n;
}

/* How many bytes from @s on may stand in a JSON string as they are. */
static size_t plain_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* One character that is not plain; how many bytes it has. */
static size_t add_character(struct line *l, const char *s, size_t len)
{
	size_t n = utf8_length(s, len);

	if (!n) {
		line_addf(l, "\\ufffd");
		return 1;
	}
	if (n > 1)
		line_addf(l, "%.*s", (int)n, s);
	else if (*s == '\n')
		line_addf(l, "\\n");
	else if (*s == '"' || *s == '\\')
		line_addf(l, "\\%c", *s);
	else
		line_addf(l, "\\u%04x", (unsigned char)*s);
	return n;
}

void line_add_string(struct line *l, const char *s, size_t len)
{
	line_addf(l, "\"");
	while (len) {
		size_t n = plain_length(s, len);

		if (n)
			line_addf(l, "%.*s", (int)n, s);
		else
			n = add_character(l, s, len);
		s += n;
		len -= n;
	}
	line_addf(l, "\"");
}

void line_add_member(struct line *l, const char *key, const char *value)
{
	line_addf(l, ",\"%s\":", key);
	line_add_string(l, value, strlen(value));
}
