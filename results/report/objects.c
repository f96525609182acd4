// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/objects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "results/report/markup.h"
#include "results/report/text.h"

/* ---- members ---- */

/* A string of @text in valid UTF-8, without control characters other than the ends of its lines. */
static struct json_object *make_text(const char *text)
{
	struct strbuf valid = STRBUF_INIT;
	struct json_object *string;

	for (const char *line = text; *line;) { /* markup_line() would join the lines */
		size_t n = strcspn(line, "\n\t");
		__cleanup_free char *part = xasprintf("%.*s", (int)n, line);

		markup_line(&valid, part);
		line += n;
		if (*line)
			strbuf_addch(&valid, *line++);
	}
	string = json_object_new_string(valid.buf);
	strbuf_release(&valid);
	return string;
}

void objects_add_text(struct json_object *obj, const char *key, const char *text)
{
	if (text && *text)
		json_object_object_add(obj, key, make_text(text));
}

struct json_object *objects_parse(const char *text)
{
	struct json_object *doc = NULL;

	if (!text || !*text || json_parse(text, strlen(text), "stored", &doc, NULL))
		return NULL;
	return doc;
}

void objects_print(struct json_object *doc, struct strbuf *out)
{
	strbuf_addstr(out, json_object_to_json_string_ext(
				   doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	strbuf_addch(out, '\n');
}

/* ---- a comparison ---- */

static void add_member(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

/* Unlike objects_add_text(): a text that is not there is null, so that every key always is. */
static void add_text(struct json_object *o, const char *key, const char *text)
{
	struct json_object *value = NULL;

	if (text)
		value = make_text(text);
	add_member(o, key, value);
}

/* Ten digits are more than any of these numbers is good for; what is no number is null. */
static struct json_object *make_number(double v)
{
	char text[32];

	if (!isfinite(v))
		return NULL;
	snprintf(text, sizeof(text), "%.10g", v);
	return json_object_new_double_s(v, text);
}

static struct json_object *make_side(const struct results_side *s)
{
	struct json_object *o = json_object_new_object();

	add_member(o, "boots", json_object_new_int(s->boots));
	add_member(o, "samples", json_object_new_int64((int64_t)s->count));
	add_member(o, "median", make_number(s->median));
	add_member(o, "p99", make_number(s->p99));
	return o;
}

static void add_judgement(struct json_object *o, const struct results_judgement *j)
{
	struct json_object *interval = json_object_new_array();

	json_object_array_add(interval, make_number(j->low));
	json_object_array_add(interval, make_number(j->high));
	add_member(o, "ratio", make_number(j->ratio));
	add_member(o, "interval", interval);
	add_member(o, "p_value", make_number(j->p_value));
	add_member(o, "noise_percent", make_number(j->noise));
	add_member(o, "noise_from_boots", json_object_new_int(j->noise_from));
	add_member(o, "noise_assumed_boots", json_object_new_int(j->noise_assumed));
	add_text(o, "verdict", results_verdict_name(j->verdict));
	add_member(o, "more_boots", json_object_new_int(j->more_boots));
	add_text(o, "why", j->why);
}

static struct json_object *make_metric(const struct results_compared *m)
{
	struct json_object *o = json_object_new_object(), *tail = json_object_new_object();

	add_text(o, "scenario", m->scenario);
	add_text(o, "metric", m->metric);
	add_member(o, "params", json_tokener_parse(m->params));
	add_text(o, "unit", m->unit);
	add_text(o, "better", m->better);
	add_member(o, "headline", json_object_new_boolean(m->headline));
	add_member(o, "smallest_effect_percent", make_number(m->smallest_effect));
	add_member(o, "base", make_side(&m->base));
	add_member(o, "new", make_side(&m->new));
	add_judgement(o, &m->median);
	add_judgement(tail, &m->p99);
	add_member(o, "p99", tail);
	return o;
}

static struct json_object *make_changed_test(const struct results_changed_test *t)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "scenario", t->scenario);
	add_member(o, "params", json_tokener_parse(t->params));
	add_text(o, "name", t->name);
	add_text(o, "base", t->base);
	add_text(o, "new", t->new);
	add_text(o, "text", t->text);
	return o;
}

static struct json_object *make_notes(const char *notes)
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

static struct json_object *make_failure_rate(const struct results_failure_rate *r)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "scenario", r->scenario);
	add_text(o, "what", r->what);
	add_member(o, "base_boots", json_object_new_int(r->base_boots));
	add_member(o, "base_failed", json_object_new_int(r->base_failed));
	add_member(o, "new_boots", json_object_new_int(r->new_boots));
	add_member(o, "new_failed", json_object_new_int(r->new_failed));
	add_member(o, "p_value", make_number(r->p_value));
	add_text(o, "verdict", results_verdict_name(r->verdict));
	add_member(o, "more_boots", json_object_new_int(r->more_boots));
	add_text(o, "why", r->why);
	return o;
}

