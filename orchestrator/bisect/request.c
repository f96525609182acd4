// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "scenarios/scenarios.h"

static const char *const kind_names[] = {
	[BISECT_GIT] = "git",
	[BISECT_SERIES] = "series",
	[BISECT_CONFIG] = "config",
};

/* Each member of the JSON object, and where it lives. */
#define AT(member) offsetof(struct bisect_request, member)
static const struct field {
	const char *key;
	enum { TEXT, NUMBER, REAL, FLAG, WORDS } type;
	size_t at, count_at; /* count_at: WORDS */
} fields[] = {
	{"scenario", TEXT, AT(probe.scenario), 0},
	{"metric", TEXT, AT(probe.metric), 0},
	{"params", WORDS, AT(probe.params), AT(probe.nparams)},
	{"rounds", NUMBER, AT(probe.rounds), 0},
	{"smallest_effect", REAL, AT(probe.smallest_effect), 0},
	{"variant", TEXT, AT(variant), 0},
	{"tree", TEXT, AT(tree), 0},
	{"good", TEXT, AT(good), 0},
	{"bad", TEXT, AT(bad), 0},
	{"first_parent", FLAG, AT(first_parent), 0},
	{"paths", WORDS, AT(paths), AT(npaths)},
	{"host", TEXT, AT(host), 0},
	{"threshold", REAL, AT(threshold), 0},
	{"boots", NUMBER, AT(boots), 0},
	{"max_boots", NUMBER, AT(max_boots), 0},
	{"parallel", NUMBER, AT(parallel), 0},
	{"seed", NUMBER, AT(seed), 0},
	{"command", TEXT, AT(command), 0},
};

static struct json_object *words_json(char *const *words, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_object_new_string(words[i]));
	return array;
}

/* NULL: the member is left out. */
static struct json_object *field_json(const struct bisect_request *r, const struct field *f)
{
	const void *p = (const char *)r + f->at;

	switch (f->type) {
	case TEXT:
		return *(char *const *)p ? json_object_new_string(*(char *const *)p) : NULL;
	case NUMBER:
		return json_object_new_int(*(const int *)p);
	case REAL:
		return json_object_new_double(*(const double *)p);
	case FLAG:
		return json_object_new_boolean(*(const bool *)p);
	case WORDS:
		return words_json(*(char **const *)p,
				  *(const size_t *)((const char *)r + f->count_at));
	}
	return NULL;
}

char *bisect_request_json(const struct bisect_request *r)
{
	struct json_object *o = json_object_new_object();
	char *text;

	json_object_object_add(o, "kind", json_object_new_string(kind_names[r->kind]));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct json_object *v = field_json(r, &fields[i]);

		if (v)
			json_object_object_add(o, fields[i].key, v);
	}
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

static int take_words(const struct json_node *n, char ***words, size_t *count, struct error *err)
{
	int ret = json_as_array(n, err);

	*words = xcalloc(json_length(n) + 1, sizeof(**words));
	for (size_t i = 0; !ret && i < json_length(n); i++) {
		struct json_node item;
		const char *s;

		json_element(n, i, &item);
		ret = json_as_string(&item, &s, err);
		if (!ret)
			(*words)[(*count)++] = xstrdup(s);
	}
	return ret;
}

static int take_field(struct bisect_request *r, const struct field *f, const struct json_node *n,
		      struct error *err)
{
	void *p = (char *)r + f->at;
	const char *s;
	int64_t i;
	int ret = 0;

	switch (f->type) {
	case TEXT:
		ret = json_as_string(n, &s, err);
		if (!ret)
			*(char **)p = xstrdup(s);
		break;
	case NUMBER:
		ret = json_as_int(n, 0, INT32_MAX, &i, err);
		if (!ret)
			*(int *)p = i;
		break;
	case REAL:
		ret = json_as_double(n, p, err);
		break;
	case FLAG:
		ret = json_as_bool(n, p, err);
		break;
	case WORDS:
		ret = take_words(n, p, (size_t *)((char *)r + f->count_at), err);
		break;
	}
	return ret;
}

static int take_kind(struct bisect_request *r, const struct json_node *root, struct error *err)
{
	struct json_node n;
	const char *s;
	int ret = json_member(root, "kind", true, &n, err);

	ret = ret ? ret : json_as_string(&n, &s, err);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(kind_names); i++) {
		if (strcmp(kind_names[i], s))
			continue;
		r->kind = i;
		return 0;
	}
	return ret ? ret : json_error(&n, err, "\"%s\" is no kind of bisect", s);
}

