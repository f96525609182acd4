// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "results/report/text.h"

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	add(o, key, text ? json_object_new_string(text) : NULL);
}

/* Ten digits are more than any of these numbers is good for; what is no number is null. */
static struct json_object *number(double v)
{
	char text[32];

	if (!isfinite(v))
		return NULL;
	snprintf(text, sizeof(text), "%.10g", v);
	return json_object_new_double_s(v, text);
}

static struct json_object *side_json(const struct results_side *s)
{
	struct json_object *o = json_object_new_object();

	add(o, "boots", json_object_new_int(s->boots));
	add(o, "samples", json_object_new_int64((int64_t)s->count));
	add(o, "median", number(s->median));
	add(o, "p99", number(s->p99));
	return o;
}

static void add_judgement(struct json_object *o, const struct results_judgement *j)
{
	struct json_object *interval = json_object_new_array();

	json_object_array_add(interval, number(j->low));
	json_object_array_add(interval, number(j->high));
	add(o, "ratio", number(j->ratio));
	add(o, "interval", interval);
	add(o, "p_value", number(j->p_value));
	add(o, "noise_percent", number(j->noise));
	add(o, "noise_from_boots", json_object_new_int(j->noise_from));
	add(o, "noise_assumed_boots", json_object_new_int(j->noise_assumed));
	add_text(o, "verdict", results_verdict_name(j->verdict));
	add(o, "more_boots", json_object_new_int(j->more_boots));
	add_text(o, "why", j->why);
}

static struct json_object *metric_json(const struct results_compared *m)
{
	struct json_object *o = json_object_new_object(), *tail = json_object_new_object();

	add_text(o, "scenario", m->scenario);
	add_text(o, "metric", m->metric);
	add(o, "params", json_tokener_parse(m->params));
	add_text(o, "unit", m->unit);
	add_text(o, "better", m->better);
	add(o, "headline", json_object_new_boolean(m->headline));
	add(o, "smallest_effect_percent", number(m->smallest_effect));
	add(o, "base", side_json(&m->base));
	add(o, "new", side_json(&m->new));
	add_judgement(o, &m->median);
	add_judgement(tail, &m->p99);
	add(o, "p99", tail);
	return o;
}

static struct json_object *test_json(const struct results_changed_test *t)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "scenario", t->scenario);
	add(o, "params", json_tokener_parse(t->params));
	add_text(o, "name", t->name);
	add_text(o, "base", t->base);
	add_text(o, "new", t->new);
	add_text(o, "text", t->text);
	return o;
}

static struct json_object *notes_json(const char *notes)
{
	struct json_object *a = json_object_new_array();

	for (const char *end; *notes; notes = end + 1) {
		end = strchrnul(notes, '\n');
		json_object_array_add(a, json_object_new_string_len(notes, (int)(end - notes)));
		if (!*end)
			break;
	}
	return a;
}

static struct json_object *failure_json(const struct results_failure_rate *r)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "scenario", r->scenario);
	add_text(o, "what", r->what);
	add(o, "base_boots", json_object_new_int(r->base_boots));
	add(o, "base_failed", json_object_new_int(r->base_failed));
	add(o, "new_boots", json_object_new_int(r->new_boots));
	add(o, "new_failed", json_object_new_int(r->new_failed));
	add(o, "p_value", number(r->p_value));
	add_text(o, "verdict", results_verdict_name(r->verdict));
	add(o, "more_boots", json_object_new_int(r->more_boots));
	add_text(o, "why", r->why);
	return o;
}

void results_render_json(const struct results_comparison *c, struct strbuf *out)
{
	struct json_object *o = json_object_new_object();
	struct json_object *metrics = json_object_new_array(), *tests = json_object_new_array();
	struct json_object *failures = json_object_new_array();

	for (size_t i = 0; i < c->nmetrics; i++)
		json_object_array_add(metrics, metric_json(&c->metrics[i]));
	for (size_t i = 0; i < c->ntests; i++)
		json_object_array_add(tests, test_json(&c->tests[i]));
	add_text(o, "base", c->base);
	add_text(o, "new", c->new);
	add_text(o, "base_key", c->base_key);
	add_text(o, "new_key", c->new_key);
	add_text(o, "clock", c->clock);
	add_text(o, "verdict", results_verdict_name(c->verdict));
	add(o, "alpha", number(c->alpha));
	add(o, "base_failed", json_object_new_int(c->base_failed));
	add(o, "new_failed", json_object_new_int(c->new_failed));
	for (size_t i = 0; i < c->nfailures; i++)
		json_object_array_add(failures, failure_json(&c->failures[i]));
	add(o, "failures", failures);
	add_text(o, "failure", c->failure);
	add(o, "notes", notes_json(c->notes));
	add(o, "tests", tests);
	add(o, "same_tests", json_object_new_int64((int64_t)c->same_tests));
	add(o, "metrics", metrics);
	strbuf_addf(out, "%s\n",
		    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
