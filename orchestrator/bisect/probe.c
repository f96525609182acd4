// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/probe.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "agents/wire/words.h"
#include "common/alloc.h"
#include "common/fs.h"
#include "common/strbuf.h"
#include "common/terminal.h"
#include "scenarios/scenarios.h"

#define PROBE_LABEL "probe.json" /* what stands for the file in messages */

/* What runs a selftest has one name. */
static const char *scenario_of(const struct request_probe *p)
{
	if (p->scenario)
		return p->scenario;
	return "kselftest";
}

/* ---- parameters, in every form in which reports print them ---- */

/* "8" is a number, "true" and "on" (in tables) are truth values, ["a","b"] is a list, everything else a
 * word. The scenario checks the rest. */
static struct json_object *value_json(const char *text)
{
	struct json_object *list = *text == '[' ? json_tokener_parse(text) : NULL;
	char *end;
	long n = strtol(text, &end, 10);

	if (list)
		return list;
	if (*text && !*end)
		return json_object_new_int64(n);
	if (!strcmp(text, "true") || !strcmp(text, "on"))
		return json_object_new_boolean(true);
	if (!strcmp(text, "false") || !strcmp(text, "off"))
		return json_object_new_boolean(false);
	return json_object_new_string(text);
}

/* "micro-vmx", "ept", "no-apic_pages": where reports are short a value stands for itself. */
static bool is_flag(const struct plan_word *w)
{
	return w->kind == PLAN_WORD_FLAG && !w->choices;
}

/* Reports leave the default of a silent word out, so it never stands for itself: "none" is enlightenments, and not fault. */
static bool is_printed_choice(const struct plan_word *w, const char *text)
{
	int choice = w->choices ? plan_choice_find(w->choices, text) : -1;

	return choice > 0 || (choice == 0 && !w->silent);
}

static struct json_object *short_value(const struct plan_word *w, const char *text)
{
	if (is_printed_choice(w, text))
		return json_object_new_string(text);
	if (is_flag(w) && !strcmp(text, w->key))
		return json_object_new_boolean(true);
	if (is_flag(w) && !strncmp(text, "no-", 3) && !strcmp(text + 3, w->key))
		return json_object_new_boolean(false);
	return NULL;
}

/* The word that @text stands for, with its value; NULL: none. */
static const struct plan_word *find_short(const char *scenario, const char *text,
					  struct json_object **value)
{
	int s = plan_choice_find(plan_scenario_names, scenario);

	for (size_t i = 0; s >= 0 && i < plan_nwords; i++) {
		const struct plan_word *w = &plan_words[i];

		if (w->role == PLAN_WORD_SCENARIO || !w->key || !plan_word_is_used(w, s))
			continue;
		*value = short_value(w, text);
		if (*value)
			return w;
	}
	return NULL;
}

static int add_once(const char *param, const char *key, struct json_object *value,
		    struct json_object *entry, struct error *err)
{
	if (!json_object_object_get_ex(entry, key, NULL)) {
		json_object_object_add(entry, key, value);
		return 0;
	}
	json_object_put(value);
	return error_set(err, -EINVAL, "--param %s: %s is given already", param, key);
}

static int add_param(const char *scenario, const char *text, struct json_object *entry,
		     struct error *err)
{
	__cleanup_free char *param = terminal_line(text), *key = NULL;
	const char *equals = strchr(text, '=');
	struct json_object *value = NULL;
	const struct plan_word *w = NULL;

	if (!equals)
		w = find_short(scenario, text, &value);
	if (w)
		return add_once(param, w->key, value, entry, err);
	if (!equals || equals == text)
		return error_set(err, -EINVAL, "--param %s: expected NAME=VALUE", param);
	key = strndup(text, equals - text);
	return add_once(param, key, value_json(equals + 1), entry, err);
}

