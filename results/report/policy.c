// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/policy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "results/report/words.h"

#define BOOTS_MAX 1000

/* ---- members by kind ---- */

/* A reader of one kind: *out stays as it is when the member is absent, and need not be there. */
typedef int read_member(const struct json_node *obj, const char *key, bool required, void *out,
			struct error *err);

struct field {
	const char *key;
	read_member *read;
	bool required;
	size_t offset; /* in the struct that is read into */
};

/* 1: it is there; 0: it is not, and need not be; else the error. */
static int find_member(const struct json_node *obj, const char *key, bool required,
		       struct json_node *out, struct error *err)
{
	int ret = json_member(obj, key, required, out, err);

	if (ret == -ENOENT && !required)
		return 0;
	if (ret)
		return ret;
	return 1;
}

static int read_text(const struct json_node *obj, const char *key, bool required, void *out,
		     struct error *err)
{
	const char **text = out;
	struct json_node n;
	int ret = find_member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_string(&n, text, err);
	if (ret)
		return ret;
	if (!**text)
		return json_error(&n, err, "must not be empty");
	return 0;
}

/* Not negative. */
static int read_percent(const struct json_node *obj, const char *key, bool required, void *out,
			struct error *err)
{
	double *percent = out;
	struct json_node n;
	int ret = find_member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_double(&n, percent, err);
	if (ret)
		return ret;
	if (!(*percent >= 0 && *percent <= 1000))
		return json_error(&n, err, "%g is not a percentage within 0..1000", *percent);
	return 0;
}

static int read_boots(const struct json_node *obj, const char *key, bool required, void *out,
		      struct error *err)
{
	int *boots = out;
	struct json_node n;
	int64_t value;
	int ret = find_member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_int(&n, 1, BOOTS_MAX, &value, err);
	if (ret)
		return ret;
	*boots = value;
	return 0;
}

static int read_bool(const struct json_node *obj, const char *key, bool required, void *out,
		     struct error *err)
{
	struct json_node n;
	int ret = find_member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	return json_as_bool(&n, out, err);
}

static bool is_date(const char *text)
{
	struct tm tm = {0}, same;
	char again[16];
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (!end || *end)
		return false;
	same = tm;
	timegm(&same); /* makes the 31st of a short month another day */
	strftime(again, sizeof(again), "%Y-%m-%d", &same);
	return !strcmp(again, text);
}

static int read_date(const struct json_node *obj, const char *key, bool required, void *out,
		     struct error *err)
{
	const char **date = out;
	struct json_node n;
	int ret = find_member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_string(&n, date, err);
	if (ret)
		return ret;
	if (!is_date(*date))
		return json_error(&n, err, "\"%s\" is not a date like 2027-01-31", *date);
	return 0;
}

static int check_value(const struct json_node *n, struct error *err)
{
	switch (json_object_get_type(n->value)) {
	case json_type_string:
	case json_type_boolean:
	case json_type_int:
		return 0;
	default:
		return json_error(
			n, err,
			"expected a string, a whole number, true or false, or a list of these");
	}
}

