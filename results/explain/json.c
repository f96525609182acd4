// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/terminal.h"
#include "common/utf8.h"
#include "results/explain/explain.h"

#define FORMAT_VERSION 1
#define REAL_MAX       1e15
#define DEPTH_MAX      1000 /* of the tree; what orchestrator/explain makes is below 3 * WALK_DEPTH */

static const char *const table_names[EXPLAIN_KINDS] = {
	[EXPLAIN_BY_LEVEL] = "levels", [EXPLAIN_BY_FOLDER] = "folders",
	[EXPLAIN_BY_FILE] = "files",   [EXPLAIN_BY_FUNCTION] = "functions",
	[EXPLAIN_EVENTS] = "events",   [EXPLAIN_EXITS] = "exits",
};

/* A member of one of the structs: written and read by the same row. */
enum field_type { FIELD_TEXT, FIELD_REAL, FIELD_INT, FIELD_BOOL, FIELD_LEVEL, FIELD_SEED };
struct field {
	const char *key;
	enum field_type type;
	size_t at;
};
#define FIELD(s, k, t, m)                   \
	{                                   \
		k, t, offsetof(struct s, m) \
	}

static const struct field explanation_fields[] = {
	FIELD(explanation, "scenario", FIELD_TEXT, scenario),
	FIELD(explanation, "params", FIELD_TEXT, params),
	FIELD(explanation, "metric", FIELD_TEXT, metric),
	FIELD(explanation, "operation", FIELD_TEXT, operation),
	FIELD(explanation, "host", FIELD_TEXT, host),
	FIELD(explanation, "made", FIELD_TEXT, made),
	FIELD(explanation, "seed", FIELD_SEED, seed),
	FIELD(explanation, "low", FIELD_REAL, low),
	FIELD(explanation, "high", FIELD_REAL, high),
	{0},
};
static const struct field side_fields[] = {
	FIELD(explain_side, "kernel", FIELD_TEXT, kernel),
	FIELD(explain_side, "key", FIELD_TEXT, key),
	FIELD(explain_side, "total", FIELD_REAL, total.mean),
	FIELD(explain_side, "error", FIELD_REAL, total.error),
	FIELD(explain_side, "interrupted", FIELD_INT, interrupted),
	FIELD(explain_side, "interrupts", FIELD_REAL, interrupts),
	FIELD(explain_side, "all", FIELD_REAL, all.mean),
	FIELD(explain_side, "all_error", FIELD_REAL, all.error),
	FIELD(explain_side, "median", FIELD_REAL, median),
	FIELD(explain_side, "mean", FIELD_REAL, mean),
	FIELD(explain_side, "operations", FIELD_INT, operations),
	FIELD(explain_side, "followed", FIELD_INT, followed),
	FIELD(explain_side, "boots", FIELD_INT, boots),
	FIELD(explain_side, "instructions", FIELD_REAL, instructions),
	{0},
};
static const struct field row_fields[] = {
	FIELD(explain_row, "name", FIELD_TEXT, name),
	FIELD(explain_row, "where", FIELD_TEXT, where),
	FIELD(explain_row, "caller", FIELD_TEXT, caller),
	FIELD(explain_row, "level", FIELD_LEVEL, level),
	FIELD(explain_row, "base", FIELD_REAL, of[0].mean),
	FIELD(explain_row, "base_error", FIELD_REAL, of[0].error),
	FIELD(explain_row, "new", FIELD_REAL, of[1].mean),
	FIELD(explain_row, "new_error", FIELD_REAL, of[1].error),
	FIELD(explain_row, "low", FIELD_REAL, low),
	FIELD(explain_row, "high", FIELD_REAL, high),
	FIELD(explain_row, "moved", FIELD_BOOL, moved),
	{0},
};
static const struct field node_fields[] = {
	FIELD(explain_node, "name", FIELD_TEXT, name),
	FIELD(explain_node, "level", FIELD_LEVEL, level),
	FIELD(explain_node, "parent", FIELD_INT, parent),
	FIELD(explain_node, "base", FIELD_REAL, cost[0]),
	FIELD(explain_node, "new", FIELD_REAL, cost[1]),
	{0},
};

/* ---- writing ---- */

static struct json_object *value_of(const struct field *f, const void *at)
{
	if (f->type == FIELD_TEXT)
		return json_object_new_string(*(char *const *)at);
	if (f->type == FIELD_REAL)
		return json_object_new_double(*(const double *)at);
	if (f->type == FIELD_BOOL)
		return json_object_new_boolean(*(const bool *)at);
	if (f->type == FIELD_SEED)
		return json_object_new_int64((int64_t) * (const uint64_t *)at);
	return json_object_new_int(*(const int *)at); /* levels are ints, too */
}

static struct json_object *object_of(const struct field *fields, const void *s)
{
	struct json_object *o = json_object_new_object();

	for (const struct field *f = fields; f->key; f++)
		json_object_object_add(o, f->key, value_of(f, (const char *)s + f->at));
	return o;
}

static struct json_object *array_of(const struct field *fields, const void *items, size_t n,
				    size_t size)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, object_of(fields, (const char *)items + i * size));
	return a;
}

struct json_object *explain_to_json(const struct explanation *e)
{
	struct json_object *o = object_of(explanation_fields, e);

	json_object_object_add(o, "explanation", json_object_new_int(FORMAT_VERSION));
	json_object_object_add(o, "confidence", json_object_new_double(EXPLAIN_CONFIDENCE));
	json_object_object_add(
		o, "kernels",
		array_of(side_fields, e->sides, (size_t)e->nsides, sizeof(e->sides[0])));
	for (int i = 0; i < EXPLAIN_KINDS; i++)
		json_object_object_add(o, table_names[i],
				       array_of(row_fields, e->tables[i].rows, e->tables[i].nrows,
						sizeof(*e->tables[i].rows)));
	json_object_object_add(o, "tree",
			       array_of(node_fields, e->nodes, e->nnodes, sizeof(*e->nodes)));
	return o;
}

