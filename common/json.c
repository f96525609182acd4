// SPDX-License-Identifier: GPL-2.0-only
#include "common/json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json_keys.h"
#include "common/nearest.h"
#include "common/strbuf.h"
#include "common/terminal.h"

static void line_and_column(const char *text, size_t at, int *line, int *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at; i++) {
		(*column)++;
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

/* Does anything but blanks follow at @at? */
static bool has_rest(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] && strchr(" \t\r\n", text[at]))
		at++;
	return at < len;
}

/* Returns json-c's error; *end is how far it read. */
static enum json_tokener_error parse_tokens(struct json_tokener *tok, const char *text, size_t len,
					    struct json_object **doc, size_t *end)
{
	*doc = json_tokener_parse_ex(tok, text, len);
	*end = json_tokener_get_parse_end(tok);
	/* only a NUL tells json-c that a number at the end of the text is complete */
	if (json_tokener_get_error(tok) == json_tokener_continue)
		*doc = json_tokener_parse_ex(tok, "", 1);
	return json_tokener_get_error(tok);
}

/* json-c would take the last and say nothing. */
static int check_keys_once(const char *text, size_t len, const char *file, struct error *err)
{
	const char *twice = json_keys_find_twice(text, len);
	int line, column;

	if (!twice)
		return 0;
	line_and_column(text, twice - text, &line, &column);
	return error_set(err, -EINVAL, "%s:%d:%d: the key %.*s is there twice", file, line, column,
			 (int)(strcspn(twice + 1, "\"\n") + 2), twice);
}

int json_parse(const char *text, size_t len, const char *file, struct json_object **doc,
	       struct error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(32);
	enum json_tokener_error problem;
	const char *what;
	size_t end;
	int line, column, ret = 0;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	problem = parse_tokens(tok, text, len, doc, &end);
	if (problem == json_tokener_success && !has_rest(text, len, end)) {
		ret = check_keys_once(text, len, file, err);
		goto out;
	}
	if (problem == json_tokener_success)
		what = "unexpected text after the JSON value";
	else if (problem == json_tokener_continue || problem == json_tokener_error_parse_eof)
		what = "the JSON ends too early";
	else
		what = json_tokener_error_desc(problem);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		what = "a byte order mark: save the file as UTF-8 without one";
	line_and_column(text, end, &line, &column);
	ret = error_set(err, -EINVAL, "%s:%d:%d: %s", file, line, column, what);
out:
	if (ret) {
		json_object_put(*doc);
		*doc = NULL;
	}
	json_tokener_free(tok);
	return ret;
}

int json_load(const char *file, struct json_object **doc, struct json_node *root, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(file, 16 << 20, &text, err);

	*doc = NULL;
	if (ret)
		goto out;
	ret = json_parse(text.buf, text.len, file, doc, err);
	if (ret)
		goto out;
	*root = (struct json_node){.value = *doc, .file = file, .path = "$"};
out:
	strbuf_release(&text);
	return ret;
}

static bool is_known(const char *key, const char *const *known)
{
	for (; *known; known++)
		if (!strcmp(key, *known))
			return true;
	return false;
}

int json_check_keys(const struct json_node *obj, const char *const *known, struct error *err)
{
	json_object_object_foreach(obj->value, key, value)
	{
		const char *nearest;

		(void)value;
		if (is_known(key, known))
			continue;
		nearest = nearest_word(key, known);
		if (nearest)
			return json_error(obj, err, "unknown key \"%s\"; did you mean \"%s\"?", key,
					  nearest);
		return json_error(obj, err, "unknown key \"%s\"", key);
	}
	return 0;
}

int json_member(const struct json_node *obj, const char *key, bool required, struct json_node *out,
		struct error *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj->value, key, &value)) {
		if (!required)
			return -ENOENT;
		return json_error(obj, err, "\"%s\" is missing", key);
	}
	out->value = value;
	out->file = obj->file;
	snprintf(out->path, sizeof(out->path), "%.200s.%.50s", obj->path, key);
	return 0;
}

int json_element(const struct json_node *array, size_t i, struct json_node *out)
{
	if (i >= json_length(array))
		return -ENOENT;
	out->value = json_object_array_get_idx(array->value, i);
	out->file = array->file;
	snprintf(out->path, sizeof(out->path), "%.230s[%zu]", array->path, i);
	return 0;
}

size_t json_length(const struct json_node *array)
{
	if (!json_object_is_type(array->value, json_type_array))
		return 0;
	return json_object_array_length(array->value);
}

