// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/doc_table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/markup.h"

struct doc_table *doc_table_new(const char *caption, const char *heads)
{
	struct doc_table *t = xcalloc(1, sizeof(*t));

	t->caption = xstrdup(caption);
	while (*heads) {
		size_t n = strcspn(heads, "|");
		bool number = n && heads[n - 1] == '>';

		t->cols = xrealloc(t->cols, t->ncols + 1, sizeof(*t->cols));
		t->cols[t->ncols++] = (struct doc_table_column){
			.head = strndup(heads, n - number),
			.number = number,
		};
		heads += n + (heads[n] == '|');
	}
	return t;
}

void doc_table_free(struct doc_table *t)
{
	for (size_t i = 0; i < t->ncols; i++)
		free(t->cols[i].head);
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i].text);
	free(t->cols);
	free(t->cells);
	free(t->caption);
	free(t);
}

static void add_cell(struct doc_table *t, enum doc_tone tone, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void add_cell(struct doc_table *t, enum doc_tone tone, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, fmt, ap);
	t->cells = xrealloc(t->cells, t->ncells + 1, sizeof(*t->cells));
	t->cells[t->ncells++] = (struct doc_table_cell){.text = strbuf_detach(&text), .tone = tone};
}

void doc_cell(struct doc_table *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(t, DOC_PLAIN, fmt, ap);
	va_end(ap);
}

void doc_cell_tone(struct doc_table *t, enum doc_tone tone, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_cell(t, tone, fmt, ap);
	va_end(ap);
}

size_t doc_table_rows(const struct doc_table *t)
{
	return t->ncells / t->ncols;
}

size_t doc_width(const char *s, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += (s[i] & 0xc0) != 0x80;
	return width;
}

/* ---- as text ---- */

static void add_padded(struct strbuf *out, const char *text, size_t width, bool right, bool last)
{
	struct strbuf line = STRBUF_INIT;
	size_t has, pad;

	markup_line(&line, text);
	has = doc_width(line.buf, line.len);
	pad = width > has ? width - has : 0;
	if (right)
		strbuf_addf(out, "%*s%s", (int)pad, "", line.buf);
	else
		strbuf_addf(out, "%s%*s", line.buf, last ? 0 : (int)pad, "");
	strbuf_release(&line);
}

static size_t column_width(const struct doc_table *t, size_t c)
{
	size_t width = doc_width(t->cols[c].head, strlen(t->cols[c].head));

	for (size_t i = c; i < t->ncells; i += t->ncols) {
		size_t n = doc_width(t->cells[i].text, strlen(t->cells[i].text));

		width = n > width ? n : width;
	}
	return width;
}

/* Columns from @first on: the heads, then rows; a row's first cell, when left out of the columns,
 * stands above it unless the row before has the same. */
static void add_heads(const struct doc_table *t, const size_t *widths, size_t first,
		      struct strbuf *out)
{
	strbuf_addf(out, "%*s", first ? 4 : 0, "");
	for (size_t c = first; c < t->ncols; c++) {
		strbuf_addstr(out, "  ");
		add_padded(out, t->cols[c].head, widths[c], t->cols[c].number, c + 1 == t->ncols);
	}
	strbuf_addch(out, '\n');
}

static void add_title(const struct doc_table *t, size_t row, struct strbuf *out)
{
	const char *title = t->cells[row * t->ncols].text;

	if (row && !strcmp(title, t->cells[(row - 1) * t->ncols].text))
		return;
	strbuf_addstr(out, "  ");
	markup_line(out, title);
	strbuf_addch(out, '\n');
}

static void as_columns(const struct doc_table *t, const size_t *widths, size_t first,
		       struct strbuf *out)
{
	add_heads(t, widths, first, out);
	for (size_t row = 0; row < doc_table_rows(t); row++) {
		if (first)
			add_title(t, row, out);
		strbuf_addf(out, "%*s", first ? 4 : 0, "");
		for (size_t c = first; c < t->ncols; c++) {
			strbuf_addstr(out, "  ");
			add_padded(out, t->cells[row * t->ncols + c].text, widths[c],
				   t->cols[c].number, c + 1 == t->ncols);
		}
		strbuf_addch(out, '\n');
	}
}

void doc_wrap(struct strbuf *out, const char *text, size_t indent, size_t columns)
{
	struct strbuf line = STRBUF_INIT;
	size_t column = indent;

	markup_line(&line, text);
	for (const char *s = line.buf; *s;) {
		size_t n = strcspn(s, " "), width = doc_width(s, n);

		if (column > indent && column + 1 + width > columns) {
			strbuf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			strbuf_addch(out, ' ');
			column++;
		}
		strbuf_add(out, s, n);
		column += width;
		s += n;
		s += strspn(s, " ");
	}
	strbuf_addch(out, '\n');
	strbuf_release(&line);
}

static void as_records(const struct doc_table *t, size_t columns, struct strbuf *out)
{
	for (size_t i = 0; i < t->ncells; i++) {
		size_t c = i % t->ncols;

		if (!*t->cells[i].text)
			continue;
		if (c)
			strbuf_addf(out, "      %s: ", t->cols[c].head);
		else
			strbuf_addstr(out, "  * ");
		doc_wrap(out, t->cells[i].text, c ? 8 + strlen(t->cols[c].head) : 4, columns);
	}
}

void doc_table_text(const struct doc_table *t, size_t columns, struct strbuf *out)
{
	size_t *widths = xcalloc(t->ncols, sizeof(*widths)), total = 0;

	for (size_t c = 0; c < t->ncols; c++)
		total += (widths[c] = column_width(t, c)) + 2;
	if (total <= columns)
		as_columns(t, widths, 0, out);
	else if (total - widths[0] + 2 <= columns)
		as_columns(t, widths, 1, out);
	else
		as_records(t, columns, out);
	free(widths);
}
