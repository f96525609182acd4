// SPDX-License-Identifier: GPL-2.0-only
/* What a browser may be made to do by pages of others, and may not do here. */
#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/daemon/http/carried.h"
#include "orchestrator/daemon/http/session.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/* ---- names ---- */

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* "127.0.0.1", "localhost", "[::1]", each with a port or without. */
static bool is_this_machine(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (has_prefix(host, names[i]) && strchr(":", host[strlen(names[i])]))
			return true;
	return false;
}

/* Without TLS nothing proves a name. A page of another site whose name is changed to lead here could read
 * what anybody may look at; its browser says that name. */
void guard_host(struct carried *c)
{
	const char *host = exchange_header(&c->x, "Host");

	if (c->listener->kind != LISTEN_PLAIN || !host || is_this_machine(host))
		return;
	answer_refuse(c, -EPERM, "this is not %.100s: ask for 127.0.0.1", host);
}

/* ---- forms ---- */

/* "https://lab:8443" of a request to "lab:8443" */
static bool is_own_origin(const struct carried *c, const char *origin)
{
	const char *host = exchange_header(&c->x, "Host"), *name = strstr(origin, "://");

	return host && name && !strcmp(name + 3, host);
}

/* What a browser says of the page that sent it. Others than browsers say nothing. */
static bool is_from_elsewhere(const struct carried *c)
{
	const char *site = exchange_header(&c->x, "Sec-Fetch-Site");
	const char *origin = exchange_header(&c->x, "Origin");

	if (site && strcmp(site, "same-origin"))
		return true;
	return origin && !is_own_origin(c, origin);
}

static bool has_key(const struct carried *c)
{
	const char *key = form_value(&c->x.form, SESSION_FIELD);

	if (!c->route->scopes)
		return true; /* nobody is logged in yet */
	return key && session_is_form_key(c->x.session, c->x.path, key);
}

void guard_form(struct carried *c)
{
	const char *type = exchange_header(&c->x, "Content-Type");
	int ret;

	if (!type || !has_prefix(type, FORM_TYPE)) {
		answer_refuse(c, -EINVAL, "expected a form: " FORM_TYPE);
		return;
	}
	if (c->route->scopes && !c->x.session[0]) {
		answer_refuse(
			c, -EINVAL,
			"forms are for browsers that are logged in; a program asks under /v1/");
		return;
	}
	if (is_from_elsewhere(c)) {
		answer_refuse(c, -EINVAL,
			      "the form was sent by a page of another site: nothing was done");
		return;
	}
	ret = form_parse(c->x.body.buf, c->x.body.len, &c->x.form, &c->err);
	if (ret) {
		c->ret = ret;
		c->over = true;
	} else if (!has_key(c)) {
		answer_refuse(c, -EINVAL, "the form is none of this login's: load its page again");
	}
}
