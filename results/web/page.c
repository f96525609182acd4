// SPDX-License-Identifier: GPL-2.0-only
#include "results/web/web.h"

#include "results/report/markup.h"

const char web_style[] =
	":root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--dim:#595959;--line:#1f5fa8;--rule:#ccc}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#161616;--dim:#a6a6a6;--line:#7db4f0;"
	"--rule:#444}}\n"
	"body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:1rem auto;"
	"max-width:76rem;padding:0 1rem}\n"
	"nav a{margin-right:1rem}a{color:var(--line)}\n"
	"table{border-collapse:collapse;width:100%}.wide{overflow-x:auto}caption{text-align:left;color:var(--dim)}\n"
	"th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--rule);"
	"vertical-align:top}\n"
	"svg{width:190px;height:26px;fill:none;stroke:var(--line);stroke-width:1.2}\n"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"@media print{nav{display:none}body{max-width:none}}\n";

void web_begin(struct strbuf *out, const char *title)
{
	strbuf_addstr(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			   "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	markup_add(out, title);
	strbuf_addstr(
		out,
		" - nestlab</title><link rel=\"stylesheet\" href=\"/style.css\"><link "
		"rel=\"alternate\" type=\"application/atom+xml\" href=\"/feed.atom\" title=\"changes\">"
		"</head><body><nav aria-label=\"pages\"><a href=\"/\">Tonight</a><a "
		"href=\"/trends\">Trends</a><a href=\"/queue\">Queue</a></nav><main>");
	markup_element(out, "h1", "%s", title);
}

void web_end(struct strbuf *out)
{
	strbuf_addstr(out, "</main></body></html>\n");
}

void web_begin_table(struct strbuf *out, const char *caption, const char *const *heads)
{
	strbuf_addstr(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\"");
	markup_attribute(out, "aria-label", "%s", caption);
	strbuf_addstr(out, "><table>");
	markup_element(out, "caption", "%s", caption);
	strbuf_addstr(out, "<thead><tr>");
	for (; *heads; heads++) {
		strbuf_addstr(out, "<th scope=\"col\">");
		markup_add(out, *heads);
		strbuf_addstr(out, "</th>");
	}
	strbuf_addstr(out, "</tr></thead><tbody>\n");
}

void web_cell(struct strbuf *out, const char *text)
{
	strbuf_addstr(out, "<td>");
	markup_add(out, text);
	strbuf_addstr(out, "</td>");
}

void web_link_cell(struct strbuf *out, const char *folder, const char *name, const char *text)
{
	strbuf_addstr(out, "<td><a");
	markup_attribute(out, "href", "%s%s", folder, name);
	strbuf_addch(out, '>');
	markup_add(out, text);
	strbuf_addstr(out, "</a></td>");
}

void web_end_table(struct strbuf *out)
{
	strbuf_addstr(out, "</tbody></table></div>\n");
}
