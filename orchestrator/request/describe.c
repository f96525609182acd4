// SPDX-License-Identifier: GPL-2.0-only
/* A JSON Schema of each kind of request, from its table. */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "orchestrator/request/internal.h"

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static struct json_object *text_schema(void)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "type", "string");
	json_object_object_add(o, "minLength", json_object_new_int(1));
	return o;
}

static void describe_list(const struct request_field *f, struct json_object *o)
{
	add_text(o, "type", "array");
	json_object_object_add(o, "items", text_schema());
	json_object_object_add(o, "minItems", json_object_new_int((int)f->min));
	json_object_object_add(o, "maxItems", json_object_new_int((int)f->max));
}

static void describe_range(const struct request_field *f, const char *type, struct json_object *o)
{
	add_text(o, "type", type);
	json_object_object_add(o, "minimum", json_object_new_int64((int64_t)f->min));
	json_object_object_add(o, "maximum", json_object_new_int64((int64_t)f->max));
}

/* A whole number, or the word for 0. */
static void describe_integer(const struct request_field *f, struct json_object *o)
{
	struct json_object *any, *number, *word;

	if (!f->word) {
		describe_range(f, "integer", o);
		return;
	}
	any = json_object_new_array();
	number = json_object_new_object();
	word = json_object_new_object();
	describe_range(f, "integer", number);
	add_text(word, "const", f->word);
	json_object_array_add(any, number);
	json_object_array_add(any, word);
	json_object_object_add(o, "anyOf", any);
}

static void describe_choice(const struct request_field *f, struct json_object *o)
{
	struct json_object *words = json_object_new_array();

	for (size_t i = 0; f->choice(i); i++)
		json_object_array_add(words, json_object_new_string(f->choice(i)));
	json_object_object_add(o, "enum", words);
}

static void describe_default(const struct request_field *f, struct json_object *o)
{
	struct json_object *value;

	if (!f->otherwise)
		return;
	value = json_tokener_parse(f->otherwise); /* a number; words are texts */
	if (!value)
		value = json_object_new_string(f->otherwise);
	json_object_object_add(o, "default", value);
}

/* How the command line has it: "--boots N|auto", "SCENARIO...". */
static void describe_argument(const struct request_field *f, struct json_object *o)
{
	__cleanup_free char *name = request_argument_name(f);
	struct strbuf text = STRBUF_INIT;

	if (f->place == REQUEST_NO_ARGUMENT)
		return;
	strbuf_addstr(&text, name);
	if (f->place == REQUEST_OPTION && f->argname)
		strbuf_addf(&text, " %s", f->argname);
	if (f->type == REQUEST_LIST)
		strbuf_addstr(&text, "...");
	add_text(o, "x-argument", text.buf);
	strbuf_release(&text);
}

static struct json_object *describe_field(const struct request_field *f)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "description", f->help);
	switch (f->type) {
	case REQUEST_TEXT:
		add_text(o, "type", "string");
		json_object_object_add(o, "minLength", json_object_new_int(1));
		break;
	case REQUEST_INTEGER:
		describe_integer(f, o);
		break;
	case REQUEST_REAL:
		describe_range(f, "number", o);
		break;
	case REQUEST_FLAG:
		add_text(o, "type", "boolean");
		break;
	case REQUEST_LIST:
		describe_list(f, o);
		break;
	case REQUEST_CHOICE:
		describe_choice(f, o);
		break;
	}
	describe_default(f, o);
	describe_argument(f, o);
	return o;
}

static struct json_object *kind_schema(const char *name)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "description", "the kind of request; can be left out where it is clear");
	add_text(o, "const", name);
	return o;
}

/* {"if": KIND is this one, "then": these are required} for each alternative. */
static struct json_object *alternative_schema(const struct request_table *t, size_t chosen,
					      const char *word)
{
	struct json_object *o = json_object_new_object(), *condition = json_object_new_object();
	struct json_object *then = json_object_new_object(), *list = json_object_new_array();
	struct json_object *choice = json_object_new_object(), *is = json_object_new_object();

	add_text(is, "const", word);
	json_object_object_add(choice, t->alternatives, is);
	json_object_object_add(condition, "properties", choice);
	for (const struct request_field *f = t->fields; f->help; f++)
		if (f->key && f->required != REQUEST_ALWAYS && (f->required & (1u << chosen)))
			json_object_array_add(list, json_object_new_string(f->key));
	json_object_object_add(then, "required", list);
	json_object_object_add(o, "if", condition);
	json_object_object_add(o, "then", then);
	return o;
}

static void describe_alternatives(enum request_kind kind, struct json_object *o)
{
	const struct request_table *t = &request_tables[kind];
	struct json_object *all;
	const struct request_field *f;

	if (!t->alternatives)
		return;
	all = json_object_new_array();
	f = request_find_field(t->fields, t->alternatives);
	for (size_t i = 0; f->choice(i); i++)
		json_object_array_add(all, alternative_schema(t, i + 1, f->choice(i)));
	json_object_object_add(o, "allOf", all);
}

struct json_object *request_describe(enum request_kind kind)
{
	const struct request_table *t = &request_tables[kind];
	struct json_object *o = json_object_new_object(), *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();
	__cleanup_free char *title = xasprintf("what nestlab %s is asked for", t->command);

	add_text(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
	add_text(o, "title", title);
	add_text(o, "description", t->help);
	add_text(o, "type", "object");
	json_object_object_add(o, "additionalProperties", json_object_new_boolean(false));
	json_object_object_add(properties, "request", kind_schema(t->name));
	for (const struct request_field *f = t->fields; f->help; f++) {
		if (!f->key)
			continue;
		json_object_object_add(properties, f->key, describe_field(f));
		if (f->required == REQUEST_ALWAYS && !f->unless)
			json_object_array_add(required, json_object_new_string(f->key));
	}
	json_object_object_add(o, "properties", properties);
	json_object_object_add(o, "required", required);
	describe_alternatives(kind, o);
	return o;
}