int bisect_request_parse(const char *json, struct bisect_request *out, struct error *err)
{
	struct json_object *doc;
	struct json_node root, n;
	int ret = json_parse(json, strlen(json), "request", &doc, err);

	*out = (struct bisect_request){0};
	if (ret)
		return ret;
	root = (struct json_node){.value = doc, .file = "request", .path = "$"};
	ret = take_kind(out, &root, err);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(fields); i++) {
		ret = json_member(&root, fields[i].key, false, &n, err);
		if (!ret)
			ret = take_field(out, &fields[i], &n, err);
		else if (ret == -ENOENT)
			ret = 0;
	}
	json_object_put(doc);
	if (ret)
		bisect_request_free(out);
	return ret;
}

void bisect_request_free(struct bisect_request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		void *p = (char *)r + fields[i].at;

		if (fields[i].type == TEXT)
			free(*(char **)p);
		if (fields[i].type != WORDS)
			continue;
		for (size_t w = 0; w < *(size_t *)((char *)r + fields[i].count_at); w++)
			free((*(char ***)p)[w]);
		free(*(char ***)p);
	}
	*r = (struct bisect_request){0};
}

void bisect_probe_free(struct bisect_probe *p)
{
	struct bisect_request r = {.probe = *p};

	bisect_request_free(&r);
	*p = (struct bisect_probe){0};
}

/* ---- the scenario file ---- */

/* "8" is a number, "true" a truth value, all else a word: the scenario's own check does the rest. */
static struct json_object *value_json(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text && !*end)
		return json_object_new_int64(n);
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return json_object_new_boolean(*text == 't');
	return json_object_new_string(text);
}

static int add_params(const struct bisect_probe *p, struct json_object *entry, struct error *err)
{
	for (size_t i = 0; i < p->nparams; i++) {
		const char *equals = strchr(p->params[i], '=');
		__cleanup_free char *key = NULL;

		if (!equals || equals == p->params[i])
			return error_set(err, -EINVAL, "--param %s: expected NAME=VALUE",
					 p->params[i]);
		key = strndup(p->params[i], equals - p->params[i]);
		json_object_object_add(entry, key, value_json(equals + 1));
	}
	return 0;
}

static void add_effect(const struct bisect_probe *p, struct json_object *file)
{
	struct json_object *metrics = json_object_new_object(), *one = json_object_new_object();

	json_object_object_add(one, "smallest_effect", json_object_new_double(p->smallest_effect));
	json_object_object_add(metrics, p->metric, one);
	json_object_object_add(file, "metrics", metrics);
}

static int make_file(const struct bisect_probe *p, struct json_object *file, struct error *err)
{
	struct json_object *entry = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(entry, "scenario", json_object_new_string(p->scenario));
	if (p->rounds)
		json_object_object_add(entry, "rounds", json_object_new_int(p->rounds));
	json_object_array_add(list, entry);
	json_object_object_add(file, "description",
			       json_object_new_string("one measurement, made by nestlab"));
	json_object_object_add(file, "scenarios", list);
	if (p->smallest_effect > 0)
		add_effect(p, file);
	return add_params(p, entry, err);
}

static int unknown_metric(const struct bisect_probe *p, struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	int ret;

	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		if (!strcmp(m->scenario, p->scenario))
			strbuf_addf(&known, "%s%s", known.len ? ", " : "", m->name);
	ret = error_set(err, -EINVAL, "scenario %s has no metric %s; it has: %s", p->scenario,
			p->metric, known.len ? known.buf : "none");
	strbuf_release(&known);
	return ret;
}

static int check(const struct bisect_probe *p, const char *path, struct error *err)
{
	struct scenario_plan plan;
	int ret = scenario_load("", path, &plan, err);

	if (ret)
		return ret;
	if (plan.nmeasures != 1)
		ret = error_set(err, -EINVAL, "%s: %zu measurements where one was to be", path,
				plan.nmeasures);
	else if (!scenario_find_metric(p->scenario, p->metric))
		ret = unknown_metric(p, err);
	scenario_plan_free(&plan);
	return ret;
}

int bisect_probe_write(const struct bisect_probe *p, const char *path, struct error *err)
{
	struct json_object *file = json_object_new_object();
	int ret = make_file(p, file, err);

	if (!ret) {
		const char *text = json_object_to_json_string_ext(file, JSON_C_TO_STRING_PRETTY);

		ret = fs_write_file(path, text, strlen(text), err);
	}
	json_object_put(file);
	return ret ? ret : check(p, path, err);
}
