// SPDX-License-Identifier: GPL-2.0-only
#include "common/terminal.h"

#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/utf8.h"

/* Not sent to a terminal, by Unicode: C0, DEL and C1, controls of direction, line separators. */
static const struct range {
	uint32_t first, last;
} controls[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200e, 0x200f},
	{0x2028, 0x202e}, {0x2066, 0x2069}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static uint32_t decode(const char *s, size_t n)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = (unsigned char)s[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

bool terminal_is_control(const char *s, size_t n)
{
	uint32_t code = decode(s, n);

	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (code >= controls[i].first && code <= controls[i].last)
			return true;
	return false;
}

static void show_control(struct strbuf *out, uint32_t code)
{
	if (code == '\n')
		strbuf_addstr(out, "\\n");
	else if (code == '\t')
		strbuf_addstr(out, "\\t");
	else if (code < 0x80)
		strbuf_addf(out, "\\x%02x", code);
	else if (code < 0x10000)
		strbuf_addf(out, "\\u%04x", code);
	else
		strbuf_addf(out, "\\U%08x", code);
}

/* Appends what stands for the first character of @text, of which there are @len bytes; returns how many
 * bytes it has. @kept: controls that stay. */
static size_t add_character(struct strbuf *out, const char *text, size_t len, const char *kept)
{
	size_t n = utf8_length(text, len);

	if (!n) {
		strbuf_addf(out, "\\x%02x", (unsigned char)*text);
		return 1;
	}
	if (terminal_is_control(text, n) && (!*text || !strchr(kept, *text)))
		show_control(out, decode(text, n));
	else
		strbuf_add(out, text, n);
	return n;
}

void terminal_add(struct strbuf *out, const char *text)
{
	while (text && *text)
		text += add_character(out, text, UTF8_TO_NUL, "\n\t");
}

char *terminal_line(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	while (text && *text)
		text += add_character(&out, text, UTF8_TO_NUL, "");
	return strbuf_detach(&out);
}

void terminal_printf(const char *fmt, ...)
{
	struct strbuf raw = STRBUF_INIT, out = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&raw, fmt, ap);
	va_end(ap);
	terminal_add(&out, raw.buf);
	fputs(out.buf, stdout);
	strbuf_release(&out);
	strbuf_release(&raw);
}

/* ---- columns ---- */

static locale_t utf8_locale;

static void make_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* wcwidth(3) asks the locale, and programs here keep to "C": one for this call, of this thread. */
static size_t code_width(uint32_t code)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before;
	int width;

	pthread_once(&once, make_locale);
	if (!utf8_locale)
		return 1;
	before = uselocale(utf8_locale);
	width = wcwidth((wchar_t)code);
	uselocale(before);
	if (width < 0)
		return 1;
	return (size_t)width;
}

/* Of the first character of @n bytes, whose bytes are told. */
static size_t character_width(const char *s, size_t n, size_t *bytes)
{
	*bytes = utf8_length(s, n);
	if (!*bytes)
		*bytes = 1;
	if (*bytes == 1)
		return 1;
	return code_width(decode(s, *bytes));
}

size_t terminal_width(const char *s, size_t n)
{
	size_t width = 0, bytes;

	for (size_t i = 0; i < n; i += bytes)
		width += character_width(s + i, n - i, &bytes);
	return width;
}

size_t terminal_fit(const char *s, size_t n, size_t columns)
{
	size_t i = 0, width = 0, bytes;

	while (i < n) {
		width += character_width(s + i, n - i, &bytes);
		if (width > columns)
			break;
		i += bytes;
	}
	return i;
}

void terminal_add_padded(struct strbuf *out, const char *text, size_t columns)
{
	size_t len = strlen(text);

	strbuf_add(out, text, len);
	for (size_t width = terminal_width(text, len); width < columns; width++)
		strbuf_addch(out, ' ');
}

/* ---- the net below ---- */

/* Bytes of the colour ("ESC [ 1;31 m") that @s begins with; 0: it begins with none. */
static size_t colour_length(const char *s, size_t len)
{
	size_t n = 2;

	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (n < len && n < 16 && ((s[n] >= '0' && s[n] <= '9') || s[n] == ';'))
		n++;
	if (n == len || s[n] != 'm')
		return 0;
	return n + 1;
}

/* All that stdio hands over is whole texts: stdout is line-buffered, and a line longer than its buffer is
 * rare. A character cut in two there is shown as its bytes. */
static ssize_t write_guarded(void *cookie, const char *data, size_t size)
{
	struct strbuf out = STRBUF_INIT;
	size_t at = 0;
	int failed;

	(void)cookie;
	while (at < size) {
		size_t n = colour_length(data + at, size - at);

		if (n)
			strbuf_add(&out, data + at, n);
		else
			n = add_character(&out, data + at, size - at, "\n\t");
		at += n;
	}
	failed = fs_write_all(STDOUT_FILENO, out.buf, out.len);
	strbuf_release(&out);
	if (failed)
		return 0; /* which stdio takes for an error, with errno as it is */
	return (ssize_t)size;
}

void terminal_guard(void)
{
	static char buffer[1 << 16];
	const cookie_io_functions_t functions = {.write = write_guarded};
	FILE *f;

	if (!isatty(STDOUT_FILENO))
		return;
	f = fopencookie(NULL, "w", functions);
	if (!f)
		return;
	setvbuf(f, buffer, _IOLBF, sizeof(buffer));
	stdout = f;
}
