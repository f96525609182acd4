// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/help.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/output.h"

#define WIDTH	      79 /* columns, or fewer where the terminal has fewer */
#define OPTION_COLUMN 26 /* where the text of an option begins */

/* Not fileno(): terminal_guard() puts a stream without a descriptor in the place of stdout. */
static int text_width(FILE *f)
{
	int fd = f == stderr ? STDERR_FILENO : STDOUT_FILENO;
	int columns = output_columns(fd, WIDTH);

	if (columns > WIDTH)
		return WIDTH;
	return columns;
}

/* Prints words from @column on, and further lines from @indent on. Ends the line. */
static void print_wrapped(FILE *f, const char *text, size_t len, int column, int indent)
{
	const char *end = text + len, *begin = text;
	int width = text_width(f);

	while (text < end) {
		int word = (int)strcspn(text, " ");

		if (word > end - text)
			word = (int)(end - text);

		if (text != begin && column + 1 + word > width) {
			fprintf(f, "\n%*s", indent, "");
			column = indent;
		} else if (text != begin) {
			fputc(' ', f);
			column++;
		}
		fprintf(f, "%.*s", word, text);
		column += word;
		text += word + 1;
	}
	fputc('\n', f);
}

/* Paragraphs, one a line; indented lines as they are. */
static void print_paragraphs(FILE *f, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (*text == ' ')
			fprintf(f, "%.*s\n", (int)len, text);
		else
			print_wrapped(f, text, len, 0, 0);
		text += len + (text[len] == '\n');
	}
}

/* A name and what it means, in two columns. */
static void print_pair(FILE *f, const char *left, const char *right)
{
	int column = 2 + (int)strlen(left);

	fprintf(f, "  %s", left);
	if (column + 1 >= OPTION_COLUMN) {
		fputc('\n', f);
		column = 0;
	}
	fprintf(f, "%*s", OPTION_COLUMN - column, "");
	print_wrapped(f, right, strlen(right), OPTION_COLUMN, OPTION_COLUMN);
}

/* "nestlab kernel build [options] KERNEL...": each form of the usage on a line. */
void help_print_usage(FILE *f, const struct command *c, const char *path)
{
	const char *form = c->usage;
	const char *before = "usage: ";

	for (;;) {
		size_t len = strcspn(form, "\n");
		__cleanup_free char *line = xasprintf("nestlab %s %.*s", path, (int)len, form);

		fputs(before, f);
		print_wrapped(f, line, strlen(line), (int)strlen(before), 12);
		if (!form[len])
			return;
		form += len + 1;
		before = "       ";
	}
}

/* "--boots N", "--json" */
static char *option_text(const struct option_spec *o)
{
	__cleanup_free char *word = options_word(o);

	if (!o->argname)
		return xstrdup(word);
	return xasprintf("%s %s", word, o->argname);
}

static void print_options(FILE *f, const struct command *c)
{
	struct command_options o;

	command_options_make(c, &o);
	fputc('\n', f);
	for (const struct option_spec *s = o.all; s->kind != OPTION_KIND_END; s++) {
		__cleanup_free char *left = option_text(s);

		print_pair(f, left, s->help);
	}
	print_pair(f, "-h, --help", "this text");
	command_options_free(&o);
}

/* The operands of a request, which have texts. */
static void print_operands(FILE *f, const struct command *c)
{
	const char *help;
	char *name;

	for (size_t i = 0; request_operand(c->kind, i, &name, &help); i++) {
		if (!i)
			fputc('\n', f);
		print_pair(f, name, help);
		free(name);
	}
}

static void print_actions(FILE *f, const struct command *c, const char *path)
{
	fputc('\n', f);
	for (const struct command *a = c->actions; a->name; a++)
		print_pair(f, a->name, a->help);
	fprintf(f, "\nnestlab %s ACTION --help tells more.\n", path);
}

void help_print(FILE *f, const struct command *c, const char *path)
{
	help_print_usage(f, c, path);
	fputc('\n', f);
	print_paragraphs(f, c->about);
	if (c->carry_out)
		print_operands(f, c);
	if (c->run || c->carry_out)
		print_options(f, c);
	if (c->exit_status) {
		__cleanup_free char *status = xasprintf("Exit status: %s.", c->exit_status);

		fputc('\n', f);
		print_paragraphs(f, status);
	}
	if (c->actions)
		print_actions(f, c, path);
}

void help_print_commands(FILE *f)
{
	fputs("usage: nestlab COMMAND [options]\n"
	      "       nestlab --version\n\n",
	      f);
	print_paragraphs(
		f, "Is this kernel better or worse at running nested guests, and by how much?");
	fputc('\n', f);
	for (const struct command *const *c = command_table; *c; c++)
		if (!(*c)->hidden)
			print_pair(f, (*c)->name, (*c)->help);
	fputs("\nnestlab COMMAND --help tells more.\n", f);
}
