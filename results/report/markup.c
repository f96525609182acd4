// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/markup.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "common/terminal.h"
#include "common/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Of the valid UTF-8 character at @text, or 0. */
static size_t character_length(const char *text)
{
	return utf8_length(text, UTF8_TO_NUL);
}

/* XML 1.0, production [2] Char, without what XML discourages or a terminal obeys: no control characters but
 * ends of lines and tabs, none of direction, no U+FFFE or U+FFFF. */
static bool is_xml_char(const char *s, size_t n)
{
	if (n == 1 && strchr("\t\n\r", *s))
		return true;
	if (terminal_is_control(s, n))
		return false;
	return !(n == 3 && !memcmp(s, "\xef\xbf", 2) && (s[2] & 0x3f) >= 0x3e);
}

static const char *find_entity(char c)
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

/* Bytes of @text that belong together: a valid sequence of @n, or one byte that is not valid. */
static size_t step_over(size_t n)
{
	if (!n)
		return 1;
	return n;
}

void markup_add(struct strbuf *out, const char *text)
{
	while (text && *text) {
		size_t n = character_length(text);
		const char *special = find_entity(*text);

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
		size_t n = character_length(text);

		if (*text == '"')
			strbuf_addch(out, '"');
		add_valid(out, text, n);
		text += step_over(n);
	}
	if (quoted)
		strbuf_addch(out, '"');
}

void markup_line(struct strbuf *out, const char *text)
{
	while (text && *text) {
		size_t n = character_length(text);

		if (n && terminal_is_control(text, n))
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

/* ---- headers of mails ---- */

#define WORD_MAX 63 /* of the 75 that an encoded word may have, without "=?utf-8?Q?" and "?=" */

/* RFC 2047: words of "=C3=A9", none of which ends within a character. */
static void add_encoded(struct strbuf *out, const char *text)
{
	size_t used = 0;

	strbuf_addstr(out, "=?utf-8?Q?");
	while (*text) {
		size_t n = utf8_length(text, UTF8_TO_NUL);

		if (used + 3 * n > WORD_MAX) {
			strbuf_addstr(out, "?=\n =?utf-8?Q?");
			used = 0;
		}
		used += 3 * n;
		for (; n; n--, text++) {
			if (isalnum((unsigned char)*text))
				strbuf_addch(out, *text);
			else
				strbuf_addf(out, "=%02X", (unsigned char)*text);
		}
	}
	strbuf_addstr(out, "?=");
}

static bool is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return !*text;
}

void markup_header(struct strbuf *out, const char *head, const char *text)
{
	struct strbuf clean = STRBUF_INIT;
	char *address;

	markup_line(&clean, text);
	address = strrchr(clean.buf, '<');
	strbuf_addstr(out, head);
	if (is_ascii(clean.buf)) {
		strbuf_addstr(out, clean.buf);
	} else if (address && address > clean.buf && address[-1] == ' ' && is_ascii(address)) {
		address[-1] = '\0';
		add_encoded(out, clean.buf);
		strbuf_addf(out, " %s", address);
	} else {
		add_encoded(out, clean.buf);
	}
	strbuf_addch(out, '\n');
	strbuf_release(&clean);
}
