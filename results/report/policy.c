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

/* 1: it is there; 0: it is not, and need not be; else the error. */
static int member(const struct json_node *obj, const char *key, bool required,
		  struct json_node *out, struct error *err)
{
	int ret = json_member(obj, key, required, out, err);

	return ret == -ENOENT && !required ? 0 : ret ? ret : 1;
}

static int read_text(const struct json_node *obj, const char *key, bool required, const char **out,
		     struct error *err)
{
	struct json_node n;
	int ret = member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_string(&n, out, err);
	return ret ? ret : **out ? 0 : json_error(&n, err, "must not be empty");
}

/* Percent, not negative; *out stays as it is when absent. */
static int read_percent(const struct json_node *obj, const char *key, bool required, double *out,
			struct error *err)
{
	struct json_node n;
	int ret = member(obj, key, required, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_double(&n, out, err);
	if (!ret && !(*out >= 0 && *out <= 1000))
		return json_error(&n, err, "%g is not a percentage within 0..1000", *out);
	return ret;
}

static int read_boots(const struct json_node *obj, const char *key, int *out, struct error *err)
{
	struct json_node n;
	int64_t value;
	int ret = member(obj, key, false, &n, err);

	if (ret != 1)
		return ret;
	ret = json_as_int(&n, 1, BOOTS_MAX, &value, err);
	*out = ret ? *out : value;
	return ret;
}

static int read_date(const struct json_node *obj, const char *key, const char **out,
		     struct error *err)
{
	struct tm tm = {0}, same;
	struct json_node n;
	char again[16], *end;
	int ret = read_text(obj, key, true, out, err);

