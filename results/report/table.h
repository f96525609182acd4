/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - a table, filled row by row, and how text, HTML and Markdown show it.
 *
 *	struct table *t = table_new("The boots", "run>|kernel|status");
 *
 *	table_cell(t, "%d", 7);
 *	table_take(t, TONE_PLAIN, words_number(x));
 *	table_cell_tone(t, TONE_GOOD, "pass");
 *	table_text(t, 100, 0, out);
 *	table_free(t);
 *
 * (libsmartcols lays out text alone, neither HTML nor Markdown, and breaks no rows into records: it
 * would not have made this file shorter.)
 */
#ifndef RESULTS_REPORT_TABLE_H
#define RESULTS_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

/* What a cell or a line is about. A tone is never said by colour alone: the words stay, and HTML and
 * Markdown add a sign. */
enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_UNSURE, TONE_WAIVED, TONES };

const char *tone_class(enum tone tone);	 /* for HTML; "" for TONE_PLAIN */
const char *tone_sign(enum tone tone);	 /* "\u2714 "; "" for TONE_PLAIN */
const char *tone_colour(enum tone tone); /* SGR numbers, "1;31"; NULL for TONE_PLAIN */

struct table;

/* @heads: "metric|base>|p99>?": '>' makes a column of numbers, aligned to the right; '?' one that is
 * left out of text where the table would be too wide. The first column heads its row. */
struct table *table_new(const char *caption, const char *heads);
/* One column more, @head as it is; before the first cell. */
void table_add_column(struct table *t, const char *head, bool number, bool optional);
void table_free(struct table *t);

/* The next cell, row by row. */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_cell_tone(struct table *t, enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a text that becomes the table's. */
void table_take(struct table *t, enum tone tone, char *text);
size_t table_count_rows(const struct table *t);
const char *table_caption(const struct table *t);

/* Columns padded with blanks, without the caption. Optional columns give way where that is wider than
 * @width; if it still is, the first column stands above its rows; if that is no help either, each
 * row comes as "head: cell" and "head: cell", as many in a line as fit. TABLE_OVERFLOW: then the table is as wide as it must be. */
#define TABLE_COLOUR   1u
#define TABLE_OVERFLOW 2u
#define TABLE_TITLES   4u /* the first column stands above its rows in any case */
#define TABLE_WHOLE    8u /* words longer than a line are not broken: for files, to be copied from */
void table_text(const struct table *t, size_t width, unsigned int flags, struct strbuf *out);
/* How wide it is as columns, with the optional ones. */
size_t table_columns(const struct table *t);
/* The same for a terminal of @columns; where that is 0, as wide as it must be. */
void table_text_columns(const struct table *t, size_t columns, bool colour, struct strbuf *out);
void table_html(const struct table *t, struct strbuf *out);
void table_markdown(const struct table *t, struct strbuf *out);

/* ---- text in columns ---- */

/* Words of @text, broken at blanks before @columns, and a word that is longer than a line anywhere; the first
 * line is already begun, at column @indent, where the others begin too. Ends with a newline. */
void table_wrap(struct strbuf *out, const char *text, size_t indent, size_t columns);
/* The same with words as they are, whatever their length: commands and hashes that are to be copied. */
void table_wrap_whole(struct strbuf *out, const char *text, size_t indent, size_t columns);

#endif
