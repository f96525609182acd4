// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/doc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/doc_table.h"
#include "results/report/markup.h"

/* How each kind of document writes each thing. Text comes formatted and unescaped. */
struct doc_face {
	void (*begin)(struct doc *d, const char *title);
	void (*end)(struct doc *d);
	void (*heading)(struct doc *d, int level, const char *text);
	void (*paragraph)(struct doc *d, const char *text);
	void (*verdict)(struct doc *d, enum doc_tone tone, const char *word, const char *text);
	void (*list)(struct doc *d, bool open);
	void (*item)(struct doc *d, enum doc_tone tone, const char *text);
	void (*code)(struct doc *d, const char *text);
	void (*table)(struct doc *d, const struct doc_table *t);
	void (*figure)(struct doc *d, const char *caption, const char *svg,
		       const struct doc_table *numbers);
};

static const struct {
	const char *class, *sign;
} tones[DOC_TONES] = {
	[DOC_PLAIN] = {"", ""},		 [DOC_GOOD] = {"good", "\u2714 "},
	[DOC_BAD] = {"bad", "\u2718 "},	 [DOC_UNSURE] = {"unsure", "? "},
	[DOC_WAIVED] = {"waived", "~ "},
};

/* ---- HTML ---- */

/* Colours differ in lightness too, so that greyscale keeps them apart; s0/s1 base, s2/s3 new. */
static const char style_sheet[] =
	":root{color-scheme:light dark;--fg:#1a1c1f;--bg:#fff;--dim:#555b63;--rule:#d4d8dd;"
	"--tint:#f3f5f7;--base:#3f7fc4;--new:#8a2c02;--good:#14632b;--bad:#a30f1c;"
	"--unsure:#70500a;--band:#dfe4ea}\n"
	"@media (prefers-color-scheme:dark){:root{--fg:#e8eaed;--bg:#15171a;--dim:#a8b0ba;"
	"--rule:#3b4047;--tint:#1f2328;--base:#5d93cf;--new:#ffb98a;--good:#7ed69a;--bad:#ff9a9f;"
	"--unsure:#ecc76a;--band:#31373e}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:68rem;padding:1.5rem;color:var(--fg);background:var(--bg);"
	"font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 1rem}\n"
	"h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule)}\n"
	"h3{font-size:1.05rem;margin:1.4rem 0 .4rem}\n"
	"p{margin:.5rem 0}\n"
	".verdict{border:2px solid;border-left-width:10px;padding:.7rem 1rem;margin:1rem 0}\n"
	".verdict strong{font-size:1.5rem;letter-spacing:.03em;display:block}\n"
	".verdict span{color:var(--fg)}\n"
	".good{color:var(--good)}.bad{color:var(--bad)}.unsure,.waived{color:var(--unsure)}\n"
	"td.good,td.bad,td.unsure,td.waived{font-weight:600;white-space:nowrap}\n"
	".scroll{overflow-x:auto}\n"
	"table{border-collapse:collapse;font-size:.875rem;margin:.6rem 0;width:100%}\n"
	"caption{text-align:left;font-weight:600;padding:.3rem 0}\n"
	"th,td{border-bottom:1px solid var(--rule);padding:.28rem .55rem;text-align:left;"
	"vertical-align:top}\n"
	".long{overflow-wrap:anywhere}\n"
	"thead th{background:var(--tint);vertical-align:bottom}\n"
	"tbody th{font-weight:400;min-width:16rem}\n"
	".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
	"pre{background:var(--tint);border:1px solid var(--rule);padding:.7rem;font-size:.85rem;"
	"white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"figure{margin:1rem 0 1.6rem;break-inside:avoid}\n"
	"figcaption{font-weight:600;margin-bottom:.3rem}\n"
	"summary{cursor:pointer;color:var(--dim);font-size:.875rem}\n"
	".plot{width:100%;height:auto;display:block;font:13px system-ui,sans-serif}\n"
	".plot text{fill:var(--fg)}\n"
	".axis{stroke:var(--fg);stroke-width:1}.grid{stroke:var(--rule);stroke-width:1}\n"
	".guide{stroke:var(--dim);stroke-width:1;stroke-dasharray:1 3}\n"
	".band{fill:var(--band)}\n"
	".line{stroke-width:2}.marker{stroke-width:2}\n"
	".s0,.s1{stroke:var(--base);fill:var(--bg)}.s2,.s3{stroke:var(--new);fill:var(--new)}\n"
	"polyline.line{fill:none}\n"
	"@media print{body{max-width:none;padding:0;font-size:10.5pt}"
	"h2,h3{break-after:avoid}tr{break-inside:avoid}.scroll{overflow:visible}"
	"table{font-size:8.5pt}details:not([open]){display:none}}\n";

