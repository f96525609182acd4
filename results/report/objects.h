/* SPDX-License-Identifier: GPL-2.0-only */
/* objects.h - comparisons, and texts from outside, as JSON objects: for the formats that are JSON. */
#ifndef RESULTS_REPORT_OBJECTS_H
#define RESULTS_REPORT_OBJECTS_H

#include <json-c/json.h>

#include "common/strbuf.h"
#include "results/compare/compare.h"

/* What `compare --json` prints; the caller's. A number that is unknown is null, the others have ten
 * digits, which is more than any of them is good for. */
struct json_object *objects_of_comparison(const struct results_comparison *c);

/* The same of several kernels against one. */
struct json_object *objects_of_table(const struct results_table *t);
/* The database's seals and their head. */
struct json_object *objects_of_head(const struct results_head *h);

/* Adds a member with @text, made valid UTF-8; an empty one is left out. */
void objects_add_text(struct json_object *obj, const char *key, const char *text);
/* Stored JSON as an object that the caller frees, or NULL if it is not an object. */
struct json_object *objects_parse(const char *text);
/* Appends @doc as text, indented, with a newline. */
void objects_print(struct json_object *doc, struct strbuf *out);

#endif
