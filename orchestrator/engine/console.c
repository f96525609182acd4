// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/console.h"

#include <ctype.h>
#include <string.h>

#include "agents/wire/complaints.h"

/* A console line longer than this is noise; its rest is dropped. */
#define LINE_MAX_BYTES 4096

#define PANIC	  "Kernel panic - not syncing"
#define KERNEL	  "Linux version "
#define PANIC_END "---[ end Kernel panic"

/* The text after "<4>", "[   12.345678]" and "[    T1]", as printk's options put them. */
static const char *skip_prefix(const char *line)
{
	if (line[0] == '<' && isdigit((unsigned char)line[1]) && line[2] == '>')
		line += 3;
	while (*line == '[') {
		size_t n = 1 + strspn(line + 1, " .0123456789TC");

		if (line[n] != ']')
			break;
		line += n + 1;
		line += strspn(line, " ");
	}
	return line;
}

static void set_once(struct strbuf *sb, const char *text)
{
	if (!sb->len)
		strbuf_addstr(sb, text);
}

/* Told once: a panic repeats the whole log (panic_print=). */
static void note_complaint(struct console *c, const char *line)
{
	c->wants_place = true;
	if (strstr(c->complaints.buf, line))
		return;
	if (c->ncomplaints++ < CONSOLE_COMPLAINTS)
		strbuf_addf(&c->complaints, "%s\n", line);
}

static void take_line(struct console *c, char *line)
{
	const char *text;

	for (char *p = line; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = ' ';
	for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	text = skip_prefix(line);
	if (!*text)
		return;
	strbuf_reset(&c->last);
	strbuf_addstr(&c->last, text);
	if (!strncmp(text, PANIC, strlen(PANIC)))
		set_once(&c->panic, text);
	else if (!strncmp(text, PANIC_END, strlen(PANIC_END)))
		c->panic_told = true;
	else if (!strncmp(text, KERNEL, strlen(KERNEL)))
		c->kernel_spoke = true;
	else if (complaints_has(text))
		note_complaint(c, text);
	else if (c->wants_place && !strncmp(text, "RIP: ", 5))
		set_once(&c->place, text);
}

void console_feed(struct console *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			strbuf_addch(&c->partial, '\0');
			take_line(c, c->partial.buf);
			strbuf_reset(&c->partial);
		} else if (data[i] && c->partial.len < LINE_MAX_BYTES) {
			strbuf_addch(&c->partial, data[i]);
		}
	}
}

void console_release(struct console *c)
{
	strbuf_release(&c->partial);
	strbuf_release(&c->last);
	strbuf_release(&c->panic);
	strbuf_release(&c->place);
	strbuf_release(&c->complaints);
}
