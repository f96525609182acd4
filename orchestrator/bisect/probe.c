// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"
#include "scenarios/scenarios.h"

/* "8" is a number, "true" a truth value, everything else a word. The scenario checks the rest. */
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

static int add_params(const struct request_probe *p, struct json_object *entry, struct error *err)
{
	for (size_t i = 0; i < p->params.count; i++) {
		const char *equals = strchr(p->params.items[i], '=');
		__cleanup_free char *key = NULL;

		if (!equals || equals == p->params.items[i])
			return error_set(err, -EINVAL, "--param %s: expected NAME=VALUE",
					 p->params.items[i]);
		key = strndup(p->params.items[i], equals - p->params.items[i]);
		json_object_object_add(entry, key, value_json(equals + 1));
	}
	return 0;
}

static void add_effect(const struct request_probe *p, struct json_object *file)
{
	struct json_object *metrics = json_object_new_object(), *one = json_object_new_object();

	json_object_object_add(one, "smallest_effect", json_object_new_double(p->smallest_effect));
	json_object_object_add(metrics, p->metric, one);
	json_object_object_add(file, "metrics", metrics);
}

/* What runs a selftest has one name. */
static const char *scenario_of(const struct request_probe *p)
{
	if (p->scenario)
		return p->scenario;
	return "kselftest";
}

static int make_file(const struct request_probe *p, struct json_object *file, struct error *err)
{
	struct json_object *entry = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(entry, "scenario", json_object_new_string(scenario_of(p)));
	if (p->fails.test)
		json_object_object_add(entry, "test", json_object_new_string(p->fails.test));
	if (p->rounds)
		json_object_object_add(entry, "rounds", json_object_new_int(p->rounds));
	json_object_array_add(list, entry);
	json_object_object_add(file, "description",
			       json_object_new_string("one measurement, made by nestlab"));
	json_object_object_add(file, "scenarios", list);
	if (p->smallest_effect > 0 && p->metric)
		add_effect(p, file);
	return add_params(p, entry, err);
}

static int unknown_metric(const struct request_probe *p, struct error *err)
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

static int check_file(const struct request_probe *p, const char *path, struct error *err)
{
	struct scenario_plan plan;
	int ret = scenario_load("", path, &plan, err);

	if (ret)
		return ret;
	if (plan.nmeasures != 1)
		ret = error_set(err, -EINVAL,
				"the parameters select %zu measurements; a bisect needs one",
				plan.nmeasures);
	else if (!p->fails.wanted && !scenario_find_metric(p->scenario, p->metric))
		ret = unknown_metric(p, err);
	scenario_plan_free(&plan);
	return ret;
}

int bisect_probe_write(const struct request_probe *p, const char *path, struct error *err)
{
	struct json_object *file = json_object_new_object();
	int ret = make_file(p, file, err);

	if (!ret) {
		const char *text = json_object_to_json_string_ext(file, JSON_C_TO_STRING_PRETTY);

		ret = fs_write_file(path, text, strlen(text), err);
	}
	json_object_put(file);
	return ret ? ret : check_file(p, path, err);
}
