/* SPDX-License-Identifier: GPL-2.0-only */
/* report_doc_table.h - what a table of a document holds: for report_doc*.c alone. */
#ifndef RESULTS_REPORT_DOC_TABLE_H
#define RESULTS_REPORT_DOC_TABLE_H

#include "results/report/doc.h"

struct doc_table_column {
	char *head;
	bool number; /* right-aligned */
};

struct doc_table_cell {
	char *text;
	enum doc_tone tone;
};

struct doc_table {
	char *caption;
	struct doc_table_column *cols;
	size_t ncols;
	struct doc_table_cell *cells;
	size_t ncells;
};

/* Columns that @n bytes of UTF-8 take (one a character). */
size_t doc_width(const char *s, size_t n);

/* Words of @text, broken at blanks before @columns; the first line is already begun, at column
 * @indent, where the others begin too. Ends with a newline. */
void doc_wrap(struct strbuf *out, const char *text, size_t indent, size_t columns);

/* The table as text: columns padded with blanks; if that is wider than @columns the first column
 * stands above its rows; if it still is, each row comes as lines of "head: cell". */
void doc_table_text(const struct doc_table *t, size_t columns, struct strbuf *out);

#endif
