// SPDX-License-Identifier: GPL-2.0-only
#include "scenarios/matrix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "scenarios/parameters.h"

#define MAX_PARAMETERS 16
#define MAX_KEYS       (MAX_PARAMETERS + 4)
#define MAX_ROUNDS     1000000
#define MAX_LIMIT_S    3600
#define MAX_COUNT      1000000
#define NAME_MAX_BYTES 63 /* what a plan line has room for (agents/wire/protocol.h) */

struct value {
	const char *word; /* words and names */
	uint32_t number;  /* numbers, flags and choices */
	struct json_node where;
	bool used;	      /* some combination has it */
	const char *unusable; /* why the last combination with it cannot be */
};

struct axis { /* a parameter and its values */
	const struct parameter *parameter;
	struct value *values;
	size_t nvalues, at;
};

struct matrix {
	const struct json_node *entry;
	enum scenario_id id;
	uint32_t rounds, warmup, limit_s, count;
	struct axis axes[MAX_PARAMETERS];
	size_t naxes;
};

/* ---- one value ---- */

static int parse_word(const struct json_node *n, const struct parameter *p, struct value *v,
		      struct error *err)
{
	char known[256] = "";
	const char *s;
	int ret = json_as_string(n, &s, err);

	if (ret)
		return ret;
	for (size_t i = 0; p->words[i]; i++) {
		if (!strcmp(s, p->words[i])) {
			v->word = p->words[i];
			v->number = i;
			return 0;
		}
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			 i ? ", " : "", p->words[i]);
	}
	return json_error(n, err, "\"%s\" is none of: %s", s, known);
}

static int parse_name(const struct json_node *n, const struct parameter *p, struct value *v,
		      struct error *err)
{
	int ret = json_as_string(n, &v->word, err);

	if (ret)
		return ret;
	if (!fs_is_plain_name(v->word) || strlen(v->word) > NAME_MAX_BYTES)
		return json_error(n, err, "\"%s\" is not %s", v->word, p->help);
	return 0;
}

static int parse_number(const struct json_node *n, const struct parameter *p, struct value *v,
			struct error *err)
{
	int64_t number;
	int ret = json_as_int(n, p->min, p->max, &number, err);

	v->number = ret ? 0 : number;
	return ret;
}

static int parse_flag(const struct json_node *n, const struct parameter *p, struct value *v,
		      struct error *err)
{
	bool flag;
	int ret = json_as_bool(n, &flag, err);

	(void)p;
	v->number = !ret && flag;
	return ret;
}

static int (*const parsers[])(const struct json_node *n, const struct parameter *p, struct value *v,
			      struct error *err) = {
	[PARAMETER_WORD] = parse_word,	   [PARAMETER_NAME] = parse_name,
	[PARAMETER_NUMBER] = parse_number, [PARAMETER_FLAG] = parse_flag,
	[PARAMETER_CHOICE] = parse_word,
};

static void set_field(struct scenario_measure *m, const struct parameter *p, const struct value *v)
{
	void *field = (char *)m + p->field;

	if (p->kind == PARAMETER_NUMBER)
		*(uint32_t *)field = v->number;
	else if (p->kind == PARAMETER_FLAG || p->kind == PARAMETER_CHOICE)
		*(bool *)field = v->number;
	else
		*(const char **)field = v->word;
}

static struct json_object *value_to_json(const struct parameter *p, const struct value *v)
{
	if (p->kind == PARAMETER_NUMBER)
		return json_object_new_int64(v->number);
	if (p->kind == PARAMETER_FLAG)
		return json_object_new_boolean(v->number);
	return json_object_new_string(v->word);
}

/* ---- one axis: a value or a list of them ---- */

static bool same_value(const struct value *a, const struct value *b)
{
	if (a->word && b->word)
		return !strcmp(a->word, b->word);
	return a->number == b->number;
}

