// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/terminal.h"
#include "results/report/markup.h"

#define GAP	      2	  /* blanks before each column */
#define WIDTH	      100 /* of a table that may be wider if it must */
#define RECORD_INDENT 6	  /* of a row that stands in several lines */

struct column {
	char *head;
	bool number;   /* aligned to the right */
	bool optional; /* left out of text where that is too wide */
};

struct cell {
	char *text;
	enum tone tone;
};

struct table {
	char *caption;
	struct column *cols;
	size_t ncols;
	struct cell *cells; /* row by row */
	size_t ncells;
};

static const struct {
	const char *class, *sign, *colour;
} tones[TONES] = {
	[TONE_PLAIN] = {"", "", NULL},		 [TONE_GOOD] = {"good", "\u2714 ", "32"},
	[TONE_BAD] = {"bad", "\u2718 ", "1;31"}, [TONE_UNSURE] = {"unsure", "? ", "33"},
	[TONE_WAIVED] = {"waived", "~ ", "33"},
};

const char *tone_class(enum tone tone)
{
	return tones[tone].class;
}

const char *tone_sign(enum tone tone)
{
	return tones[tone].sign;
}

const char *tone_colour(enum tone tone)
{
	return tones[tone].colour;
}

/* ---- what is in it ---- */

static void add_column(struct table *t, char *head, bool number, bool optional)
{
	t->cols = xrealloc(t->cols, t->ncols + 1, sizeof(*t->cols));
	t->cols[t->ncols++] = (struct column){head, number, optional};
}

void table_add_column(struct table *t, const char *head, bool number, bool optional)
{
	add_column(t, xstrdup(head), number, optional);
}

/* @n bytes: the head, then '>' and '?' where they apply. */
static void parse_head(struct table *t, const char *head, size_t n)
{
	bool optional = n && head[n - 1] == '?', number;

	n -= optional;
	number = n && head[n - 1] == '>';
	n -= number;
	add_column(t, xasprintf("%.*s", (int)n, head), number, optional);
}

struct table *table_new(const char *caption, const char *heads)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->caption = xstrdup(caption);
	while (*heads) {
		size_t n = strcspn(heads, "|");

		parse_head(t, heads, n);
		heads += n;
		heads += *heads == '|';
	}
	return t;
}

void table_free(struct table *t)
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

void table_take(struct table *t, enum tone tone, char *text)
{
	t->cells = xrealloc(t->cells, t->ncells + 1, sizeof(*t->cells));
	t->cells[t->ncells++] = (struct cell){text, tone};
}

void table_cell(struct table *t, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	table_take(t, TONE_PLAIN, strbuf_detach(&text));
}

void table_cell_tone(struct table *t, enum tone tone, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	table_take(t, tone, strbuf_detach(&text));
}

size_t table_count_rows(const struct table *t)
{
	return t->ncells / t->ncols;
}

const char *table_caption(const struct table *t)
{
	return t->caption;
}

/* ---- text in columns ---- */

/* A word from @column on, in as many lines as it takes; returns the column after it. */
static size_t add_word(struct strbuf *out, const char *s, size_t n, size_t indent, size_t column,
		       size_t columns)
{
	size_t width = terminal_width(s, n);

	while (column < columns && indent < columns && column + width > columns) {
		size_t part = terminal_fit(s, n, columns - column);

		if (!part && column == indent) /* not even one */
			break;
		strbuf_add(out, s, part);
		strbuf_addf(out, "\n%*s", (int)indent, "");
		s += part;
		n -= part;
		width = terminal_width(s, n);
		column = indent;
	}
	strbuf_add(out, s, n);
	return column + width;
}

/* @breaks: words that are longer than a line, too. */
static void wrap(struct strbuf *out, const char *text, size_t indent, size_t columns, bool breaks)
{
	struct strbuf line = STRBUF_INIT;
	size_t column = indent;

	markup_line(&line, text);
	for (const char *s = line.buf; *s;) {
		size_t n = strcspn(s, " "), width = terminal_width(s, n);

		if (column > indent && column + 1 + width > columns) {
			strbuf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			strbuf_addch(out, ' ');
			column++;
		}
		if (breaks) {
			column = add_word(out, s, n, indent, column, columns);
		} else {
			strbuf_add(out, s, n);
			column += width;
		}
		s += n;
		s += strspn(s, " ");
	}
	strbuf_addch(out, '\n');
	strbuf_release(&line);
}

void table_wrap(struct strbuf *out, const char *text, size_t indent, size_t columns)
{
	wrap(out, text, indent, columns, true);
}

void table_wrap_whole(struct strbuf *out, const char *text, size_t indent, size_t columns)
{
	wrap(out, text, indent, columns, false);
}

/* ---- as text ---- */

struct layout {
	const struct table *t;
	bool colour;
	bool whole;   /* words stay so */
	size_t first; /* the first column that is padded: 0, or 1 where the others stand below it */
	size_t indent;	/* of these */
	size_t *widths; /* 0: the column is left out */
	size_t width;
	struct strbuf line;
	struct strbuf *out;
};

static void add_blanks(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_addch(out, ' ');
}