/* A value, or a list of them. */
static int check_values(const struct json_node *n, struct error *err)
{
	struct json_node item;
	int ret;

	if (!json_object_is_type(n->value, json_type_array))
		return check_value(n, err);
	if (!json_length(n))
		return json_error(n, err, "an empty list matches nothing");
	for (size_t i = 0; i < json_length(n); i++) {
		json_element(n, i, &item);
		ret = check_value(&item, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_params(const struct json_node *obj, const char *key, bool required, void *out,
		       struct error *err)
{
	struct json_object **object = out;
	struct json_node params, value;
	int ret = find_member(obj, key, required, &params, err);

	if (ret != 1)
		return ret;
	ret = json_as_object(&params, err);
	if (ret)
		return ret;
	*object = params.value;
	json_object_object_foreach(params.value, name, unused)
	{
		(void)unused;
		ret = json_member(&params, name, true, &value, err);
		if (ret)
			return ret;
		ret = check_values(&value, err);
		if (ret)
			return ret;
	}
	return 0;
}

#define FIELDS_MAX 16

/* Reads the members that @fields (ended by one without a key) name into @out, and allows no others. */
static int read_fields(const struct json_node *n, const struct field *fields, void *out,
		       struct error *err)
{
	const char *known[FIELDS_MAX + 1] = {0};
	int ret;

	for (size_t i = 0; fields[i].key; i++)
		known[i] = fields[i].key;
	ret = json_check_keys(n, known, err);
	if (ret)
		return ret;
	for (const struct field *f = fields; f->key; f++) {
		ret = f->read(n, f->key, f->required, (char *)out + f->offset, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the four lists ---- */

static int read_rule(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const struct field fields[] = {
		{"scenario", read_text, true, offsetof(struct policy_rule, match.scenario)},
		{"metric", read_text, true, offsetof(struct policy_rule, match.metric)},
		{"params", read_params, false, offsetof(struct policy_rule, match.params)},
		{"allowed_change", read_percent, true, offsetof(struct policy_rule, allowed)},
		{"allowed_change_p99", read_percent, false,
		 offsetof(struct policy_rule, allowed_p99)},
		{"required_boots", read_boots, false, offsetof(struct policy_rule, boots)},
		{NULL},
	};
	struct policy_rule *r = &p->rules[p->nrules++];

	*r = (struct policy_rule){.allowed_p99 = NAN, .boots = boots};
	return read_fields(n, fields, r, err);
}

static int read_debug_run(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const struct field fields[] = {
		{"kernel", read_text, true, offsetof(struct policy_debug_run, kernel)},
		{"scenario", read_text, true, offsetof(struct policy_debug_run, scenario)},
		{"boots", read_boots, false, offsetof(struct policy_debug_run, boots)},
		{NULL},
	};
	struct policy_debug_run *r = &p->debug_runs[p->ndebug_runs++];

	(void)boots;
	*r = (struct policy_debug_run){.boots = 1};
	return read_fields(n, fields, r, err);
}

static int read_selftest(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const struct field fields[] = {
		{"test", read_text, true, offsetof(struct policy_selftest, name)},
		{"may_skip", read_bool, false, offsetof(struct policy_selftest, may_skip)},
		{NULL},
	};
	struct policy_selftest *t = &p->selftests[p->nselftests++];

	(void)boots;
	if (json_object_is_type(n->value, json_type_string))
		return json_as_string(n, &t->name, err);
	if (!json_object_is_type(n->value, json_type_object))
		return json_error(n, err, "expected a test's name, or an object with \"test\"");
	return read_fields(n, fields, t, err);
}

static int check_waiver(const struct json_node *n, const struct policy_waiver *w, struct error *err)
{
	if (!!w->match.scenario + !!w->selftest + !!w->debug_run != 1)
		return json_error(n, err,
				  "a waiver names one of \"scenario\" (with \"metric\" and "
				  "\"params\"), \"selftest\" and \"debug_run\"");
	if (!w->match.scenario && (w->match.metric || w->match.params || isfinite(w->up_to)))
		return json_error(n, err,
				  "\"metric\", \"params\" and \"up_to\" go with \"scenario\"");
	return 0;
}

static int read_waiver(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const struct field fields[] = {
		{"scenario", read_text, false, offsetof(struct policy_waiver, match.scenario)},
		{"metric", read_text, false, offsetof(struct policy_waiver, match.metric)},
		{"params", read_params, false, offsetof(struct policy_waiver, match.params)},
		{"selftest", read_text, false, offsetof(struct policy_waiver, selftest)},
		{"debug_run", read_text, false, offsetof(struct policy_waiver, debug_run)},
		{"up_to", read_percent, false, offsetof(struct policy_waiver, up_to)},
		{"reason", read_text, true, offsetof(struct policy_waiver, reason)},
		{"owner", read_text, true, offsetof(struct policy_waiver, owner)},
		{"expires", read_date, true, offsetof(struct policy_waiver, expires)},
		{NULL},
	};
	struct policy_waiver *w = &p->waivers[p->nwaivers++];
	int ret;

	(void)boots;
	w->up_to = INFINITY;
	ret = read_fields(n, fields, w, err);
	if (ret)
		return ret;
	return check_waiver(n, w, err);
}

typedef int read_item(const struct json_node *n, struct policy *p, int boots, struct error *err);

static int read_list(const struct json_node *root, const char *key, struct policy *p, int boots,
		     read_item *read, struct error *err)
{
	struct json_node list, item;
	int ret = find_member(root, key, false, &list, err);

	if (ret != 1)
		return ret;
	ret = json_as_array(&list, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < json_length(&list); i++) {
		json_element(&list, i, &item);
		ret = read(&item, p, boots, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Room for every item of a list, and for one more: never nothing. */
static void *alloc_list(const struct json_node *root, const char *key, size_t size)
{
	struct json_node list;
	size_t n = 0;

	if (!json_member(root, key, false, &list, NULL))
		n = json_length(&list);
	return xcalloc(n + 1, size);
}

static int read_lists(const struct json_node *root, struct policy *p, int boots, struct error *err)
{
	static const struct {
		const char *key;
		read_item *read;
	} lists[] = {
		{"rules", read_rule},
		{"debug_runs", read_debug_run},
		{"selftests", read_selftest},
		{"waivers", read_waiver},
	};
	int ret;

	p->rules = alloc_list(root, "rules", sizeof(*p->rules));
	p->debug_runs = alloc_list(root, "debug_runs", sizeof(*p->debug_runs));
	p->selftests = alloc_list(root, "selftests", sizeof(*p->selftests));
	p->waivers = alloc_list(root, "waivers", sizeof(*p->waivers));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		ret = read_list(root, lists[i].key, p, boots, lists[i].read, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_policy(const struct json_node *root, struct policy *p, struct error *err)
{
	static const char *const known[] = {"description", "required_boots", "rules", "debug_runs",
					    "selftests",   "waivers",	     NULL};
	int boots = 1, ret = json_as_object(root, err);

	if (ret)
		return ret;
	ret = json_check_keys(root, known, err);
	if (ret)
		return ret;
	ret = read_text(root, "description", false, &p->description, err);
	if (ret)
		return ret;
	ret = read_boots(root, "required_boots", false, &boots, err);
	if (ret)
		return ret;
	ret = read_lists(root, p, boots, err);
	if (ret)
		return ret;
	if (!p->nrules)
		return json_error(
			root, err,
			"no \"rules\": a policy that asks for nothing would pass every kernel");
	return 0;
}

int policy_load(const char *path, struct policy *out, struct error *err)
{
	struct json_node root;
	int ret;

	*out = (struct policy){.path = xstrdup(path)};
	ret = json_load(path, &out->doc, &root, err);
	if (ret)
		goto out;
	ret = sha256_file(path, out->sha256, err);
	if (ret)
		goto out;
	ret = read_policy(&root, out, err);
out:
	if (ret)
		policy_free(out);
	return ret;
}

void policy_free(struct policy *p)
{
	json_object_put(p->doc);
	free(p->rules);
	free(p->debug_runs);
	free(p->selftests);
	free(p->waivers);
	free(p->path);
	*p = (struct policy){0};
}

/* ---- matching ---- */

/* json-c gives "true", "8" and the bare string: the same words as words_param(). */
static bool has_value(struct json_object *wanted, const char *value)
{
	if (!json_object_is_type(wanted, json_type_array))
		return !strcmp(json_object_get_string(wanted), value);
	for (size_t i = 0; i < json_object_array_length(wanted); i++)
		if (has_value(json_object_array_get_idx(wanted, i), value))
			return true;
	return false;
}

bool policy_matches(const struct policy_match *m, const char *scenario, const char *metric,
		    const char *params)
{
	if (!m->scenario || strcmp(m->scenario, scenario) ||
	    (m->metric && strcmp(m->metric, metric)))
		return false;
	if (!m->params)
		return true;
	json_object_object_foreach(m->params, key, wanted)
	{
		__cleanup_free char *value = words_param(params, key);

		if (!value || !has_value(wanted, value))
			return false;
	}
	return true;
}

void policy_each_value(const struct policy_match *m,
		       void (*each)(const char *key, const char *value, void *arg), void *arg)
{
	if (!m->params)
		return;
	json_object_object_foreach(m->params, key, wanted)
	{
		if (!json_object_is_type(wanted, json_type_array)) {
			each(key, json_object_get_string(wanted), arg);
			continue;
		}
		for (size_t i = 0; i < json_object_array_length(wanted); i++)
			each(key, json_object_get_string(json_object_array_get_idx(wanted, i)),
			     arg);
	}
}
