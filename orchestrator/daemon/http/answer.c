// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/json.h"
#include "orchestrator/daemon/http/carried.h"
#include "orchestrator/daemon/http/metrics.h"
#include "orchestrator/daemon/pages/page.h"
#include "results/report/markup.h"
#include "results/web/web.h"

#define RETRY_AFTER "5" /* seconds */

static const struct {
	int code, status;
	const char *title;
} problems[] = {
	{-EINVAL, 400, "The request is wrong"},
	{-E2BIG, 400, "The request asks for too much"},
	{-EACCES, 401, "Who asks is not known"},
	{-EPERM, 403, "Not allowed"},
	{-ENOENT, 404, "Not found"},
	{-ENOTSUP, 405, "Not done here"},
	{-EEXIST, 409, "The state does not allow it"},
	{-ESTALE, 410, "Too late"},
	{-EFBIG, 413, "Too large"},
	{-EBUSY, 503, "Too much at once"},
	{-ETIMEDOUT, 503, "It takes too long"},
	{-EAGAIN, 503, "Not now"},
	{-ECANCELED, 503, "The daemon is ending"},
	{-ENOSPC, 507, "Too little disk is free"},
};

static void find_problem(int code, int *status, const char **title)
{
	for (size_t i = 0; i < ARRAY_SIZE(problems); i++)
		if (problems[i].code == code) {
			*status = problems[i].status;
			*title = problems[i].title;
			return;
		}
	*status = 500;
	*title = "The daemon is in trouble";
}

void answer_refuse(struct carried *c, int code, const char *fmt, ...)
{
	va_list ap;

	c->ret = code;
	c->err.code = code;
	va_start(ap, fmt);
	vsnprintf(c->err.text, sizeof(c->err.text), fmt, ap);
	va_end(ap);
	c->over = true;
}

/* ---- problems ---- */

static bool is_for_people(const struct carried *c)
{
	const char *accept = exchange_header(&c->x, "Accept");

	if (c->route)
		return c->route->flags & ROUTE_PAGE;
	return accept && strstr(accept, "text/html");
}

/* Where the browser wanted to go, for after its login. */
static const char *wanted_path(const struct carried *c)
{
	const char *to = form_value(&c->x.form, "to");

	if (c->route && !strcmp(c->route->method, "GET"))
		return c->x.path;
	if (login_is_own_path(to))
		return to;
	return "/";
}

/* Who comes by a link of another site brings no cookie, though logged in: a link of ours does. */
static void add_way_in(struct carried *c, struct strbuf *page)
{
	const char *path = wanted_path(c);

	strbuf_addstr(page, "<p><a");
	markup_attribute(page, "href", "%s", path);
	strbuf_addstr(page, ">Go on, if you are logged in already</a></p>");
	login_add_form(page, path);
}

static void make_problem_page(struct carried *c)
{
	struct strbuf page = STRBUF_INIT;
	const char *title;
	int status;

	find_problem(c->ret, &status, &title);
	page_begin(&c->x, &page, &(struct web_head){.title = title});
	markup_element(&page, "p", "%s", c->err.text);
	if (status == 401)
		add_way_in(c, &page);
	page_answer(&c->x, &page, 0);
	c->x.status = status;
}

/* RFC 9457. The detail is made for people; "errno" for programs. */
static void make_problem(struct carried *c)
{
	struct json_object *problem = json_object_new_object();
	struct strbuf text = STRBUF_INIT;
	const char *title;
	int status;

	find_problem(c->ret, &status, &title);
	json_add_string(problem, "type", "about:blank");
	json_add_string(problem, "title", title);
	json_object_object_add(problem, "status", json_object_new_int(status));
	json_add_string(problem, "detail", c->err.text);
	strbuf_addstr(&text, json_object_to_json_string_ext(problem, JSON_C_TO_STRING_PLAIN));
	json_object_put(problem);
	exchange_answer_text(&c->x, "application/problem+json", &text);
	c->x.status = status;
}

static void make_text(struct exchange *x)
{
	struct strbuf text = STRBUF_INIT;
	int status = x->status;

	if (!x->json)
		return;
	strbuf_addstr(&text,
		      json_object_to_json_string_ext(
			      x->json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	strbuf_addch(&text, '\n');
	exchange_answer_text(x, "application/json", &text);
	x->status = status;
}

static void add_headers(struct MHD_Response *r, const struct exchange *x)
{
	if (x->lasts)
		MHD_add_response_header(r, "Cache-Control", "max-age=600");
	else
		MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "same-origin");
	if (x->policy[0])
		MHD_add_response_header(r, "Content-Security-Policy", x->policy);
	else
		MHD_add_response_header(r, "Content-Security-Policy", WEB_POLICY);
	if (x->cookie[0])
		MHD_add_response_header(r, "Set-Cookie", x->cookie);
	if (x->type)
		MHD_add_response_header(r, "Content-Type", x->type);
	if (x->etag[0])
		MHD_add_response_header(r, "ETag", x->etag);
	if (x->location[0])
		MHD_add_response_header(r, "Location", x->location);
	if (x->status == 503)
		MHD_add_response_header(r, "Retry-After", RETRY_AFTER);
	if (x->status == 401)
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
}

enum MHD_Result answer_send(struct carried *c)
{
	struct exchange *x = &c->x;
	struct MHD_Response *r;
	enum MHD_Result sent;

	if (c->ret < 0 && is_for_people(c))
		make_problem_page(c);
	else if (c->ret < 0)
		make_problem(c);
	else
		make_text(x);
	if (!x->status)
		x->status = 200;
	if (x->status == 503)
		counters_add_refused(c->server->setting.service.counters);
	counters_add_answer(c->server->setting.service.counters, x->status,
			    clock_seconds() - c->began);
	r = MHD_create_response_from_buffer(x->text_len, x->text, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	add_headers(r, x);
	sent = MHD_queue_response(c->connection, x->status, r);
	MHD_destroy_response(r);
	return sent;
}
