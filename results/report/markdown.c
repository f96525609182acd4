// SPDX-License-Identifier: GPL-2.0-only
/* Documents as Markdown, as GitHub and GitLab show it: for an issue, a merge request, a wiki. */
#include <string.h>

#include "results/report/doc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/page.h"

/* A paragraph of its own, begun by @mark. */
static void add_block(struct doc *d, const char *mark, const char *text)
{
	strbuf_addf(d->out, "\n%s", mark);
	markup_markdown(d->out, text);
	strbuf_addch(d->out, '\n');
}

static void markdown_begin(struct doc *d, const char *title)
{
	strbuf_addstr(d->out, "# ");
	markup_markdown(d->out, title);
	strbuf_addch(d->out, '\n');
}

static void markdown_end(struct doc *d)
{
	(void)d;
}

static void markdown_heading(struct doc *d, const char *text)
{
	add_block(d, "## ", text);
}

static void markdown_paragraph(struct doc *d, const char *text)
{
	add_block(d, "", text);
}

static void markdown_verdict(struct doc *d, enum tone tone, const char *word, const char *text)
{
	strbuf_addf(d->out, "\n%s**%s**: ", tone_sign(tone), word);
	markup_markdown(d->out, text);
	strbuf_addch(d->out, '\n');
}

static void markdown_list(struct doc *d, bool open)
{
	if (open)
		strbuf_addch(d->out, '\n');
}

static void markdown_item(struct doc *d, enum tone tone, const char *text)
{
	strbuf_addf(d->out, "- %s", tone_sign(tone));
	markup_markdown(d->out, text);
	strbuf_addch(d->out, '\n');
}

/* Indented by four: no fence that the text could close. */
static void markdown_code(struct doc *d, const char *text)
{
	strbuf_addch(d->out, '\n');
	while (*text) {
		size_t n = strcspn(text, "\n");
		struct strbuf line = STRBUF_INIT;

		strbuf_add(&line, text, n);
		strbuf_addstr(d->out, "    ");
		markup_line(d->out, line.buf);
		strbuf_addch(d->out, '\n');
		strbuf_release(&line);
		text += n;
		text += *text == '\n';
	}
}

static void markdown_table(struct doc *d, const struct table *t)
{
	add_block(d, "", table_caption(t));
	strbuf_addch(d->out, '\n');
	table_markdown(t, d->out);
}

/* The drawing is left out: neither site shows SVG that is in the text. */
static void markdown_figure(struct doc *d, const char *caption, const char *svg,
			    const struct table *numbers)
{
	(void)caption;
	(void)svg;
	markdown_table(d, numbers);
}

const struct doc_face markdown_face = {
	.begin = markdown_begin,
	.end = markdown_end,
	.heading = markdown_heading,
	.paragraph = markdown_paragraph,
	.verdict = markdown_verdict,
	.list = markdown_list,
	.item = markdown_item,
	.code = markdown_code,
	.table = markdown_table,
	.figure = markdown_figure,
};

void markdown_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	page_render(r, o, &markdown_face, out);
}
