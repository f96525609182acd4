// SPDX-License-Identifier: GPL-2.0-only
/* Requests from JSON and to JSON, and whether they are complete. */
#include "orchestrator/request/request.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/request/internal.h"

#define KIND_KEY "request"
#define MAX_KEYS 40

const char *request_kind_command(enum request_kind kind)
{
	return request_tables[kind].command;
}

const char *request_kind_name(enum request_kind kind)
{
	return request_tables[kind].name;
}

/* ---- from JSON ---- */

/* The setters of field.c serve the command line, too, and do not know the place in the file;
 * json_error() adds it. */
static int parse_text(const struct json_node *n, char **out, struct error *err)
{
	struct error why;
	const char *s;
	int ret = json_as_string(n, &s, err);

	if (ret)
		return ret;
	if (request_set_string(out, s, &why))
		return json_error(n, err, "%s", why.text);
	return 0;
}

static int parse_integer(const struct json_node *n, const struct request_field *f, int *out,
			 struct error *err)
{
	int64_t i;
	int ret;

	if (f->word && json_object_is_type(n->value, json_type_string) &&
	    !strcmp(json_object_get_string(n->value), f->word)) {
		*out = 0;
		return 0;
	}
	if (f->word && !json_object_is_type(n->value, json_type_int))
		return json_error(n, err, "expected a whole number or \"%s\", found %s", f->word,
				  json_object_to_json_string(n->value));
	ret = json_as_int(n, (int64_t)f->min, (int64_t)f->max, &i, err);
	if (ret)
		return ret;
	*out = (int)i;
	return 0;
}

static int parse_real(const struct json_node *n, const struct request_field *f, double *out,
		      struct error *err)
{
	double d;
	int ret = json_as_double(n, &d, err);

	if (ret)
		return ret;
	if (d < f->min || d > f->max)
		return json_error(n, err, "%g is not within %g..%g", d, f->min, f->max);
	*out = d;
	return 0;
}

static int parse_choice(const struct json_node *n, const struct request_field *f, int *out,
			struct error *err)
{
	struct error why;
	const char *s;
	int ret = json_as_string(n, &s, err);

	if (ret)
		return ret;
	if (request_set_choice(out, f, s, &why))
		return json_error(n, err, "%s", why.text);
	return 0;
}

static int parse_list(const struct json_node *n, struct request_list *list, struct error *err)
{
	int ret = json_as_array(n, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < json_length(n); i++) {
		__cleanup_free char *text = NULL;
		struct json_node item;

		json_element(n, i, &item);
		ret = parse_text(&item, &text, err);
		if (ret)
			return ret;
		request_list_add(list, text);
	}
	return 0;
}

static int parse_field(const struct json_node *n, const struct request_field *f, struct request *r,
		       struct error *err)
{
	void *p = request_at(r, f);

	switch (f->type) {
	case REQUEST_TEXT:
		return parse_text(n, p, err);
	case REQUEST_INTEGER:
		return parse_integer(n, f, p, err);
	case REQUEST_REAL:
		return parse_real(n, f, p, err);
	case REQUEST_FLAG:
		return json_as_bool(n, p, err);
	case REQUEST_LIST:
		return parse_list(n, p, err);
	case REQUEST_CHOICE:
		return parse_choice(n, f, p, err);
	}
	return 0;
}

/* The kinds' names, for a message. */
static int unknown_kind(const struct json_node *n, const char *given, struct error *err)
{
	struct strbuf names = STRBUF_INIT;
	int ret;

	for (int i = 0; i < REQUEST_KINDS; i++)
		strbuf_addf(&names, "%s%s", i ? ", " : "", request_tables[i].name);
	ret = json_error(n, err, "\"%s\" is not a kind of request; the kinds are: %s", given,
			 names.buf);
	strbuf_release(&names);
	return ret;
}

/* Reads "request", which an object of a kind that is expected can leave out. */
static int parse_kind(const struct json_node *root, enum request_kind expected,
		      enum request_kind *kind, struct error *err)
{
	struct json_node n;
	const char *s;
	int ret = json_member(root, KIND_KEY, expected == REQUEST_ANY, &n, err);

	*kind = expected;
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = json_as_string(&n, &s, err);
	if (ret)
		return ret;
	for (*kind = 0; *kind < REQUEST_KINDS; (*kind)++)
		if (!strcmp(request_tables[*kind].name, s))
			break;
	if (*kind == REQUEST_KINDS)
		return unknown_kind(&n, s, err);
	if (expected != REQUEST_ANY && *kind != expected)
		return json_error(&n, err, "expected a request of kind \"%s\", found \"%s\"",
				  request_tables[expected].name, s);
	return 0;
}

static int check_keys(const struct json_node *root, enum request_kind kind, struct error *err)
{
	const char *keys[MAX_KEYS] = {KIND_KEY};
	size_t n = 1;

	for (const struct request_field *f = request_tables[kind].fields; f->help; f++)
		if (f->key && n < MAX_KEYS - 1)
			keys[n++] = f->key;
	return json_check_keys(root, keys, err);
}

