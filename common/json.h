/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h - strict reading of JSON files over json-c: every error names the file and the path in it.
 *
 * A struct json_node is a value and where it stands; it borrows from the document, which the caller
 * keeps and frees with json_object_put(). Getters return 0 or -EINVAL with err set, e.g.
 * "scenarios/quick.json: $.scenarios[2].ept[0]: expected true or false, found string \"on\"".
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "common/error.h"

#define JSON_PATH_MAX 256

struct json_node {
	struct json_object *value; /* borrowed */
	const char *file;	   /* for messages; borrowed */
	char path[JSON_PATH_MAX];  /* "$.a.b[3]" */
};

/* Parses the @len bytes at @text, which need no NUL behind them: one value and nothing else. Strict; a
 * key that is twice in an object is an error, too (json-c would take the last one). Errors name line and
 * column. *doc is the caller's; NULL on error (and for the value null). */
int json_parse(const char *text, size_t len, const char *file, struct json_object **doc,
	       struct error *err);
/* Reads and parses a file of at most 16 MiB; @root becomes its root node. */
int json_load(const char *file, struct json_object **doc, struct json_node *root,
	      struct error *err);

/* Fails on a key that is not in the NULL-terminated @known, and names the nearest known one. */
int json_check_keys(const struct json_node *obj, const char *const *known, struct error *err);

/* A member of an object: -ENOENT without setting @err if absent and @required is false. */
int json_member(const struct json_node *obj, const char *key, bool required, struct json_node *out,
		struct error *err);
int json_element(const struct json_node *array, size_t i, struct json_node *out);
size_t json_length(const struct json_node *array); /* 0 for anything but an array */

int json_as_string(const struct json_node *n, const char **out, struct error *err); /* borrowed */
int json_as_bool(const struct json_node *n, bool *out, struct error *err);
int json_as_int(const struct json_node *n, int64_t min, int64_t max, int64_t *out,
		struct error *err);
int json_as_double(const struct json_node *n, double *out, struct error *err);
int json_as_array(const struct json_node *n, struct error *err);
int json_as_object(const struct json_node *n, struct error *err);

/* An error at a node: "FILE: PATH: text"; returns -EINVAL. */
int json_error(const struct json_node *n, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds a string to an object; NULL is added as null. */
void json_add_string(struct json_object *obj, const char *key, const char *value);

/* The text of @v with object keys sorted, no blanks and one way to write a number (1, 1.0 and 1e0 are "1"):
 * equal values give equal bytes. The caller frees. */
char *json_canonical(struct json_object *v);

#endif
