// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"

const char *exchange_query(const struct exchange *x, const char *name)
{
	const char *value = x->get_query(x, name);

	return value && *value ? value : NULL;
}

const char *exchange_header(const struct exchange *x, const char *name)
{
	const char *value = x->get_header(x, name);

	return value && *value ? value : NULL;
}

int exchange_query_int(const struct exchange *x, const char *name, int64_t fallback, int64_t min,
		       int64_t max, int64_t *out, struct error *err)
{
	const char *text = exchange_query(x, name);
	long long value;
	char *end;

	*out = fallback;
	if (!text)
		return 0;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return error_set(err, -EINVAL, "?%s=: expected a number of %lld..%lld", name,
				 (long long)min, (long long)max);
	*out = value;
	return 0;
}

int exchange_parse(const struct exchange *x, struct json_object **out, struct error *err)
{
	int ret;

	if (!x->body.len) {
		*out = json_object_new_object();
		return 0;
	}
	ret = json_parse(x->body.buf, x->body.len, "body", out, err);
	if (ret)
		return ret;
	if (json_object_is_type(*out, json_type_object))
		return 0;
	json_object_put(*out);
	return error_set(err, -EINVAL, "body: expected a JSON object");
}

int exchange_answer(struct exchange *x, int status, struct json_object *json)
{
	json_object_put(x->json);
	x->json = json;
	x->status = status;
	return 0;
}

int exchange_answer_text(struct exchange *x, const char *type, struct strbuf *text)
{
	free(x->text);
	x->text_len = text->len;
	x->text = strbuf_detach(text);
	x->type = type;
	x->status = 200;
	return 0;
}

int exchange_go_on(struct exchange *x, const char *path)
{
	snprintf(x->location, sizeof(x->location), "%s", path);
	return exchange_answer(x, 303, NULL);
}

/* ---- rows ---- */

static bool holds_json(const char *name)
{
	static const char *const names[] = {"request", "tags", "serves", "progress", "data"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static struct json_object *column_value(sqlite3_stmt *s, int column)
{
	const char *text;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		return json_object_new_int64(sqlite3_column_int64(s, column));
	case SQLITE_FLOAT:
		return json_object_new_double(sqlite3_column_double(s, column));
	case SQLITE_NULL:
		return NULL;
	default:
		text = database_column(s, column);
		if (holds_json(sqlite3_column_name(s, column)))
			return json_tokener_parse(text);
		return json_object_new_string(text);
	}
}

struct json_object *exchange_row(sqlite3_stmt *s)
{
	struct json_object *row = json_object_new_object();

	for (int i = 0; i < sqlite3_column_count(s); i++)
		json_object_object_add(row, sqlite3_column_name(s, i), column_value(s, i));
	return row;
}

int exchange_rows(struct daemon_db *db, sqlite3_stmt *s, struct json_object **out,
		  struct error *err)
{
	int ret;

	*out = json_object_new_array();
	while ((ret = database_row(db, s, err)) == 1)
		json_object_array_add(*out, exchange_row(s));
	if (!ret)
		return 0;
	json_object_put(*out);
	*out = NULL;
	return ret;
}
