/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * markup.h - text into XML, HTML, Markdown, CSV and plain lines without harm.
 *
 * Names and messages come from outside (kernels, guests, files): everything that is not a literal
 * of ours goes through here. What is not valid UTF-8, or is a character that XML 1.0 forbids,
 * becomes U+FFFD; so the output is well-formed for any input.
 */
#ifndef RESULTS_REPORT_MARKUP_H
#define RESULTS_REPORT_MARKUP_H

#include <stddef.h>

#include "common/strbuf.h"

/* Appends @text (NULL: nothing) fit for XML and HTML content and quoted attributes. */
void markup_add(struct strbuf *out, const char *text);

/* ` NAME="VALUE"`, the value escaped. @name is ours. */
void markup_attribute(struct strbuf *out, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* `<TAG>text</TAG>`, the text escaped. @tag is ours. */
void markup_element(struct strbuf *out, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A CSV field after RFC 4180: quoted where it has to be. */
void markup_csv(struct strbuf *out, const char *text);

/* One line of Markdown text that shows @text as it is, in a cell of a table, too. */
void markup_markdown(struct strbuf *out, const char *text);

/* One line of plain text: control characters become blanks, UTF-8 is made valid. */
void markup_line(struct strbuf *out, const char *text);

/* A line of a mail's header, "HEAD" being "Subject: " or such: what is not ASCII as RFC 2047 has it; an address at its
 * end, <a@b>, stays as it is. */
void markup_header(struct strbuf *out, const char *head, const char *text);

#endif