static int wrong_type(const struct json_node *n, const char *expected, struct error *err)
{
	const char *text = json_object_to_json_string_ext(n->value, JSON_C_TO_STRING_PLAIN);

	return json_error(n, err, "expected %s, found %s %.60s", expected,
			  json_type_to_name(json_object_get_type(n->value)), text);
}

int json_as_string(const struct json_node *n, const char **out, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_string))
		return wrong_type(n, "a string", err);
	*out = json_object_get_string(n->value);
	if (strlen(*out) != (size_t)json_object_get_string_len(n->value))
		return json_error(n, err, "the string has a NUL in it");
	return 0;
}

int json_as_bool(const struct json_node *n, bool *out, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_boolean))
		return wrong_type(n, "true or false", err);
	*out = json_object_get_boolean(n->value);
	return 0;
}

int json_as_int(const struct json_node *n, int64_t min, int64_t max, int64_t *out,
		struct error *err)
{
	if (!json_object_is_type(n->value, json_type_int))
		return wrong_type(n, "a whole number", err);
	*out = json_object_get_int64(n->value);
	if (*out >= min && *out <= max)
		return 0;
	if (*out == INT64_MIN || *out == INT64_MAX) /* json-c gives these for what is beyond them */
		return json_error(n, err, "the number is not within %lld..%lld", (long long)min,
				  (long long)max);
	return json_error(n, err, "%lld is not within %lld..%lld", (long long)*out, (long long)min,
			  (long long)max);
}

int json_as_double(const struct json_node *n, double *out, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_int) &&
	    !json_object_is_type(n->value, json_type_double))
		return wrong_type(n, "a number", err);
	*out = json_object_get_double(n->value);
	if (!isfinite(*out))
		return json_error(n, err, "not a finite number");
	return 0;
}

int json_as_array(const struct json_node *n, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_array))
		return wrong_type(n, "an array", err);
	return 0;
}

int json_as_object(const struct json_node *n, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_object))
		return wrong_type(n, "an object", err);
	return 0;
}

int json_error(const struct json_node *n, struct error *err, const char *fmt, ...)
{
	__cleanup_free char *line = NULL;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line = terminal_line(
		text); /* a value of the file's may have newlines, and look like another message */
	return error_set(err, -EINVAL, "%s: %s: %s", n->file, n->path, line);
}

void json_add_string(struct json_object *obj, const char *key, const char *value)
{
	struct json_object *string = NULL;

	if (value)
		string = json_object_new_string(value);
	json_object_object_add(obj, key, string);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_canonical(struct json_object *v, struct strbuf *out);

static void add_plain(struct json_object *v, struct strbuf *out)
{
	strbuf_addstr(out, json_object_to_json_string_ext(
				   v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void add_object(struct json_object *v, struct strbuf *out)
{
	const char **keys = xcalloc(json_object_object_length(v), sizeof(*keys));
	size_t n = 0;

	json_object_object_foreach(v, key, value)
	{
		(void)value;
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	strbuf_addch(out, '{');
	for (size_t i = 0; i < n; i++) {
		struct json_object *name = json_object_new_string(keys[i]);

		if (i)
			strbuf_addch(out, ',');
		add_plain(name, out);
		strbuf_addch(out, ':');
		add_canonical(json_object_object_get(v, keys[i]), out);
		json_object_put(name);
	}
	strbuf_addch(out, '}');
	free(keys);
}

static void add_array(struct json_object *v, struct strbuf *out)
{
	strbuf_addch(out, '[');
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		if (i)
			strbuf_addch(out, ',');
		add_canonical(json_object_array_get_idx(v, i), out);
	}
	strbuf_addch(out, ']');
}

/*
 * json-c prints a number as it was written, but 1.0, 1.00 and 1e0 are the same value. So a whole
 * number is printed without a fraction, and any other with the fewest digits that read back as the
 * same double.
 */
static void add_number(double value, struct strbuf *out)
{
	char text[40];

	if (value == floor(value) && fabs(value) < 9007199254740992.0) { /* 2^53 */
		strbuf_addf(out, "%lld", (long long)value);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	strbuf_addstr(out, text);
}

static void add_canonical(struct json_object *v, struct strbuf *out)
{
	switch (json_object_get_type(v)) {
	case json_type_object:
		add_object(v, out);
		break;
	case json_type_array:
		add_array(v, out);
		break;
	case json_type_double:
		add_number(json_object_get_double(v), out);
		break;
	default:
		add_plain(v, out);
	}
}

char *json_canonical(struct json_object *v)
{
	struct strbuf out = STRBUF_INIT;

	add_canonical(v, &out);
	return strbuf_detach(&out);
}