/* Without the blanks at its end. */
static void end_line(struct layout *l)
{
	while (l->line.len && l->line.buf[l->line.len - 1] == ' ')
		l->line.len--;
	strbuf_add(l->out, l->line.buf, l->line.len);
	strbuf_addch(l->out, '\n');
	strbuf_reset(&l->line);
}

static void add_padded(struct layout *l, size_t column, const char *text, const char *colour)
{
	struct strbuf clean = STRBUF_INIT;
	size_t has, pad = 0;

	markup_line(&clean, text);
	has = terminal_width(clean.buf, clean.len);
	if (l->widths[column] > has)
		pad = l->widths[column] - has;
	add_blanks(&l->line, GAP);
	if (l->t->cols[column].number)
		add_blanks(&l->line, pad);
	if (l->colour && colour)
		strbuf_addf(&l->line, "\033[%sm%s\033[0m", colour, clean.buf);
	else
		strbuf_addstr(&l->line, clean.buf);
	if (!l->t->cols[column].number)
		add_blanks(&l->line, pad);
	strbuf_release(&clean);
}

static void add_heads(struct layout *l)
{
	add_blanks(&l->line, l->indent);
	for (size_t c = l->first; c < l->t->ncols; c++)
		if (l->widths[c])
			add_padded(l, c, l->t->cols[c].head, "2");
	end_line(l);
}

/* The first column where it is not padded: above its rows, unless the row before has the same. */
static void add_title(struct layout *l, size_t row)
{
	const struct table *t = l->t;
	const char *title = t->cells[row * t->ncols].text;

	if (row && !strcmp(title, t->cells[(row - 1) * t->ncols].text))
		return;
	add_blanks(l->out, GAP);
	wrap(l->out, title, GAP, l->width, !l->whole);
}

static void as_columns(struct layout *l)
{
	const struct table *t = l->t;

	add_heads(l);
	for (size_t row = 0; row < table_count_rows(t); row++) {
		if (l->first)
			add_title(l, row);
		add_blanks(&l->line, l->indent);
		for (size_t c = l->first; c < t->ncols; c++) {
			const struct cell *cell = &t->cells[row * t->ncols + c];

			if (l->widths[c])
				add_padded(l, c, cell->text, tones[cell->tone].colour);
		}
		end_line(l);
	}
}

static void add_record_text(struct layout *l, const char *text, size_t indent, const char *colour)
{
	struct strbuf wrapped = STRBUF_INIT;

	wrap(&wrapped, text, indent, l->width, !l->whole);
	wrapped.buf[--wrapped.len] = '\0'; /* the newline */
	if (l->colour && colour)
		strbuf_addf(l->out, "\033[%sm%s\033[0m", colour, wrapped.buf);
	else
		strbuf_add(l->out, wrapped.buf, wrapped.len);
	strbuf_release(&wrapped);
}

/* "head: cell" after what is in the line, if it fits, else in a line of its own. @column: where the line has
 * got to; returns where it is then. */
static size_t add_record_cell(struct layout *l, const char *head, const struct cell *cell,
			      size_t column)
{
	size_t head_width = terminal_width(head, strlen(head)) + 2;
	size_t width = head_width + terminal_width(cell->text, strlen(cell->text));

	if (column > RECORD_INDENT && column + GAP + width <= l->width) {
		add_blanks(l->out, GAP);
		column += GAP;
	} else {
		strbuf_addch(l->out, '\n');
		add_blanks(l->out, RECORD_INDENT);
		column = RECORD_INDENT;
	}
	strbuf_addf(l->out, "%s: ", head);
	add_record_text(l, cell->text, column + head_width, tones[cell->tone].colour);
	if (column + width > l->width)
		return l->width; /* it took several lines, and what follows begins another */
	return column + width;
}

static void as_records(struct layout *l)
{
	const struct table *t = l->t;
	size_t column = 0;

	for (size_t i = 0; i < t->ncells; i++) {
		const struct cell *cell = &t->cells[i];

		if (i % t->ncols == 0) {
			strbuf_addstr(l->out, "  * ");
			add_record_text(l, cell->text, 4, tones[cell->tone].colour);
			column = 0;
		} else if (*cell->text) {
			column = add_record_cell(l, t->cols[i % t->ncols].head, cell, column);
		}
		if (i % t->ncols == t->ncols - 1)
			strbuf_addch(l->out, '\n');
	}
}

static size_t column_width(const struct table *t, size_t c)
{
	size_t width = terminal_width(t->cols[c].head, strlen(t->cols[c].head));

	for (size_t i = c; i < t->ncells; i += t->ncols) {
		size_t n = terminal_width(t->cells[i].text, strlen(t->cells[i].text));

		if (n > width)
			width = n;
	}
	return width;
}

/* Sets the widths, leaves optional columns out until all is within @limit, and returns how wide it is. */
static size_t measure_columns(const struct table *t, size_t limit, size_t *widths)
{
	size_t total = 0;

	for (size_t c = 0; c < t->ncols; c++) {
		widths[c] = column_width(t, c);
		total += GAP + widths[c];
	}
	for (size_t c = t->ncols; c-- > 0 && total > limit;)
		if (t->cols[c].optional) {
			total -= GAP + widths[c];
			widths[c] = 0;
		}
	return total;
}

