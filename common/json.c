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
#include "common/strbuf.h"

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

int json_parse(const char *text, size_t len, const char *file, struct json_object **doc,
	       struct error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(32);
	enum json_tokener_error jerr;
	size_t end;
	int line, column, ret = 0;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* the NUL that ends the text tells json-c that a number at its end is complete */
	*doc = json_tokener_parse_ex(tok, text, len + 1);
	jerr = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	end = end > len ? len : end;
	line_and_column(text, end, &line, &column);
	if (jerr == json_tokener_success && end < len &&
	    end + strspn(text + end, " \t\r\n") < len) {
		json_object_put(*doc);
		*doc = NULL;
		ret = error_set(err, -EINVAL, "%s:%d:%d: something follows the JSON value", file,
				line, column);
	} else if (jerr == json_tokener_continue || jerr == json_tokener_error_parse_eof) {
		ret = error_set(err, -EINVAL, "%s:%d:%d: the JSON ends too early", file, line,
				column);
	} else if (jerr != json_tokener_success) {
		ret = error_set(err, -EINVAL, "%s:%d:%d: %s", file, line, column,
				json_tokener_error_desc(jerr));
	}
	json_tokener_free(tok);
	return ret;
}

int json_load(const char *file, struct json_object **doc, struct json_node *root, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(file, 16 << 20, &text, err);

	*doc = NULL;
	if (!ret)
		ret = json_parse(text.buf, text.len, file, doc, err);
	if (!ret)
		*root = (struct json_node){.value = *doc, .file = file, .path = "$"};
	strbuf_release(&text);
	return ret;
}

/* Edit distance, for "did you mean": the strings are short. */
static int distance(const char *a, const char *b)
{
	int row[64], n = strlen(b);

	if (n > 62)
		return 99;
	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

int json_check_keys(const struct json_node *obj, const char *const *known, struct error *err)
{
	json_object_object_foreach(obj->value, key, value)
	{
		const char *nearest = NULL;
		int best = 4;
		bool found = false;

		(void)value;
		for (const char *const *k = known; *k && !found; k++) {
			int d = distance(key, *k);

			found = !strcmp(key, *k);
			if (d < best) {
				best = d;
				nearest = *k;
			}
		}
		if (!found && nearest)
			return json_error(obj, err, "unknown key \"%s\"; did you mean \"%s\"?", key,
					  nearest);
		if (!found)
			return json_error(obj, err, "unknown key \"%s\"", key);
	}
	return 0;
}

int json_member(const struct json_node *obj, const char *key, bool required, struct json_node *out,
		struct error *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj->value, key, &value))
		return required ? json_error(obj, err, "\"%s\" is missing", key) : -ENOENT;
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
	if (*out < min || *out > max)
		return json_error(n, err, "%lld is not within %lld..%lld", (long long)*out,
				  (long long)min, (long long)max);
	return 0;
}

int json_as_double(const struct json_node *n, double *out, struct error *err)
{
	if (!json_object_is_type(n->value, json_type_int) &&
	    !json_object_is_type(n->value, json_type_double))
		return wrong_type(n, "a number", err);
	*out = json_object_get_double(n->value);
	return isfinite(*out) ? 0 : json_error(n, err, "not a finite number");
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
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(err, -EINVAL, "%s: %s: %s", n->file, n->path, text);
}

void json_add_string(struct json_object *obj, const char *key, const char *value)
{
	json_object_object_add(obj, key, value ? json_object_new_string(value) : NULL);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void canonical(struct json_object *v, struct strbuf *out);

static void canonical_object(struct json_object *v, struct strbuf *out)
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

		strbuf_addf(out, "%s%s:", i ? "," : "",
			    json_object_to_json_string_ext(
				    name, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(name);
		canonical(json_object_object_get(v, keys[i]), out);
	}
	strbuf_addch(out, '}');
	free(keys);
}

static void canonical(struct json_object *v, struct strbuf *out)
{
	switch (json_object_get_type(v)) {
	case json_type_object:
		canonical_object(v, out);
		break;
	case json_type_array:
		strbuf_addch(out, '[');
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			if (i)
				strbuf_addch(out, ',');
			canonical(json_object_array_get_idx(v, i), out);
		}
		strbuf_addch(out, ']');
		break;
	default:
		strbuf_addstr(out,
			      json_object_to_json_string_ext(
				      v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
}

char *json_canonical(struct json_object *v)
{
	struct strbuf out = STRBUF_INIT;

	canonical(v, &out);
	return strbuf_detach(&out);
}
