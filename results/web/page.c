// SPDX-License-Identifier: GPL-2.0-only
#include "results/web/web.h"

#include <string.h>

#include "common/alloc.h"
#include "results/report/markup.h"

#define REFRESH "5" /* seconds */

/* ---- the frame ---- */

static void add_navigation(struct strbuf *out, const struct web_head *head)
{
	static const struct {
		const char *path, *text;
	} entries[] = {
		{"/", "Tonight"},    {"/trends", "Trends"}, {"/lists", "Lists"},
		{"/queue", "Queue"}, {"/hosts", "Hosts"},   {"/signoffs", "Sign-offs"},
	};

	strbuf_addstr(out, "<header><nav aria-label=\"pages\">");
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		bool here = head->at && !strcmp(head->at, entries[i].path);

		strbuf_addf(out, "<a href=\"%s\"%s>%s</a>", entries[i].path,
			    here ? " aria-current=\"page\"" : "", entries[i].text);
	}
	strbuf_addstr(out, "</nav>");
}

static void add_login(struct strbuf *out, const struct web_head *head)
{
	if (!head->who) {
		strbuf_addstr(out, "<p><a href=\"/login\">Log in</a></p></header>");
		return;
	}
	web_begin_form(out, "/logout", head->logout_key);
	markup_add(out, head->who);
	web_button(out, "Log out");
	strbuf_addstr(out, "</form></header>");
}

void web_begin(struct strbuf *out, const struct web_head *head)
{
	strbuf_addstr(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			   "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	markup_add(out, head->title);
	strbuf_addstr(
		out,
		" - nestlab</title><link rel=\"stylesheet\" href=\"/style.css\"><link "
		"rel=\"alternate\" type=\"application/atom+xml\" href=\"/feed.atom\" title=\"changes\">");
	if (head->moves)
		strbuf_addstr(out, "<noscript><meta http-equiv=\"refresh\" content=\"" REFRESH
				   "\"></noscript>");
	for (const char *const *script = head->scripts; script && *script; script++)
		strbuf_addf(out, "<script src=\"%s\" defer></script>", *script);
	strbuf_addstr(out, "</head><body>");
	add_navigation(out, head);
	add_login(out, head);
	strbuf_addstr(out, "<main>");
	markup_element(out, "h1", "%s", head->title);
}

void web_end(struct strbuf *out)
{
	strbuf_addstr(out, "</main></body></html>\n");
}

/* ---- tables ---- */

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
	strbuf_addstr(out, "<td class=\"id\"><a");
	markup_attribute(out, "href", "%s%s", folder, name);
	strbuf_addch(out, '>');
	markup_add(out, text);
	strbuf_addstr(out, "</a></td>");
}

void web_state_cell(struct strbuf *out, const char *state)
{
	static const struct {
		const char *state, *class;
	} classes[] = {
		{"done", "good"},	{"stored", "good"},	  {"up", "good"},
		{"improved", "good"},	{"fixed", "good"},	  {"PASS", "good"},
		{"failed", "bad"},	{"regressed", "bad"},	  {"quarantined", "bad"},
		{"confirmed", "bad"},	{"culprit", "bad"},	  {"reported", "bad"},
		{"FAIL", "bad"},	{"running", "busy"},	  {"judging", "busy"},
		{"leased", "busy"},	{"received", "busy"},	  {"alarm", "busy"},
		{"confirming", "busy"}, {"bisecting", "busy"},	  {"draining", "busy"},
		{"reserved", "busy"},	{"inconclusive", "busy"}, {"BLOCKED", "busy"},
		{"broken", "bad"},	{"refused", "bad"},	  {"unapplied", "bad"},
		{"passed", "none"},	{"talk", "none"},	  {"superseded", "none"},
		{"cancelled", "none"},	{"retired", "none"},	  {"noise", "none"},
	};
	const char *class = "";

	for (size_t i = 0; state && i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].state, state))
			class = classes[i].class;
	strbuf_addf(out, "<td class=\"%s\">", class);
	markup_add(out, state);
	strbuf_addstr(out, "</td>");
}

void web_end_table(struct strbuf *out)
{
	strbuf_addstr(out, "</tbody></table></div>\n");
}

/* ---- forms ---- */

void web_begin_form(struct strbuf *out, const char *path, const char *key)
{
	strbuf_addstr(out, "<form class=\"sheet\" method=\"post\"");
	markup_attribute(out, "action", "%s", path);
	strbuf_addch(out, '>');
	if (!key)
		return;
	strbuf_addstr(out, "<input type=\"hidden\" name=\"key\"");
	markup_attribute(out, "value", "%s", key);
	strbuf_addch(out, '>');
}

void web_begin_filter(struct strbuf *out, const char *path)
{
	strbuf_addstr(out, "<form class=\"filter\" method=\"get\"");
	markup_attribute(out, "action", "%s", path);
	strbuf_addch(out, '>');
}

static void begin_field(struct strbuf *out, const char *name, const char *label)
{
	strbuf_addf(out, "<div class=\"field\"><label for=\"field-%s\">", name);
	markup_add(out, label);
	strbuf_addstr(out, "</label>");
}

void web_field(struct strbuf *out, const struct web_field *field)
{
	bool area = !strcmp(field->type, "textarea");

	begin_field(out, field->name, field->label);
	strbuf_addf(out, "<%s name=\"%s\" id=\"field-%s\"", area ? "textarea rows=\"3\"" : "input",
		    field->name, field->name);
	if (field->hint)
		strbuf_addf(out, " aria-describedby=\"hint-%s\"", field->name);
	if (area) {
		strbuf_addch(out, '>');
		markup_add(out, field->value);
		strbuf_addstr(out, "</textarea>");
	} else {
		markup_attribute(out, "type", "%s", field->type);
		if (field->value)
			markup_attribute(out, "value", "%s", field->value);
		strbuf_addch(out, '>');
	}
	if (field->hint) {
		strbuf_addf(out, "<small id=\"hint-%s\">", field->name);
		markup_add(out, field->hint);
		strbuf_addstr(out, "</small>");
	}
	strbuf_addstr(out, "</div>\n");
}

void web_select(struct strbuf *out, const char *name, const char *label, const char *value,
		const struct web_choice *choices)
{
	begin_field(out, name, label);
	strbuf_addf(out, "<select name=\"%s\" id=\"field-%s\">", name, name);
	for (; choices->text; choices++) {
		bool chosen = value && !strcmp(value, choices->value);

		strbuf_addstr(out, "<option");
		markup_attribute(out, "value", "%s", choices->value);
		strbuf_addstr(out, chosen ? " selected>" : ">");
		markup_add(out, choices->text);
		strbuf_addstr(out, "</option>");
	}
	strbuf_addstr(out, "</select></div>\n");
}

void web_button(struct strbuf *out, const char *text)
{
	strbuf_addstr(out, "<button>");
	markup_add(out, text);
	strbuf_addstr(out, "</button>");
}
