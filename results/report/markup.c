// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/markup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t markup_utf8_length(const char *text)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high, length;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t n = forms[i].length;

		if (*s < forms[i].first_low || *s > forms[i].first_high)
			continue;
		if (n > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < n; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}

/* XML 1.0, production [2] Char, and no DEL: no control characters, no U+FFFE or U+FFFF. */
static bool is_xml_char(const char *s, size_t n)
{
	unsigned char c = *s;

	if (n == 1 && c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	if (n == 1)
		return c != 0x7f;
	return !(n == 3 && !memcmp(s, "\xef\xbf", 2) && (s[2] & 0x3f) >= 0x3e);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Bytes of @text that belong together: a valid sequence of @n, or one byte that is none. */
static size_t step_over(size_t n)
{
	if (!n)
		return 1;
	return n;
}

void markup_add(struct strbuf *out, const char *text)
{
	while (text && *text) {
		size_t n = markup_utf8_length(text);
		const char *special = entity(*text);

		if (special)
			strbuf_addstr(out, special);
		else if (n && is_xml_char(text, n))
			strbuf_add(out, text, n);
		else
			strbuf_addstr(out, REPLACEMENT);
		text += step_over(n);
	}
}

static void add_formatted(struct strbuf *out, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void add_formatted(struct strbuf *out, const char *fmt, va_list ap)
{
	struct strbuf raw = STRBUF_INIT;

	strbuf_vaddf(&raw, fmt, ap);
	markup_add(out, raw.buf);
	strbuf_release(&raw);
}

void markup_attribute(struct strbuf *out, const char *name, const char *fmt, ...)
{
	va_list ap;

	strbuf_addf(out, " %s=\"", name);
	va_start(ap, fmt);
	add_formatted(out, fmt, ap);
	va_end(ap);
	strbuf_addch(out, '"');
}

void markup_element(struct strbuf *out, const char *tag, const char *fmt, ...)
{
	va_list ap;

	strbuf_addf(out, "<%s>", tag);
	va_start(ap, fmt);
	add_formatted(out, fmt, ap);
	va_end(ap);
	strbuf_addf(out, "</%s>", tag);
}

static void add_valid(struct strbuf *out, const char *text, size_t n)
{
	if (n)
		strbuf_add(out, text, n);
	else
		strbuf_addstr(out, REPLACEMENT);
}

void markup_csv(struct strbuf *out, const char *text)
{
	bool quoted = text && strpbrk(text, ",\"\r\n");

	if (quoted)
		strbuf_addch(out, '"');
	while (text && *text) {
		size_t n = markup_utf8_length(text);

		if (*text == '"')
			strbuf_addch(out, '"');
		add_valid(out, text, n);
		text += step_over(n);
	}
	if (quoted)
		strbuf_addch(out, '"');
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void markup_line(struct strbuf *out, const char *text)
{
	while (text && *text) {
		size_t n = markup_utf8_length(text);

		if (is_control(*text))
			strbuf_addch(out, ' ');
		else
			add_valid(out, text, n);
		text += step_over(n);
	}
}

void markup_markdown(struct strbuf *out, const char *text)
{
	struct strbuf line = STRBUF_INIT;

	markup_line(&line, text);
	for (const char *s = line.buf; *s; s++) {
		if (strchr("\\`*_[]<>|~#&", *s))
			strbuf_addch(out, '\\');
		strbuf_addch(out, *s);
	}
	strbuf_release(&line);
}
