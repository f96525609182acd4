// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define GAP 2

void table_column(struct table *t, const char *head, bool right, bool optional)
{
	if (t->ncolumns < TABLE_COLUMNS_MAX)
		t->columns[t->ncolumns++] = (struct table_column){xstrdup(head), right, optional};
}

void table_cell(struct table *t, char *text, const char *colour)
{
	t->cells = xrealloc(t->cells, t->ncells + 1, sizeof(*t->cells));
	t->cells[t->ncells++] = (struct table_cell){text, colour};
}

/* Columns on a terminal, for UTF-8 without wide or combining characters: what we print. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t widest = width_of(t->columns[column].head);

	for (size_t i = column; i < t->ncells; i += t->ncolumns)
		if (width_of(t->cells[i].text) > widest)
			widest = width_of(t->cells[i].text);
	return widest;
}

/* 0 for a column that is left out. */
static void measure(const struct table *t, size_t width, size_t *widths)
{
	size_t total = 0;

	for (size_t i = 0; i < t->ncolumns; i++) {
		widths[i] = column_width(t, i);
		total += GAP + widths[i];
	}
	for (size_t i = t->ncolumns; i-- > 0 && total > width;)
		if (t->columns[i].optional) {
			total -= GAP + widths[i];
			widths[i] = 0;
		}
}

static void print_cell(const struct table_cell *cell, bool right, size_t width, bool colour,
		       struct strbuf *line)
{
	int pad = (int)(width - width_of(cell->text));

	strbuf_addf(line, "%*s%s%s%s%s%s%s%*s", GAP + (right ? pad : 0), "",
		    colour && cell->colour ? "\033[" : "",
		    colour && cell->colour ? cell->colour : "", colour && cell->colour ? "m" : "",
		    cell->text, colour && cell->colour ? "\033[0m" : "", "", right ? 0 : pad, "");
}

static void end_line(struct strbuf *line, struct strbuf *out)
{
	while (line->len && line->buf[line->len - 1] == ' ')
		line->len--;
	strbuf_add(out, line->buf, line->len);
	strbuf_addch(out, '\n');
	strbuf_reset(line);
}

void table_print(const struct table *t, bool colour, size_t width, struct strbuf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];
	struct strbuf line = STRBUF_INIT;

	measure(t, width, widths);
	for (size_t i = 0; i < t->ncolumns; i++) {
		struct table_cell head = {t->columns[i].head, "2"};

		if (widths[i])
			print_cell(&head, t->columns[i].right, widths[i], colour, &line);
	}
	end_line(&line, out);
	for (size_t i = 0; i < t->ncells; i++) {
		size_t column = i % t->ncolumns;

		if (widths[column])
			print_cell(&t->cells[i], t->columns[column].right, widths[column], colour,
				   &line);
		if (column == t->ncolumns - 1)
			end_line(&line, out);
	}
	strbuf_release(&line);
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i].text);
	for (size_t i = 0; i < t->ncolumns; i++)
		free(t->columns[i].head);
	free(t->cells);
	*t = (struct table){0};
}
