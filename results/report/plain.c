// SPDX-License-Identifier: GPL-2.0-only
/* Documents as plain text: format "text". */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/terminal.h"
#include "results/report/doc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/page.h"

static void plain_rule(struct doc *d, char c, size_t n)
{
	while (n--)
		strbuf_addch(d->out, c);
	strbuf_addch(d->out, '\n');
}

static void plain_wrap(struct doc *d, const char *text, size_t indent)
{
	table_wrap_whole(d->out, text, indent, d->columns);
}

/* An empty line before, unless there is one. */
static void plain_gap(struct doc *d)
{
	if (d->out->len < 2 || strcmp(d->out->buf + d->out->len - 2, "\n\n"))
		strbuf_addch(d->out, '\n');
}

static void plain_begin(struct doc *d, const char *title)
{
	size_t from = d->out->len;

	plain_wrap(d, title, 0);
	plain_rule(d, '=', terminal_width(d->out->buf + from, d->out->len - from - 1));
}

static void plain_end(struct doc *d)
{
	(void)d;
}

static void plain_heading(struct doc *d, const char *text)
{
	plain_gap(d);
	plain_wrap(d, text, 0);
	plain_rule(d, '-', terminal_width(text, strlen(text)));
}

static void plain_paragraph(struct doc *d, const char *text)
{
	plain_gap(d);
	plain_wrap(d, text, 0);
}

static void plain_verdict(struct doc *d, enum tone tone, const char *word, const char *text)
{
	(void)tone;
	strbuf_addf(d->out, "\n%s: ", word);
	plain_wrap(d, text, strlen(word) + 2);
}

static void plain_list(struct doc *d, bool open)
{
	if (open)
		plain_gap(d);
}

static void plain_item(struct doc *d, enum tone tone, const char *text)
{
	(void)tone; /* the words say it */
	strbuf_addstr(d->out, "- ");
	plain_wrap(d, text, 2);
}

static void plain_code(struct doc *d, const char *text)
{
	plain_gap(d);
	while (*text) {
		size_t n = strcspn(text, "\n");
		__cleanup_free char *line = xasprintf("%.*s", (int)n, text);

		strbuf_addstr(d->out, "    ");
		markup_line(d->out, line);
		strbuf_addch(d->out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void plain_table(struct doc *d, const struct table *t)
{
	plain_gap(d);
	plain_wrap(d, table_caption(t), 0);
	table_text(t, d->columns, TABLE_WHOLE, d->out);
}

static void plain_figure(struct doc *d, const char *caption, const char *svg,
			 const struct table *numbers)
{
	(void)caption; /* the table's own says the same */
	(void)svg;
	plain_table(d, numbers);
}

const struct doc_face plain_face = {
	.begin = plain_begin,
	.end = plain_end,
	.heading = plain_heading,
	.paragraph = plain_paragraph,
	.verdict = plain_verdict,
	.list = plain_list,
	.item = plain_item,
	.code = plain_code,
	.table = plain_table,
	.figure = plain_figure,
};

void plain_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	page_render(r, o, &plain_face, out);
}