/* ---- reading ---- */

/* Names are lines of tables and of folded stacks: one that could end a line or command a terminal is none. */
static bool is_plain(const char *text)
{
	while (*text) {
		size_t n = utf8_length(text, UTF8_TO_NUL);

		if (!n || terminal_is_control(text, n))
			return false;
		text += n;
	}
	return true;
}

static int read_text(const struct json_node *n, char **out, struct error *err)
{
	const char *text;
	int ret = json_as_string(n, &text, err);

	if (ret)
		return ret;
	if (!is_plain(text))
		return json_error(n, err, "expected text without control characters");
	*out = xstrdup(text);
	return 0;
}

/* Within what sums and drawings can be made of. */
static int read_real(const struct json_node *n, double *out, struct error *err)
{
	int ret = json_as_double(n, out, err);

	if (!ret && !(fabs(*out) <= REAL_MAX))
		ret = json_error(n, err, "expected a number up to %g", REAL_MAX);
	return ret;
}

static int read_field(const struct json_node *n, const struct field *f, void *at, struct error *err)
{
	int64_t max = f->type == FIELD_LEVEL ? EXPLAIN_LEVELS - 1 : INT32_MAX, value;
	int ret;

	if (f->type == FIELD_TEXT)
		return read_text(n, at, err);
	if (f->type == FIELD_REAL)
		return read_real(n, at, err);
	if (f->type == FIELD_BOOL)
		return json_as_bool(n, at, err);
	ret = json_as_int(n, f->type == FIELD_LEVEL ? 0 : -1, max, &value, err);
	if (ret)
		return ret;
	if (f->type == FIELD_SEED)
		*(uint64_t *)at = (uint64_t)value;
	else
		*(int *)at = (int)value;
	return 0;
}

static int read_object(const struct json_node *n, const struct field *fields, void *s,
		       struct error *err)
{
	int ret = json_as_object(n, err);

	for (const struct field *f = fields; !ret && f->key; f++) {
		struct json_node member;

		ret = json_member(n, f->key, true, &member, err);
		if (!ret)
			ret = read_field(&member, f, (char *)s + f->at, err);
	}
	return ret;
}

/* Reads an array of objects of @size bytes; *items is the caller's, after an error too. */
static int read_array(const struct json_node *root, const char *key, const struct field *fields,
		      size_t size, void **items, size_t *n, struct error *err)
{
	struct json_node list;
	int ret = json_member(root, key, true, &list, err);

	if (!ret)
		ret = json_as_array(&list, err);
	if (ret)
		return ret;
	*items = xcalloc(json_length(&list) + 1, size);
	for (size_t i = 0; !ret && i < json_length(&list); i++) {
		struct json_node item;

		json_element(&list, i, &item);
		*n = i + 1;
		ret = read_object(&item, fields, (char *)*items + i * size, err);
	}
	return ret;
}

static int read_sides(const struct json_node *root, struct explanation *e, struct error *err)
{
	struct json_node list, item;
	int ret = json_member(root, "kernels", true, &list, err);

	if (!ret)
		ret = json_as_array(&list, err);
	if (ret)
		return ret;
	if (json_length(&list) < 1 || json_length(&list) > 2)
		return json_error(&list, err, "expected one kernel or two");
	for (size_t i = 0; !ret && i < json_length(&list); i++) {
		json_element(&list, i, &item);
		e->nsides = (int)i + 1;
		ret = read_object(&item, side_fields, &e->sides[i], err);
	}
	return ret;
}

/* What follows the tree up must end, and soon: drawing it is recursive. */
static int check_tree(const struct json_node *root, const struct explanation *e, struct error *err)
{
	__cleanup_free int *depth = xcalloc(e->nnodes + 1, sizeof(*depth));

	for (size_t i = 0; i < e->nnodes; i++) {
		int parent = e->nodes[i].parent;

		if (parent >= (int)i)
			return json_error(root, err,
					  "tree[%zu]: its parent does not come before it", i);
		if (parent >= 0)
			depth[i] = depth[parent] + 1;
		if (depth[i] > DEPTH_MAX)
			return json_error(root, err, "tree[%zu]: more than %d callers", i,
					  DEPTH_MAX);
	}
	return 0;
}

static int read_explanation(const struct json_node *root, struct explanation *e, struct error *err)
{
	void *items = NULL;
	int ret = read_object(root, explanation_fields, e, err);

	if (!ret)
		ret = read_sides(root, e, err);
	for (int i = 0; !ret && i < EXPLAIN_KINDS; i++) {
		struct explain_table *t = &e->tables[i];

		items = NULL;
		ret = read_array(root, table_names[i], row_fields, sizeof(*t->rows), &items,
				 &t->nrows, err);
		t->rows = items;
	}
	if (ret)
		return ret;
	items = NULL;
	ret = read_array(root, "tree", node_fields, sizeof(*e->nodes), &items, &e->nnodes, err);
	e->nodes = items;
	if (ret)
		return ret;
	return check_tree(root, e, err);
}

int explain_from_json(const char *text, size_t len, const char *name, struct explanation *e,
		      struct error *err)
{
	struct json_object *doc;
	struct json_node root = {.file = name, .path = "$"};
	int ret = json_parse(text, len, name, &doc, err);

	*e = (struct explanation){0};
	if (ret)
		return ret;
	root.value = doc;
	ret = read_explanation(&root, e, err);
	if (ret)
		explanation_free(e);
	json_object_put(doc);
	return ret;
}
