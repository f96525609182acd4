/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - a table of text, as wide as its contents. Private to results/.
 */
#ifndef RESULTS_REPORT_TABLE_H
#define RESULTS_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/strbuf.h"

#define TABLE_COLUMNS_MAX 24

struct table_cell {
	char *text;
	const char *colour; /* SGR numbers, e.g. "32"; NULL: none */
};

struct table { /* free with table_free() */
	struct table_column {
		char *head;
		bool right;    /* aligned to the right */
		bool optional; /* left out when the table is too wide */
	} columns[TABLE_COLUMNS_MAX];
	size_t ncolumns;
	struct table_cell *cells; /* row by row */
	size_t ncells;
};

void table_column(struct table *t, const char *head, bool right, bool optional);
/* The next cell of the row; takes @text over. */
void table_cell(struct table *t, char *text, const char *colour);
/* Indented by two, columns two apart. @width: what optional columns give way to. */
void table_print(const struct table *t, bool colour, size_t width, struct strbuf *out);
void table_free(struct table *t);

#endif
