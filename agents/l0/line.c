// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/line.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* Length of the UTF-8 sequence at @s (Unicode 15, table 3-7), 0 if it is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t len;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
			continue;
		if (len < forms[i].len)
			return 0;
		if (forms[i].len > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].len;
	}
	return 0;
}

void line_add_string(struct line *l, const char *s, size_t len)
{
	line_addf(l, "\"");
	while (len) {
		unsigned char c = (unsigned char)*s;
		size_t n = utf8_length((const unsigned char *)s, len);

		if (!n)
			line_addf(l, "\\ufffd");
		else if (c == '\n')
			line_addf(l, "\\n");
		else if (c < 0x20 || c == 0x7f)
			line_addf(l, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			line_addf(l, "\\%c", c);
		else
			line_addf(l, "%.*s", (int)n, s);
		n = n ? n : 1;
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
