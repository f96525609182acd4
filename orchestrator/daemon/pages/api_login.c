// SPDX-License-Identifier: GPL-2.0-only
/* A browser logs in, and out (session.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/daemon/pages/page.h"
#include "orchestrator/daemon/http/session.h"
#include "results/report/markup.h"

#define COOKIE_ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"

#define PATH_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

bool login_is_own_path(const char *path)
{
	return path && path[0] == '/' && path[1] != '/' && !path[strspn(path, PATH_CHARACTERS)];
}

void login_add_form(struct strbuf *page, const char *path)
{
	strbuf_addstr(
		page,
		"<p>An administrator makes tokens: <code>nestlab token add --scope submitter "
		"NAME</code>. A submitter can start jobs and say what becomes of changes; a viewer "
		"looks.</p>");
	web_begin_form(page, "/login", NULL);
	strbuf_addstr(page, "<input type=\"hidden\" name=\"to\"");
	markup_attribute(page, "value", "%s", path);
	strbuf_addch(page, '>');
	web_field(page, &(struct web_field){.name = "token", .label = "Token", .type = "password"});
	web_button(page, "Log in");
	strbuf_addstr(page, "</form>\n");
}

API_HANDLER(page_login)
{
	struct strbuf page = STRBUF_INIT;

	(void)db;
	(void)err;
	page_begin(x, &page, &(struct web_head){.title = "Log in"});
	login_add_form(&page, "/");
	return page_answer(x, &page, 0);
}

API_HANDLER(page_login_send)
{
	const char *token = form_value(&x->form, "token"), *to = form_value(&x->form, "to");
	char session[SESSION_MAX];
	int ret;

	if (!token)
		return error_set(err, -EINVAL, "the token is missing");
	ret = session_begin(db, token, session, err);
	if (ret)
		return ret;
	snprintf(x->cookie, sizeof(x->cookie), SESSION_COOKIE "=%s; Max-Age=%d" COOKIE_ATTRIBUTES,
		 session, SESSION_HOURS * 3600);
	explicit_bzero(session, sizeof(session));
	if (login_is_own_path(to))
		return exchange_go_on(x, to);
	return exchange_go_on(x, "/");
}

API_HANDLER(page_logout)
{
	int ret = session_end(db, x->session, err);

	if (ret)
		return ret;
	snprintf(x->cookie, sizeof(x->cookie), SESSION_COOKIE "=; Max-Age=0" COOKIE_ATTRIBUTES);
	return exchange_go_on(x, "/login");
}