static int parse_members(const struct json_node *root, struct request *r, struct error *err)
{
	for (const struct request_field *f = request_tables[r->kind].fields; f->help; f++) {
		struct json_node n;
		int ret;

		if (!f->key || json_member(root, f->key, false, &n, err))
			continue;
		ret = parse_field(&n, f, r, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_root(const struct json_node *root, enum request_kind expected, struct request *r,
		      struct error *err)
{
	enum request_kind kind;
	int ret = json_as_object(root, err);

	if (ret)
		return ret;
	ret = parse_kind(root, expected, &kind, err);
	if (ret)
		return ret;
	ret = check_keys(root, kind, err);
	if (ret)
		return ret;
	request_init(r, kind);
	ret = parse_members(root, r, err);
	if (!ret)
		ret = request_check(r, root->file, err);
	if (ret)
		request_free(r);
	return ret;
}

int request_parse(const char *json, size_t len, const char *name, enum request_kind expected,
		  struct request *out, struct error *err)
{
	struct json_object *doc;
	struct json_node root;
	int ret = json_parse(json, len, name, &doc, err);

	if (ret)
		return ret;
	root = (struct json_node){.value = doc, .file = name, .path = "$"};
	ret = parse_root(&root, expected, out, err);
	json_object_put(doc);
	return ret;
}

int request_load(const char *file, enum request_kind expected, struct request *out,
		 struct error *err)
{
	struct json_object *doc;
	struct json_node root;
	int ret = json_load(file, &doc, &root, err);

	if (ret)
		return ret;
	ret = parse_root(&root, expected, out, err);
	json_object_put(doc);
	return ret;
}

/* ---- is it complete? ---- */

static int check_missing(const struct request *r, const struct request_field *f, const char *name,
			 struct error *err)
{
	__cleanup_free char *argument = request_argument_name(f);

	if (!request_is_required(r, f) || request_is_given(r, f))
		return 0;
	if (name)
		return error_set(err, -EINVAL, "%s: $: \"%s\" is missing: %s", name, f->key,
				 f->help);
	return error_set(err, -EINVAL, "%s is missing: %s", argument, f->help);
}

/* A field of another alternative: "--first-parent" in a bisect of a series. */
static int check_misplaced(const struct request *r, const struct request_field *f, const char *name,
			   struct error *err)
{
	if (request_has_field(r, f) || !request_is_given(r, f))
		return 0;
	return request_complain(f, name, err, "cannot be used with a %s of this kind",
				request_tables[r->kind].name);
}

static int check_count(const struct request *r, const struct request_field *f, const char *name,
		       struct error *err)
{
	const struct request_list *list = request_at(r, f);

	if (f->type != REQUEST_LIST || !list->count)
		return 0;
	if (list->count >= f->min && list->count <= f->max)
		return 0;
	return request_complain(f, name, err,
				"given %zu times, but it must be given %.0f to %.0f times",
				list->count, f->min, f->max);
}

static int check_alternative(const struct request *r, const char *name, struct error *err)
{
	const struct request_table *table = &request_tables[r->kind];

	if (!table->alternatives || name)
		return 0;
	if (request_is_given(r, request_find_field(table->fields, table->alternatives)))
		return 0;
	return error_set(err, -EINVAL, "%s", table->no_alternative);
}

int request_check(const struct request *r, const char *name, struct error *err)
{
	const struct request_table *table = &request_tables[r->kind];
	int ret = check_alternative(r, name, err);

	for (const struct request_field *f = table->fields; !ret && f->help; f++) {
		if (!f->key && name)
			continue;
		ret = check_missing(r, f, name, err);
		if (ret || !f->key)
			continue;
		ret = check_misplaced(r, f, name, err);
		if (!ret)
			ret = check_count(r, f, name, err);
	}
	if (ret || !table->check)
		return ret;
	return table->check(r, table->fields, name, err);
}

/* ---- to JSON ---- */

/* The shortest text that reads back as the same number. */
static struct json_object *real_json(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	return json_object_new_double_s(value, text);
}

static struct json_object *integer_json(const struct request_field *f, int value)
{
	if (f->word && !value)
		return json_object_new_string(f->word);
	return json_object_new_int(value);
}

static struct json_object *list_json(const struct request_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, json_object_new_string(list->items[i]));
	return array;
}

static struct json_object *field_json(const struct request *r, const struct request_field *f)
{
	const void *p = request_at(r, f);

	switch (f->type) {
	case REQUEST_TEXT:
		return json_object_new_string(*(char *const *)p);
	case REQUEST_INTEGER:
		return integer_json(f, *(const int *)p);
	case REQUEST_REAL:
		return real_json(*(const double *)p);
	case REQUEST_FLAG:
		return json_object_new_boolean(*(const bool *)p);
	case REQUEST_LIST:
		return list_json(p);
	case REQUEST_CHOICE:
		return json_object_new_string(f->choice(*(const int *)p - 1));
	}
	return NULL;
}

char *request_json(const struct request *r)
{
	struct json_object *o = json_object_new_object();
	char *text;

	json_object_object_add(o, KIND_KEY, json_object_new_string(request_tables[r->kind].name));
	for (const struct request_field *f = request_tables[r->kind].fields; f->help; f++)
		if (f->key && request_is_given(r, f))
			json_object_object_add(o, f->key, field_json(r, f));
	text = json_canonical(o);
	json_object_put(o);
	return text;
}