static int add_params(const struct request_probe *p, struct json_object *entry, struct error *err)
{
	for (size_t i = 0; i < p->params.count; i++) {
		int ret = add_param(scenario_of(p), p->params.items[i], entry, err);

		if (ret)
			return ret;
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

/* Which option does the path or the key in @text come from? The caller frees; NULL: none of the probe's. */
static char *find_option(const struct request_probe *p, const char *text)
{
	static const char entry[] = "$.scenarios[0]";
	const char *key = text + strlen(entry);

	if (strncmp(text, entry, strlen(entry)))
		return NULL;
	if (*key == '.')
		key++; /* "$.scenarios[0].l2_vcpus: ..." */
	else
		key = strchr(key, '"'); /* "$.scenarios[0]: unknown key "l2": ..." */
	if (key && *key == '"')
		key++;
	if (!key)
		return NULL;
	for (size_t i = 0; i < p->params.count; i++) {
		size_t len = strcspn(p->params.items[i], "=");

		__cleanup_free char *param = terminal_line(p->params.items[i]);

		if (!strncmp(key, p->params.items[i], len) && !isalnum((unsigned char)key[len]) &&
		    key[len] != '_')
			return xasprintf("--param %s", param);
	}
	if (!strncmp(key, "scenario:", 9))
		return xasprintf("--scenario %s", p->scenario);
	if (!strncmp(key, "test:", 5) && p->fails.test)
		return xasprintf("--test %s", p->fails.test);
	if (!strncmp(key, "rounds:", 7))
		return xasprintf("--rounds %d", p->rounds);
	return NULL;
}

/* "$.scenarios[0]: "reason" is missing": of a scenario that cannot do without. */
static bool is_missing(const char *rest)
{
	static const char end[] = " is missing";
	size_t len = strlen(rest), n = strlen(end);

	return len > n && rest[0] == '"' && !strcmp(rest + len - n, end);
}

/* An error names the option, and not a place in a file that the user does not know. */
static int name_option(const struct request_probe *p, int ret, struct error *err)
{
	const char *text = err->text + strlen(PROBE_LABEL ": "), *rest;
	__cleanup_free char *option = NULL, *what = NULL;

	if (strncmp(err->text, PROBE_LABEL ": ", strlen(PROBE_LABEL ": ")))
		return ret;
	option = find_option(p, text);
	rest = strstr(text, ": ");
	if (!rest)
		return ret;
	what = xstrdup(rest + 2); /* @err is written below */
	if (is_missing(what))
		return error_set(err, ret, "scenario %s cannot do without --param %.*s=VALUE",
				 scenario_of(p), (int)strcspn(what + 1, "\""), what + 1);
	if (!option)
		option = xasprintf("scenario %s with these parameters", scenario_of(p));
	return error_set(err, ret, "%s: %s", option, what);
}

static int check_document(const struct request_probe *p, struct json_object *doc, struct error *err)
{
	struct scenario_plan plan;
	int ret = scenario_parse(doc, PROBE_LABEL, &plan, err);

	if (ret)
		return name_option(p, ret, err);
	if (plan.nmeasures != 1)
		ret = error_set(
			err, -EINVAL,
			"the parameters select %zu measurements, and one is needed: say which with "
			"--param NAME=VALUE",
			plan.nmeasures);
	else if (!p->fails.wanted && !scenario_find_metric(p->scenario, p->metric))
		ret = unknown_metric(p, err);
	scenario_plan_free(&plan);
	return ret;
}

static int make_checked(const struct request_probe *p, struct json_object *doc, struct error *err)
{
	int ret = make_file(p, doc, err);

	if (ret)
		return ret;
	return check_document(p, doc, err);
}

int bisect_probe_check(const struct request_probe *p, struct error *err)
{
	struct json_object *doc = json_object_new_object();
	int ret = make_checked(p, doc, err);

	json_object_put(doc);
	return ret;
}

int bisect_probe_write(const struct request_probe *p, const char *path, struct error *err)
{
	struct json_object *doc = json_object_new_object();
	int ret = make_checked(p, doc, err);

	if (!ret) {
		const char *text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY);

		ret = fs_write_file(path, text, strlen(text), err);
	}
	json_object_put(doc);
	return ret;
}