struct json_object *objects_of_comparison(const struct results_comparison *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *metrics = json_object_new_array(), *tests = json_object_new_array();
	struct json_object *failures = json_object_new_array();

	for (size_t i = 0; i < c->nmetrics; i++)
		json_object_array_add(metrics, make_metric(&c->metrics[i]));
	for (size_t i = 0; i < c->ntests; i++)
		json_object_array_add(tests, make_changed_test(&c->tests[i]));
	for (size_t i = 0; i < c->nfailures; i++)
		json_object_array_add(failures, make_failure_rate(&c->failures[i]));
	add_text(o, "base", c->base);
	add_text(o, "new", c->new);
	add_text(o, "base_key", c->base_key);
	add_text(o, "new_key", c->new_key);
	add_text(o, "clock", c->clock);
	add_text(o, "verdict", results_verdict_name(c->verdict));
	add_member(o, "alpha", make_number(c->alpha));
	add_member(o, "base_failed", json_object_new_int(c->base_failed));
	add_member(o, "new_failed", json_object_new_int(c->new_failed));
	add_member(o, "failures", failures);
	add_text(o, "failure", c->failure);
	add_member(o, "notes", make_notes(c->notes));
	add_member(o, "tests", tests);
	add_member(o, "same_tests", json_object_new_int64((int64_t)c->same_tests));
	add_member(o, "metrics", metrics);
	return o;
}

void results_render_json(const struct results_comparison *c, struct strbuf *out)
{
	struct json_object *doc = objects_of_comparison(c);

	objects_print(doc, out);
	json_object_put(doc);
}

/* ---- several kernels ---- */

struct json_object *objects_of_table(const struct results_table *t)
{
	struct json_object *o = json_object_new_object(), *pairs = json_object_new_array();
	struct json_object *kernels = json_object_new_array();

	json_object_array_add(kernels, make_text(t->pairs[0].base));
	for (size_t i = 0; i < t->npairs; i++) {
		json_object_array_add(kernels, make_text(t->pairs[i].new));
		json_object_array_add(pairs, objects_of_comparison(&t->pairs[i]));
	}
	add_member(o, "kernels", kernels);
	add_text(o, "verdict", results_verdict_name(t->verdict));
	add_member(o, "alpha", make_number(t->pairs[0].alpha));
	add_member(o, "judged_together", json_object_new_int64((int64_t)t->family));
	add_member(o, "pairs", pairs);
	return o;
}

void results_render_table_json(const struct results_table *t, struct strbuf *out)
{
	struct json_object *doc = objects_of_table(t);

	objects_print(doc, out);
	json_object_put(doc);
}

struct json_object *objects_of_head(const struct results_head *h)
{
	struct json_object *o = json_object_new_object();

	objects_add_text(o, "origin", h->origin);
	json_object_object_add(o, "seals", json_object_new_int64(h->seals));
	objects_add_text(o, "head", h->head);
	json_object_object_add(o, "adopted", json_object_new_int64(h->adopted));
	return o;
}
