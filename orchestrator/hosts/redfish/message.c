// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/message.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX  600 /* of all messages together */
#define START_MAX 120 /* of a body that is no JSON */

struct json_object *message_parse(const struct strbuf *body)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *json;

	json = json_tokener_parse_ex(tok, body->buf, (int)body->len);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    !json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		json = NULL;
	}
	json_tokener_free(tok);
	return json;
}

static struct json_object *walk(struct json_object *o, va_list ap)
{
	const char *key;

	while (o && (key = va_arg(ap, const char *)))
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, key, &o))
			o = NULL;
	return o;
}

struct json_object *message_at(struct json_object *o, ...)
{
	va_list ap;

	va_start(ap, o);
	o = walk(o, ap);
	va_end(ap);
	return o;
}

const char *message_text(struct json_object *o, ...)
{
	va_list ap;

	va_start(ap, o);
	o = walk(o, ap);
	va_end(ap);
	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

/* Whatever it is, it is shown on one line. */
static void add_clean(struct strbuf *out, const char *text, size_t max)
{
	for (size_t i = 0; text[i] && i < max; i++) {
		unsigned char c = (unsigned char)text[i];

		strbuf_addch(out, (char)(iscntrl(c) ? ' ' : c));
	}
}

static void add_one(struct json_object *message, struct strbuf *out)
{
	const char *text = message_text(message, "Message", NULL),
		   *id = message_text(message, "MessageId", NULL);

	if ((!text && !id) || out->len > TEXT_MAX)
		return;
	if (out->len)
		strbuf_addstr(out, "; ");
	if (text)
		add_clean(out, text, TEXT_MAX);
	if (id) {
		strbuf_addstr(out, text ? " (" : "");
		add_clean(out, id, TEXT_MAX);
		strbuf_addstr(out, text ? ")" : "");
	}
}

void message_add(struct json_object *messages, struct strbuf *out)
{
	if (!json_object_is_type(messages, json_type_array)) {
		if (json_object_is_type(messages, json_type_object))
			add_one(messages, out);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(messages); i++) {
		struct json_object *m = json_object_array_get_idx(messages, i);

		if (json_object_is_type(m, json_type_object))
			add_one(m, out);
	}
}

/* {"error": {"message": ..., "@Message.ExtendedInfo": [...]}}; the array may be an object, and stand at the
 * top. */
static void add_error(struct json_object *json, struct strbuf *said)
{
	struct json_object *error = NULL, *info = NULL;

	json_object_object_get_ex(json, "error", &error);
	if (!json_object_is_type(error, json_type_object))
		error = json;
	if (json_object_object_get_ex(error, "@Message.ExtendedInfo", &info) ||
	    json_object_object_get_ex(json, "@Message.ExtendedInfo", &info))
		message_add(info, said);
	if (!said->len && message_text(error, "message", NULL))
		add_clean(said, message_text(error, "message", NULL), TEXT_MAX);
}

void message_describe(long status, const struct strbuf *body, struct strbuf *out)
{
	struct json_object *json = message_parse(body);
	struct strbuf said = STRBUF_INIT;

	if (json)
		add_error(json, &said);
	else if (body->len)
		add_clean(&said, body->buf, START_MAX);
	strbuf_addf(out, "status %ld", status);
	if (said.len)
		strbuf_addf(out, ": %s", said.buf);
	strbuf_release(&said);
	json_object_put(json);
}