static int add_value(struct axis *axis, const struct json_node *n, struct error *err)
{
	struct value v = {.where = *n};
	int ret = parsers[axis->parameter->kind](n, axis->parameter, &v, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < axis->nvalues; i++)
		if (same_value(&axis->values[i], &v))
			return json_error(n, err, "the same value is in the list before");
	axis->values = xrealloc(axis->values, axis->nvalues + 1, sizeof(v));
	axis->values[axis->nvalues++] = v;
	return 0;
}

static int parse_axis(struct axis *axis, const struct json_node *n, struct error *err)
{
	struct json_node item;
	int ret = 0;

	if (!json_object_is_type(n->value, json_type_array))
		return add_value(axis, n, err);
	if (!json_length(n))
		return json_error(n, err, "the list is empty, and with it the matrix");
	for (size_t i = 0; !ret && i < json_length(n); i++) {
		json_element(n, i, &item);
		ret = add_value(axis, &item, err);
	}
	return ret;
}

static void default_axis(struct axis *axis, const struct matrix *m, const char *mode)
{
	const struct parameter *p = axis->parameter;
	const struct scenario_kind *kind = &scenario_kinds[m->id];
	struct value v = {.number = p->fallback, .where = *m->entry};

	if (p->field == offsetof(struct scenario_measure, l2_vcpus))
		v.number = kind->l2_vcpus;
	else if (p->field == offsetof(struct scenario_measure, l1_vcpus))
		v.number = kind->l1_vcpus;
	else if (p->kind == PARAMETER_CHOICE && mode)
		v.number = !strcmp(mode, p->words[1]);
	if (p->words)
		v.word = p->words[v.number];
	axis->values = xmalloc(sizeof(v));
	axis->values[0] = v;
	axis->nvalues = 1;
}

