// SPDX-License-Identifier: GPL-2.0-only
/* What commands print on stdout, as wide as that is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/output.h"
#include "common/strbuf.h"
#include "common/terminal.h"
#include "common/utf8.h"
#include "orchestrator/cli/command.h"
#include "results/report/text.h"
#include "results/report/table.h"

#define ROW_TEXT_MIN 24 /* columns beside the head of a row that are worth beginning its text in */

static size_t stdout_columns(void)
{
	return (size_t)output_columns(STDOUT_FILENO, 0);
}

/* Of the first character or escape sequence of @n bytes, whose bytes are told. */
static size_t part_width(const char *word, size_t n, size_t *bytes)
{
	*bytes = utf8_length(word, n);
	if (!*bytes)
		*bytes = 1;
	if (*word != '\033')
		return terminal_width(word, *bytes);
	*bytes = strcspn(word, "m \n") + 1;
	if (*bytes > n)
		*bytes = n;
	return 0;
}

/* Of a word of @n bytes, without escape sequences. */
static size_t word_width(const char *word, size_t n)
{
	size_t width = 0, bytes;

	for (size_t i = 0; i < n; i += bytes)
		width += part_width(word + i, n - i, &bytes);
	return width;
}

/* "note:  text" and "  text" go on below "text", all else below the third column. */
static size_t hanging_indent(const char *line)
{
	size_t blanks = strspn(line, " "), colon;

	if (blanks)
		return blanks;
	colon = strcspn(line, ": \n");
	if (line[colon] == ':' && colon + 1 < 12 && line[colon + 1] == ' ')
		return colon + 1 + strspn(line + colon + 1, " ");
	return 2;
}

static void drop_blanks(struct strbuf *out)
{
	while (out->len && out->buf[out->len - 1] == ' ')
		out->len--;
}

/* A word of @n bytes from @column on; what is beyond @columns goes on in the next
 * line, at @indent. Returns the column after it. */
static size_t add_word(struct strbuf *out, const char *word, size_t n, size_t indent, size_t column,
		       size_t columns)
{
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		size_t width = part_width(word + i, n - i, &len);

		if (column + width > columns && indent < columns) {
			strbuf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		strbuf_add(out, word + i, len);
		column += width;
	}
	return column;
}

/* Words of @line, of which there are @len bytes, broken before @columns; a word that is longer than a line
 * is broken where that ends. */
static void add_broken(struct strbuf *out, const char *line, size_t len, size_t columns)
{
	size_t indent = hanging_indent(line), column = strspn(line, " ");
	const char *end = line + len, *word = line + column;
	bool begun = false;

	strbuf_addf(out, "%*s", (int)column, "");
	while (word < end) {
		size_t n = strcspn(word, " \n"), blanks = strspn(word + n, " ");
		size_t width = word_width(word, n);

		if (begun && column + width > columns) {
			drop_blanks(out);
			strbuf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		begun = true;
		column = add_word(out, word, n, indent, column, columns);
		strbuf_add(out, word + n, blanks);
		column += blanks;
		word += n + blanks;
	}
	drop_blanks(out);
	strbuf_addch(out, '\n');
}

void command_print_text(const char *text)
{
	size_t columns = stdout_columns();
	struct strbuf out = STRBUF_INIT;

	if (!columns) {
		fputs(text, stdout);
		return;
	}
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (word_width(text, n) > columns)
			add_broken(&out, text, n, columns);
		else
			strbuf_add(&out, text, n + (text[n] == '\n'));
		text += n + (text[n] == '\n');
	}
	fputs(out.buf, stdout);
	strbuf_release(&out);
}

static void print_clean_row(const char *head, const char *text)
{
	size_t columns = stdout_columns();
	size_t indent = terminal_width(head, strlen(head));
	struct strbuf out = STRBUF_INIT;

	if (!columns || indent + terminal_width(text, strlen(text)) <= columns) {
		strbuf_addf(&out, "%s%s", head, text);
		drop_blanks(&out);
		strbuf_addch(&out, '\n');
		fputs(out.buf, stdout);
		strbuf_release(&out);
		return;
	}
	if (indent + ROW_TEXT_MIN > columns) {
		indent = 4;
		add_broken(&out, head, strlen(head), columns);
		strbuf_addf(&out, "%*s", (int)indent, "");
	} else {
		strbuf_addstr(&out, head);
	}
	table_wrap(&out, text, indent, columns);
	fputs(out.buf, stdout);
	strbuf_release(&out);
}

void command_print_row(const char *head, const char *text)
{
	__cleanup_free char *clean_head = terminal_line(head), *clean_text = terminal_line(text);

	print_clean_row(clean_head, clean_text);
}

void command_print_table(const struct results_table *t, bool as_json, unsigned int flags)
{
	struct strbuf out = STRBUF_INIT;

	if (as_json && t->npairs == 1)
		results_render_json(&t->pairs[0], &out);
	else if (as_json)
		results_render_table_json(t, &out);
	else if (t->npairs == 1)
		results_render_text(&t->pairs[0], flags, &out);
	else
		results_render_table_text(t, flags, &out);
	if (as_json)
		fputs(out.buf, stdout);
	else
		command_print_text(out.buf);
	strbuf_release(&out);
}

const char **command_list_kernels(const char *base, const char *new,
				  const struct request_list *others, size_t *n)
{
	const char **kernels = xcalloc(others->count + 2, sizeof(*kernels));

	kernels[0] = base;
	kernels[1] = new;
	for (size_t i = 0; i < others->count; i++)
		kernels[i + 2] = others->items[i];
	*n = others->count + 2;
	return kernels;
}
