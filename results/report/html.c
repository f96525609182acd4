// SPDX-License-Identifier: GPL-2.0-only
/* Documents as one self-contained page of HTML, which is XML too. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "results/report/doc.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/page.h"

/* Colours differ in lightness, too, so that they can be told apart in greyscale. s0 and s1 are the
 * base, s2 and s3 the new kernel. */
static const char style_sheet[] =
	"\n:root{color-scheme:light dark;--fg:#1a1c1f;--bg:#fff;--dim:#555b63;--rule:#d4d8dd;"
	"--tint:#f3f5f7;--base:#3f7fc4;--new:#8a2c02;--good:#14632b;--bad:#a30f1c;"
	"--unsure:#70500a;--band:#dfe4ea}\n"
	"@media (prefers-color-scheme:dark){:root{--fg:#e8eaed;--bg:#15171a;--dim:#a8b0ba;"
	"--rule:#3b4047;--tint:#1f2328;--base:#5d93cf;--new:#ffb98a;--good:#7ed69a;--bad:#ff9a9f;"
	"--unsure:#ecc76a;--band:#31373e}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:80rem;padding:1.5rem;color:var(--fg);background:var(--bg);"
	"font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 1rem}\n"
	"h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule)}\n"
	"p{margin:.5rem 0}\n"
	".verdict{border:2px solid;border-left-width:10px;padding:.7rem 1rem;margin:1rem 0}\n"
	".verdict strong{font-size:1.5rem;letter-spacing:.03em;display:block}\n"
	".verdict span{color:var(--fg)}\n"
	".good{color:var(--good)}.bad{color:var(--bad)}.unsure,.waived{color:var(--unsure)}\n"
	"td.good,td.bad,td.unsure,td.waived{font-weight:600;white-space:nowrap}\n"
	".scroll{overflow-x:auto}\n"
	".scroll:focus-visible{outline:2px solid var(--new);outline-offset:2px}\n"
	/* a hash or a line to sign makes no page wider than its screen; tables scroll instead */
	"h1,h2,p,li,figcaption,.verdict{overflow-wrap:anywhere}\n"
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
	".plot{width:100%;min-width:38rem;height:auto;display:block;font:13px system-ui,sans-serif}\n"
	".plot text{fill:var(--fg)}\n"
	".axis{stroke:var(--fg);stroke-width:1}.grid{stroke:var(--rule);stroke-width:1}\n"
	".guide{stroke:var(--dim);stroke-width:1;stroke-dasharray:1 3}\n"
	".band{fill:var(--band)}\n"
	".line{stroke-width:2}.marker{stroke-width:2}\n"
	".s0,.s1{stroke:var(--base);fill:var(--bg)}.s2,.s3{stroke:var(--new);fill:var(--new)}\n"
	"polyline.line{fill:none}\n"
	/* call trees and bars (results/explain): told apart by hatching and lightness, not by hue */
	".flame{font-size:11px}\n"
	".box rect{stroke:var(--rule);stroke-width:.5}.same rect{fill:var(--tint)}\n"
	".fell rect{fill:url(#fell)}.grew rect{fill:var(--new)}.flame .grew text{fill:var(--bg)}\n"
	".fellback{fill:var(--bg)}.felllines{stroke:var(--base);stroke-width:3;opacity:.55}\n"
	"@media (max-width:40rem){body{padding:1rem}tbody th{min-width:9rem}}\n"
	"@media print{body{max-width:none;padding:0;font-size:10.5pt}"
	"h2{break-after:avoid}tr{break-inside:avoid}.scroll{overflow:visible}"
	"table{font-size:8.5pt}details:not([open]){display:none}}\n";

static void html_begin(struct doc *d, const char *title)
{
	strbuf_addstr(d->out, "<!DOCTYPE html>\n"
			      "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
			      "<meta charset=\"utf-8\"/>\n"
			      "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
			      "<link rel=\"icon\" href=\"data:,\"/>\n");
	markup_element(d->out, "title", "%s", title);
	strbuf_addf(d->out, "\n<style>%s</style>\n</head>\n<body>\n<main>\n", style_sheet);
	markup_element(d->out, "h1", "%s", title);
	strbuf_addch(d->out, '\n');
}

static void html_end(struct doc *d)
{
	strbuf_addstr(d->out, "</main>\n</body>\n</html>\n");
}

static void html_heading(struct doc *d, const char *text)
{
	markup_element(d->out, "h2", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_paragraph(struct doc *d, const char *text)
{
	markup_element(d->out, "p", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_verdict(struct doc *d, enum tone tone, const char *word, const char *text)
{
	strbuf_addf(d->out, "<div role=\"status\" class=\"verdict %s\">", tone_class(tone));
	markup_element(d->out, "strong", "%s%s", tone_sign(tone), word);
	markup_element(d->out, "span", "%s", text);
	strbuf_addstr(d->out, "</div>\n");
}

static void html_list(struct doc *d, bool open)
{
	if (open)
		strbuf_addstr(d->out, "<ul>\n");
	else
		strbuf_addstr(d->out, "</ul>\n");
}

static void html_item(struct doc *d, enum tone tone, const char *text)
{
	strbuf_addstr(d->out, "<li>");
	if (tone != TONE_PLAIN)
		strbuf_addf(d->out, "<span class=\"%s\">%s</span>", tone_class(tone),
			    tone_sign(tone));
	markup_add(d->out, text);
	strbuf_addstr(d->out, "</li>\n");
}

static void html_code(struct doc *d, const char *text)
{
	markup_element(d->out, "pre", "%s", text);
	strbuf_addch(d->out, '\n');
}

static void html_table(struct doc *d, const struct table *t)
{
	table_html(t, d->out);
}

static void html_figure(struct doc *d, const char *caption, const char *svg,
			const struct table *numbers)
{
	strbuf_addstr(d->out, "<figure>\n");
	markup_element(d->out, "figcaption", "%s", caption);
	strbuf_addstr(d->out, "\n<div class=\"scroll\" role=\"group\" tabindex=\"0\"");
	markup_attribute(d->out, "aria-label", "%s", caption);
	strbuf_addf(d->out, ">\n%s</div><details><summary>The numbers of this figure</summary>\n",
		    svg);
	html_table(d, numbers);
	strbuf_addstr(d->out, "</details>\n</figure>\n");
}

const struct doc_face html_face = {
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

void html_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	page_render(r, o, &html_face, out);
}

void report_html_policy(char *policy, size_t size)
{
	unsigned char hash[SHA256_DIGEST_LENGTH], text[SHA256_DIGEST_LENGTH * 2];

	SHA256((const unsigned char *)style_sheet, sizeof(style_sheet) - 1, hash);
	EVP_EncodeBlock(text, hash, sizeof(hash));
	snprintf(policy, size,
		 "default-src 'none'; style-src 'sha256-%s'; img-src data:; form-action 'none'; "
		 "base-uri 'none'; frame-ancestors 'none'",
		 (const char *)text);
}