static int read_axes(struct matrix *m, const char *mode, struct error *err)
{
	for (size_t i = 0; i < scenario_nparameters; i++) {
		const struct parameter *p = &scenario_parameters[i];
		struct axis *axis = &m->axes[m->naxes];
		struct json_node n;
		int ret;

		if (!(p->scenarios & ONLY(m->id)))
			continue;
		*axis = (struct axis){.parameter = p};
		m->naxes++;
		ret = json_member(m->entry, p->key, p->required, &n, err);
		if (!ret)
			ret = parse_axis(axis, &n, err);
		else if (ret == -ENOENT && !p->required) {
			default_axis(axis, m, mode);
			ret = 0;
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the entry's other members ---- */

static int find_kind(const struct json_node *entry, enum scenario_id *id, struct error *err)
{
	struct json_node n;
	const char *name;
	int ret = json_member(entry, "scenario", true, &n, err);

	ret = ret ? ret : json_as_string(&n, &name, err);
	if (ret)
		return ret;
	for (*id = 0; *id < SCENARIO_COUNT; (*id)++)
		if (!strcmp(name, scenario_kinds[*id].name))
			return 0;
	return json_error(&n, err, "\"%s\" is none of: multiplex, migrate, exits, churn, kselftest",
			  name);
}

static int check_keys(const struct matrix *m, struct error *err)
{
	const char *known[MAX_KEYS] = {"scenario"};
	size_t n = 1;

	if (m->id == KSELFTEST) {
		known[n++] = "limit_s";
		known[n++] = "count";
	} else {
		known[n++] = "rounds";
		known[n++] = "warmup";
	}
	for (size_t i = 0; i < scenario_nparameters; i++)
		if (scenario_parameters[i].scenarios & ONLY(m->id))
			known[n++] = scenario_parameters[i].key;
	return json_check_keys(m->entry, known, err);
}

static int read_count(const struct json_node *entry, const char *key, int64_t min, int64_t max,
		      uint32_t *out, struct error *err)
{
	struct json_node n;
	int64_t number;
	int ret = json_member(entry, key, false, &n, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_int(&n, min, max, &number, err);
	if (!ret)
		*out = number;
	return ret;
}

static int read_numbers(struct matrix *m, struct error *err)
{
	int ret;

	m->rounds = scenario_kinds[m->id].rounds;
	ret = read_count(m->entry, "rounds", 1, MAX_ROUNDS, &m->rounds, err);
	m->warmup = m->rounds / 10;
	ret = ret ? ret : read_count(m->entry, "warmup", 0, MAX_ROUNDS, &m->warmup, err);
	ret = ret ? ret : read_count(m->entry, "limit_s", 1, MAX_LIMIT_S, &m->limit_s, err);
	return ret ? ret : read_count(m->entry, "count", 1, MAX_COUNT, &m->count, err);
}

/* ---- the product ---- */

/* Sets the axes to the next combination, last axis fastest; false after the last one. */
static bool next_combination(struct matrix *m)
{
	for (size_t i = m->naxes; i-- > 0;) {
		if (++m->axes[i].at < m->axes[i].nvalues)
			return true;
		m->axes[i].at = 0;
	}
	return false;
}

static struct scenario_measure current_measure(const struct matrix *m)
{
	struct scenario_measure out = {
		.scenario = scenario_kinds[m->id].name,
		.rounds = m->rounds,
		.warmup = m->warmup,
		.limit_s = m->limit_s,
		.count = m->count,
	};

	for (size_t i = 0; i < m->naxes; i++)
		set_field(&out, m->axes[i].parameter, &m->axes[i].values[m->axes[i].at]);
	return out;
}

static char *current_params(const struct matrix *m)
{
	struct json_object *o = json_object_new_object();
	char *text;

	for (size_t i = 0; i < m->naxes; i++)
		json_object_object_add(
			o, m->axes[i].parameter->key,
			value_to_json(m->axes[i].parameter, &m->axes[i].values[m->axes[i].at]));
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

static int append_measure(struct matrix *m, struct scenario_measure *measure,
			  struct scenario_plan *plan, struct error *err)
{
	if (plan->nmeasures == MATRIX_MAX_MEASURES)
		return json_error(m->entry, err,
				  "with this the plan has more than %d measurements; shorten lists",
				  MATRIX_MAX_MEASURES);
	measure->params = current_params(m);
	plan->measures = xrealloc(plan->measures, plan->nmeasures + 1, sizeof(*measure));
	plan->measures[plan->nmeasures++] = *measure;
	for (size_t i = 0; i < m->naxes; i++)
		m->axes[i].values[m->axes[i].at].used = true;
	return 0;
}

/* A value that no possible combination has would be silently left out: say so instead. */
static int check_all_used(const struct matrix *m, struct error *err)
{
	for (size_t i = 0; i < m->naxes; i++)
		for (size_t j = 0; j < m->axes[i].nvalues; j++)
			if (!m->axes[i].values[j].used)
				return json_error(&m->axes[i].values[j].where, err,
						  "impossible with every other value given: %s",
						  m->axes[i].values[j].unusable);
	return 0;
}

static int expand(struct matrix *m, struct scenario_plan *plan, struct error *err)
{
	do {
		struct scenario_measure measure = current_measure(m);
		const char *impossible = scenario_impossible(m->id, &measure);
		int ret = impossible ? 0 : append_measure(m, &measure, plan, err);

		if (ret)
			return ret;
		for (size_t i = 0; impossible && i < m->naxes; i++)
			m->axes[i].values[m->axes[i].at].unusable = impossible;
	} while (next_combination(m));
	return check_all_used(m, err);
}

int matrix_expand(const struct json_node *entry, const char *mode, struct scenario_plan *plan,
		  struct error *err)
{
	struct matrix m = {.entry = entry};
	int ret = json_as_object(entry, err);

	ret = ret ? ret : find_kind(entry, &m.id, err);
	ret = ret ? ret : check_keys(&m, err);
	ret = ret ? ret : read_numbers(&m, err);
	ret = ret ? ret : read_axes(&m, mode, err);
	ret = ret ? ret : expand(&m, plan, err);
	for (size_t i = 0; i < m.naxes; i++)
		free(m.axes[i].values);
	return ret;
}