	if (ret)
		return ret;
	json_member(obj, key, true, &n, NULL);
	end = strptime(*out, "%Y-%m-%d", &tm);
	same = tm; /* timegm() makes the 31st of a short month another day */
	timegm(&same);
	strftime(again, sizeof(again), "%Y-%m-%d", &same);
	if (!end || *end || strcmp(again, *out))
		return json_error(&n, err, "\"%s\" is not a date like 2027-01-31", *out);
	return 0;
}

/* ---- what is matched ---- */

static int check_value(const struct json_node *n, struct error *err)
{
	switch (json_object_get_type(n->value)) {
	case json_type_string:
	case json_type_boolean:
	case json_type_int:
		return 0;
	default:
		return json_error(n, err,
				  "expected a string, a whole number, true or false, or a "
				  "list of these");
	}
}

static int check_values(const struct json_node *n, struct error *err)
{
	struct json_node item;
	int ret = 0;

	if (!json_object_is_type(n->value, json_type_array))
		return check_value(n, err);
	if (!json_length(n))
		return json_error(n, err, "an empty list matches nothing");
	for (size_t i = 0; !ret && i < json_length(n); i++) {
		json_element(n, i, &item);
		ret = check_value(&item, err);
	}
	return ret;
}

static int read_params(const struct json_node *obj, struct policy_match *m, struct error *err)
{
	struct json_node params, value;
	int ret = member(obj, "params", false, &params, err);

	if (ret != 1)
		return ret;
	ret = json_as_object(&params, err);
	if (ret)
		return ret;
	m->params = params.value;
	json_object_object_foreach(params.value, key, unused)
	{
		(void)unused;
		ret = json_member(&params, key, true, &value, err);
		ret = ret ? ret : check_values(&value, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the four lists ---- */

static int read_rule(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const char *const known[] = {
		"scenario",	      "metric",		"params", "allowed_change",
		"allowed_change_p99", "required_boots", NULL};
	struct policy_rule *r = &p->rules[p->nrules++];
	int ret = json_check_keys(n, known, err);

	*r = (struct policy_rule){.allowed_p99 = NAN, .boots = boots};
	ret = ret ? ret : read_text(n, "scenario", true, &r->match.scenario, err);
	ret = ret ? ret : read_text(n, "metric", true, &r->match.metric, err);
	ret = ret ? ret : read_params(n, &r->match, err);
	ret = ret ? ret : read_percent(n, "allowed_change", true, &r->allowed, err);
	ret = ret ? ret : read_percent(n, "allowed_change_p99", false, &r->allowed_p99, err);
	return ret ? ret : read_boots(n, "required_boots", &r->boots, err);
}

static int read_debug_run(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const char *const known[] = {"kernel", "scenario", "boots", NULL};
	struct policy_debug_run *r = &p->debug_runs[p->ndebug_runs++];
	int ret = json_check_keys(n, known, err);

	(void)boots;
	r->boots = 1;
	ret = ret ? ret : read_text(n, "kernel", true, &r->kernel, err);
	ret = ret ? ret : read_text(n, "scenario", true, &r->scenario, err);
	return ret ? ret : read_boots(n, "boots", &r->boots, err);
}

static int read_selftest(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const char *const known[] = {"test", "may_skip", NULL};
	struct policy_selftest *t = &p->selftests[p->nselftests++];
	struct json_node skip;
	int ret;

	(void)boots;
	if (json_object_is_type(n->value, json_type_string))
		return json_as_string(n, &t->name, err);
	if (!json_object_is_type(n->value, json_type_object))
		return json_error(n, err, "expected a test's name, or an object with \"test\"");
	ret = json_check_keys(n, known, err);
	ret = ret ? ret : read_text(n, "test", true, &t->name, err);
	ret = ret ? ret : member(n, "may_skip", false, &skip, err);
	return ret == 1 ? json_as_bool(&skip, &t->may_skip, err) : ret;
}

static int read_waiver(const struct json_node *n, struct policy *p, int boots, struct error *err)
{
	static const char *const known[] = {"scenario", "metric", "params", "selftest", "debug_run",
					    "up_to",	"reason", "owner",  "expires",	NULL};
	struct policy_waiver *w = &p->waivers[p->nwaivers++];
	int ret = json_check_keys(n, known, err);

	(void)boots;
	w->up_to = INFINITY;
	ret = ret ? ret : read_text(n, "scenario", false, &w->match.scenario, err);
	ret = ret ? ret : read_text(n, "metric", false, &w->match.metric, err);
	ret = ret ? ret : read_params(n, &w->match, err);
	ret = ret ? ret : read_text(n, "selftest", false, &w->selftest, err);
	ret = ret ? ret : read_text(n, "debug_run", false, &w->debug_run, err);
	ret = ret ? ret : read_percent(n, "up_to", false, &w->up_to, err);
	ret = ret ? ret : read_text(n, "reason", true, &w->reason, err);
	ret = ret ? ret : read_text(n, "owner", true, &w->owner, err);
	ret = ret ? ret : read_date(n, "expires", &w->expires, err);
	if (!ret && !!w->match.scenario + !!w->selftest + !!w->debug_run != 1)
		return json_error(n, err,
				  "a waiver names one of \"scenario\" (with \"metric\" and "
				  "\"params\"), \"selftest\" and \"debug_run\"");
	if (!ret && !w->match.scenario &&
	    (w->match.metric || w->match.params || isfinite(w->up_to)))
		return json_error(n, err,
				  "\"metric\", \"params\" and \"up_to\" go with \"scenario\"");
	return ret;
}

static int read_list(const struct json_node *root, const char *key, struct policy *p, int boots,
		     int (*read)(const struct json_node *n, struct policy *p, int boots,
				 struct error *err),
		     struct error *err)
{
	struct json_node list, item;
	int ret = member(root, key, false, &list, err);

	if (ret != 1)
		return ret;
	ret = json_as_array(&list, err);
	for (size_t i = 0; !ret && i < json_length(&list); i++) {
		json_element(&list, i, &item);
		ret = read(&item, p, boots, err);
	}
	return ret;
}

/* Room for every list at once: as many items as the file has at most. */
static size_t length_of(const struct json_node *root, const char *key)
{
	struct json_node list;

	return json_member(root, key, false, &list, NULL) ? 0 : json_length(&list);
}

static int read_policy(const struct json_node *root, struct policy *p, struct error *err)
{
	static const char *const known[] = {"description", "required_boots", "rules", "debug_runs",
					    "selftests",   "waivers",	     NULL};
	int boots = 1, ret = json_as_object(root, err);

	ret = ret ? ret : json_check_keys(root, known, err);
	ret = ret ? ret : read_text(root, "description", false, &p->description, err);
	ret = ret ? ret : read_boots(root, "required_boots", &boots, err);
	if (ret)
		return ret;
	p->rules = xcalloc(length_of(root, "rules") + 1, sizeof(*p->rules));
	p->debug_runs = xcalloc(length_of(root, "debug_runs") + 1, sizeof(*p->debug_runs));
	p->selftests = xcalloc(length_of(root, "selftests") + 1, sizeof(*p->selftests));
	p->waivers = xcalloc(length_of(root, "waivers") + 1, sizeof(*p->waivers));
	ret = read_list(root, "rules", p, boots, read_rule, err);
	ret = ret ? ret : read_list(root, "debug_runs", p, boots, read_debug_run, err);
	ret = ret ? ret : read_list(root, "selftests", p, boots, read_selftest, err);
	ret = ret ? ret : read_list(root, "waivers", p, boots, read_waiver, err);
	if (!ret && !p->nrules)
		return json_error(root, err,
				  "no \"rules\": a policy that asks for nothing signs "
				  "everything");
	return ret;
}

int policy_load(const char *path, struct policy *out, struct error *err)
{
	struct json_node root;
	int ret;

	*out = (struct policy){.path = xstrdup(path)};
	ret = json_load(path, &out->doc, &root, err);
	ret = ret ? ret : sha256_file(path, out->sha256, err);
	ret = ret ? ret : read_policy(&root, out, err);
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