size_t table_columns(const struct table *t)
{
	__cleanup_free size_t *widths = xcalloc(t->ncols, sizeof(*widths));

	return measure_columns(t, SIZE_MAX, widths);
}

void table_text(const struct table *t, size_t width, unsigned int flags, struct strbuf *out)
{
	__cleanup_free size_t *widths = xcalloc(t->ncols, sizeof(*widths));
	struct layout l = {
		.t = t,
		.colour = flags & TABLE_COLOUR,
		.whole = flags & TABLE_WHOLE,
		.widths = widths,
		.width = width,
		.line = STRBUF_INIT,
		.out = out,
	};
	size_t total = measure_columns(t, width, widths);

	if ((total > width && !(flags & TABLE_OVERFLOW)) || flags & TABLE_TITLES) {
		l.first = 1;
		l.indent = 4;
		total -= widths[0] - 2;
		if (total > width) {
			as_records(&l);
			return;
		}
	}
	as_columns(&l);
	strbuf_release(&l.line);
}

void table_text_columns(const struct table *t, size_t columns, bool colour, struct strbuf *out)
{
	unsigned int flags = 0;

	if (colour)
		flags |= TABLE_COLOUR;
	if (columns)
		table_text(t, columns, flags, out);
	else
		table_text(t, WIDTH, flags | TABLE_OVERFLOW, out);
}

/* ---- as HTML ---- */

static void html_heads(const struct table *t, struct strbuf *out)
{
	strbuf_addstr(out, "<thead><tr>");
	for (size_t c = 0; c < t->ncols; c++) {
		strbuf_addstr(out, "<th scope=\"col\"");
		if (t->cols[c].number)
			strbuf_addstr(out, " class=\"n\"");
		strbuf_addch(out, '>');
		markup_add(out, t->cols[c].head);
		strbuf_addstr(out, "</th>");
	}
	strbuf_addstr(out, "</tr></thead>\n");
}

/* Does the text have a word that would make a column too wide (a hash, a command line without
 * blanks)? */
static bool has_long_word(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (n > 30)
			return true;
		text += n;
		text += strspn(text, " ");
	}
	return false;
}

static const char *cell_class(const struct cell *cell, const struct column *col)
{
	if (cell->tone)
		return tones[cell->tone].class;
	if (col->number)
		return "n";
	if (has_long_word(cell->text))
		return "long";
	return NULL;
}

static void html_cell(const struct table *t, size_t i, struct strbuf *out)
{
	const struct cell *cell = &t->cells[i];
	const char *class = cell_class(cell, &t->cols[i % t->ncols]);
	bool heads_row = i % t->ncols == 0;

	if (heads_row)
		strbuf_addstr(out, "<th scope=\"row\"");
	else
		strbuf_addstr(out, "<td");
	if (class)
		markup_attribute(out, "class", "%s", class);
	strbuf_addf(out, ">%s", tones[cell->tone].sign);
	markup_add(out, cell->text);
	if (heads_row)
		strbuf_addstr(out, "</th>");
	else
		strbuf_addstr(out, "</td>");
}

void table_html(const struct table *t, struct strbuf *out)
{
	/* a keyboard scrolls only what can have the focus */
	strbuf_addstr(out, "<div class=\"scroll\" role=\"group\" tabindex=\"0\"");
	markup_attribute(out, "aria-label", "%s", t->caption);
	strbuf_addstr(out, "><table>\n");
	markup_element(out, "caption", "%s", t->caption);
	strbuf_addch(out, '\n');
	html_heads(t, out);
	strbuf_addstr(out, "<tbody>\n");
	for (size_t i = 0; i < t->ncells; i++) {
		if (i % t->ncols == 0)
			strbuf_addstr(out, "<tr>");
		html_cell(t, i, out);
		if (i % t->ncols == t->ncols - 1)
			strbuf_addstr(out, "</tr>\n");
	}
	strbuf_addstr(out, "</tbody>\n</table></div>\n");
}

/* ---- as Markdown (GitHub's) ---- */

void table_markdown(const struct table *t, struct strbuf *out)
{
	for (size_t c = 0; c < t->ncols; c++) {
		strbuf_addstr(out, "| ");
		markup_markdown(out, t->cols[c].head);
		strbuf_addch(out, ' ');
	}
	strbuf_addstr(out, "|\n");
	for (size_t c = 0; c < t->ncols; c++) {
		strbuf_addstr(out, "| ---");
		if (t->cols[c].number)
			strbuf_addch(out, ':');
		strbuf_addch(out, ' ');
	}
	strbuf_addstr(out, "|\n");
	for (size_t i = 0; i < t->ncells; i++) {
		strbuf_addf(out, "| %s", tones[t->cells[i].tone].sign);
		markup_markdown(out, t->cells[i].text);
		strbuf_addch(out, ' ');
		if (i % t->ncols == t->ncols - 1)
			strbuf_addstr(out, "|\n");
	}
}