static void html_begin(struct doc *d, const char *title)
{
	strbuf_addstr(d->out, "<!DOCTYPE html>\n"
			      "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
			      "<meta charset=\"utf-8\"/>\n"
			      "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
			      "<link rel=\"icon\" href=\"data:,\"/>\n");
	markup_element(d->out, "title", "%s", title);
	strbuf_addf(d->out, "\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", style_sheet);
	markup_element(d->out, "h1", "%s", title);
	strbuf_addch(d->out, '\n');
}

static void html_end(struct doc *d)
{
	strbuf_addstr(d->out, "</main>\n</body>\n</html>\n");
}

static void html_heading(struct doc *d, int level, const char *text)
{
	markup_element(d->out, level == 2 ? "h2" : "h3", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_paragraph(struct doc *d, const char *text)
{
	markup_element(d->out, "p", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_verdict(struct doc *d, enum doc_tone tone, const char *word, const char *text)
{
	strbuf_addf(d->out, "<div role=\"status\" class=\"verdict %s\">", tones[tone].class);
	markup_element(d->out, "strong", "%s%s", tones[tone].sign, word);
	markup_element(d->out, "span", "%s", text);
	strbuf_addstr(d->out, "</div>\n");
}

static void html_list(struct doc *d, bool open)
{
	strbuf_addstr(d->out, open ? "<ul>\n" : "</ul>\n");
}

static void html_item(struct doc *d, enum doc_tone tone, const char *text)
{
	strbuf_addstr(d->out, "<li>");
	if (tone != DOC_PLAIN)
		strbuf_addf(d->out, "<span class=\"%s\">%s</span>", tones[tone].class,
			    tones[tone].sign);
	markup_add(d->out, text);
	strbuf_addstr(d->out, "</li>\n");
}

static void html_code(struct doc *d, const char *text)
{
	markup_element(d->out, "pre", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_head(struct doc *d, const struct doc_table *t)
{
	strbuf_addstr(d->out, "<thead><tr>");
	for (size_t c = 0; c < t->ncols; c++) {
		strbuf_addf(d->out, "<th scope=\"col\"%s>",
			    t->cols[c].number ? " class=\"n\"" : "");
		markup_add(d->out, t->cols[c].head);
		strbuf_addstr(d->out, "</th>");
	}
	strbuf_addstr(d->out, "</tr></thead>\n");
}

/* A word that no table column should be as wide as: a hash, a command line without blanks. */
static bool has_long_word(const char *text)
{
	for (size_t n = 0; *text; text++) {
		n = *text == ' ' ? 0 : n + 1;
		if (n > 30)
			return true;
	}
	return false;
}

static const char *cell_class(const struct doc_table_cell *cell, const struct doc_table_column *col)
{
	if (cell->tone)
		return tones[cell->tone].class;
	return col->number ? "n" : has_long_word(cell->text) ? "long" : NULL;
}

static void html_cell(struct doc *d, const struct doc_table *t, size_t i)
{
	const struct doc_table_cell *cell = &t->cells[i];
	const char *tag = i % t->ncols ? "td" : "th";
	const char *class = cell_class(cell, &t->cols[i % t->ncols]);

	strbuf_addf(d->out, "<%s%s", tag, i % t->ncols ? "" : " scope=\"row\"");
	if (class)
		strbuf_addf(d->out, " class=\"%s\"", class);
	strbuf_addf(d->out, ">%s", tones[cell->tone].sign);
	markup_add(d->out, cell->text);
	strbuf_addf(d->out, "</%s>", tag);
}

static void html_table(struct doc *d, const struct doc_table *t)
{
	strbuf_addstr(d->out, "<div class=\"scroll\"><table>\n");
	markup_element(d->out, "caption", "%s", t->caption);
	strbuf_addch(d->out, '\n');
	html_head(d, t);
	strbuf_addstr(d->out, "<tbody>\n");
	for (size_t i = 0; i < t->ncells; i++) {
		if (i % t->ncols == 0)
			strbuf_addstr(d->out, i ? "</tr>\n<tr>" : "<tr>");
		html_cell(d, t, i);
	}
	strbuf_addf(d->out, "%s</tbody>\n</table></div>\n", t->ncells ? "</tr>\n" : "");
}

static void html_figure(struct doc *d, const char *caption, const char *svg,
			const struct doc_table *numbers)
{
	strbuf_addstr(d->out, "<figure>\n");
	markup_element(d->out, "figcaption", "%s", caption);
	strbuf_addf(d->out, "\n%s<details><summary>The numbers of this figure</summary>\n", svg);
	html_table(d, numbers);
	strbuf_addstr(d->out, "</details>\n</figure>\n");
}

static const struct doc_face html_face = {
	.begin = html_begin,
	.end = html_end,
	.heading = html_heading,
	.paragraph = html_paragraph,
	.verdict = html_verdict,
	.list = html_list,
	.item = html_item,
	.code = html_code,
	.table = html_table,
	.figure = html_figure,
};

/* ---- text ---- */

#define TEXT_COLUMNS 100

static void text_rule(struct doc *d, char c, size_t n)
{
	while (n--)
		strbuf_addch(d->out, c);
	strbuf_addch(d->out, '\n');
}

static void text_wrap(struct doc *d, const char *text, size_t indent)
{
	doc_wrap(d->out, text, indent, TEXT_COLUMNS);
}

/* An empty line before, unless there is one. */
static void text_gap(struct doc *d)
{
	if (d->out->len < 2 || strcmp(d->out->buf + d->out->len - 2, "\n\n"))
		strbuf_addch(d->out, '\n');
}

static void text_begin(struct doc *d, const char *title)
{
	size_t from = d->out->len;

	text_wrap(d, title, 0);
	text_rule(d, '=', doc_width(d->out->buf + from, d->out->len - from - 1));
}

static void text_end(struct doc *d)
{
	(void)d;
}

static void text_heading(struct doc *d, int level, const char *text)
{
	text_gap(d);
	text_wrap(d, text, 0);
	text_rule(d, level == 2 ? '-' : '.', doc_width(text, strlen(text)));
}

static void text_paragraph(struct doc *d, const char *text)
{
	text_gap(d);
	text_wrap(d, text, 0);
}

static void text_verdict(struct doc *d, enum doc_tone tone, const char *word, const char *text)
{
	(void)tone;
	strbuf_addf(d->out, "\n%s: ", word);
	text_wrap(d, text, strlen(word) + 2);
}

static void text_list(struct doc *d, bool open)
{
	if (open)
		text_gap(d);
}

static void text_item(struct doc *d, enum doc_tone tone, const char *text)
{
	(void)tone; /* the words say it */
	strbuf_addstr(d->out, "- ");
	text_wrap(d, text, 2);
}

static void text_code(struct doc *d, const char *text)
{
	text_gap(d);
	while (*text) {
		size_t n = strcspn(text, "\n");
		__cleanup_free char *line = strndup(text, n);

		strbuf_addstr(d->out, "    ");
		markup_line(d->out, line);
		strbuf_addch(d->out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void text_table(struct doc *d, const struct doc_table *t)
{
	text_gap(d);
	text_wrap(d, t->caption, 0);
	doc_table_text(t, TEXT_COLUMNS, d->out);
}

static void text_figure(struct doc *d, const char *caption, const char *svg,
			const struct doc_table *numbers)
{
	(void)caption; /* the table's own says the same */
	(void)svg;
	text_table(d, numbers);
}

static const struct doc_face text_face = {
	.begin = text_begin,
	.end = text_end,
	.heading = text_heading,
	.paragraph = text_paragraph,
	.verdict = text_verdict,
	.list = text_list,
	.item = text_item,
	.code = text_code,
	.table = text_table,
	.figure = text_figure,
};

/* ---- both ---- */

static void in_list(struct doc *d, bool wanted)
{
	if (d->in_list != wanted)
		d->face->list(d, wanted);
	d->in_list = wanted;
}

void doc_begin(struct doc *d, bool html, struct strbuf *out, const char *title)
{
	*d = (struct doc){.face = html ? &html_face : &text_face, .out = out};
	d->face->begin(d, title);
}

void doc_end(struct doc *d)
{
	in_list(d, false);
	d->face->end(d);
}

/* What printf makes of the arguments after @fmt; for __cleanup_free variables. */
#define FORMATTED(fmt)                                  \
	({                                              \
		struct strbuf formatted_ = STRBUF_INIT; \
		va_list ap_;                            \
		va_start(ap_, fmt);                     \
		strbuf_vaddf(&formatted_, fmt, ap_);    \
		va_end(ap_);                            \
		strbuf_detach(&formatted_);             \
	})

void doc_heading(struct doc *d, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	in_list(d, false);
	d->face->heading(d, 2, text);
}

void doc_subheading(struct doc *d, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	in_list(d, false);
	d->face->heading(d, 3, text);
}

void doc_paragraph(struct doc *d, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	in_list(d, false);
	d->face->paragraph(d, text);
}

void doc_verdict(struct doc *d, enum doc_tone tone, const char *word, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	in_list(d, false);
	d->face->verdict(d, tone, word, text);
}

void doc_item(struct doc *d, enum doc_tone tone, const char *fmt, ...)
{
	__cleanup_free char *text = FORMATTED(fmt);

	in_list(d, true);
	d->face->item(d, tone, text);
}

void doc_code(struct doc *d, const char *text)
{
	in_list(d, false);
	d->face->code(d, text);
}

void doc_table(struct doc *d, struct doc_table *t)
{
	in_list(d, false);
	d->face->table(d, t);
	doc_table_free(t);
}

void doc_figure(struct doc *d, const char *caption, const char *svg, struct doc_table *numbers)
{
	in_list(d, false);
	d->face->figure(d, caption, svg, numbers);
	doc_table_free(numbers);
}
