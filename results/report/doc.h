/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doc.h - one report, two faces: a self-contained page (XHTML-compatible HTML5: no script, no
 * external asset, printable, dark and light) and plain text of at most 100 columns where tables
 * allow. What is written once through these calls comes out as either.
 *
 * All text given is plain: escaping is done here. Meaning is never in colour alone: a tone adds a
 * sign and the words stay.
 */
#ifndef RESULTS_REPORT_DOC_H
#define RESULTS_REPORT_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

enum doc_tone { DOC_PLAIN, DOC_GOOD, DOC_BAD, DOC_UNSURE, DOC_WAIVED, DOC_TONES };

struct doc {
	const struct doc_face *face;
	struct strbuf *out;
	bool in_list;
};

/* Starts a document; doc_end() closes it. @html false: text. */
void doc_begin(struct doc *d, bool html, struct strbuf *out, const char *title);
void doc_end(struct doc *d);

void doc_heading(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doc_subheading(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doc_paragraph(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The verdict: one word, and a sentence. */
void doc_verdict(struct doc *d, enum doc_tone tone, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* An item of a list; the list ends with the next call of another kind. */
void doc_item(struct doc *d, enum doc_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Lines to type, as they are. */
void doc_code(struct doc *d, const char *text);

/* ---- tables ---- */

struct doc_table;

/* @heads: "metric|base>|new>|verdict": a '>' at the end makes the column a right-aligned one of
 * numbers. The first column heads its row. */
struct doc_table *doc_table_new(const char *caption, const char *heads);
/* The next cell, row by row. */
void doc_cell(struct doc_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doc_cell_tone(struct doc_table *t, enum doc_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t doc_table_rows(const struct doc_table *t);
void doc_table_free(struct doc_table *t);

void doc_table(struct doc *d, struct doc_table *t); /* and frees it */

/* A drawing with its numbers as a table (text has the table alone); frees @numbers. */
void doc_figure(struct doc *d, const char *caption, const char *svg, struct doc_table *numbers);

#endif
