/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * terminal.h - text from outside (mails, kernels, guests, files) where people read it.
 *
 * A terminal obeys control characters: they move the cursor, change titles, answer in the user's name,
 * hide text. Unicode's controls of direction make text look like another. Here all of these are shown
 * and not sent: "\x1b" stands for ESC, "\u202e" for a right-to-left override, "\xff" for a byte that
 * is not UTF-8. Everything else stays as it is.
 *
 * log.h, progress.h and command.h's printing do this by themselves. terminal_guard() is the net below
 * the rest.
 */
#ifndef COMMON_TERMINAL_H
#define COMMON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

/* Is the valid character of @n bytes at @s a control: C0, DEL, C1, of direction (bidi), or Unicode's own
 * line and paragraph separators? */
bool terminal_is_control(const char *s, size_t n);

/* Appends @text (NULL: nothing); newlines and tabs stay. */
void terminal_add(struct strbuf *out, const char *text);
/* The same as one line: newlines and tabs are shown as "\n", "\t". The caller frees. */
char *terminal_line(const char *text);

/* Columns that @n bytes of clean UTF-8 take on a terminal: two a character that is wide (Chinese, Japanese,
 * Korean, most emoji), none a combining one, one any other. A byte that is not UTF-8 takes one. */
size_t terminal_width(const char *s, size_t n);
/* Bytes of the characters that @s begins with, of @n bytes, which fit in @columns. */
size_t terminal_fit(const char *s, size_t n, size_t columns);

/* Appends clean @text, and blanks up to @columns. */
void terminal_add_padded(struct strbuf *out, const char *text, size_t columns);

/* printf(3) whose whole result is cleaned as by terminal_add(). */
void terminal_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* If stdout is a terminal: from now on nothing written to stdout reaches it as a control but newlines, tabs
 * and colours (SGR). Called once, before the first output. */
void terminal_guard(void);

#endif
