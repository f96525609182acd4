/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doc.h - one report, several faces: a self-contained page (XHTML-compatible HTML5: no script, no
 * external asset, printable, dark and light), plain text of at most as many columns as are asked for,
 * and Markdown. What is written through these calls comes out as any of them.
 *
 * All text given is plain: escaping is done here.
 */
#ifndef RESULTS_REPORT_DOC_H
#define RESULTS_REPORT_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"
#include "results/report/table.h"

struct doc {
	const struct doc_face *face;
	struct strbuf *out;
	size_t columns; /* of plain text */
	bool in_list;
};

/* How a kind of document writes each thing. Text comes formatted and unescaped. */
struct doc_face {
	void (*begin)(struct doc *d, const char *title);
	void (*end)(struct doc *d);
	void (*heading)(struct doc *d, const char *text);
	void (*paragraph)(struct doc *d, const char *text);
	void (*verdict)(struct doc *d, enum tone tone, const char *word, const char *text);
	void (*list)(struct doc *d, bool open); /* a list begins, or ends */
	void (*item)(struct doc *d, enum tone tone, const char *text);
	void (*code)(struct doc *d, const char *text);
	void (*table)(struct doc *d, const struct table *t);
	void (*figure)(struct doc *d, const char *caption, const char *svg,
		       const struct table *numbers);
};
extern const struct doc_face html_face, plain_face, markdown_face; /* html.c, plain.c, markdown.c */

/* Starts a document; doc_end() closes it. */
void doc_begin(struct doc *d, const struct doc_face *face, struct strbuf *out, const char *title);
/* The same in @columns of plain text; 0: 100. */
void doc_begin_columns(struct doc *d, const struct doc_face *face, struct strbuf *out,
		       const char *title, size_t columns);
void doc_end(struct doc *d);

void doc_heading(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doc_paragraph(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The verdict: one word, and a sentence. */
void doc_verdict(struct doc *d, enum tone tone, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* An item of a list; the list ends with the next call of another kind. */
void doc_item(struct doc *d, enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Lines to type, as they are. */
void doc_code(struct doc *d, const char *text);
void doc_table(struct doc *d, struct table *t); /* and frees it */
/* A drawing with its numbers as a table, which is all that text and Markdown have of it; frees
 * @numbers. */
void doc_figure(struct doc *d, const char *caption, const char *svg, struct table *numbers);

#endif
