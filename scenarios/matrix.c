// SPDX-License-Identifier: GPL-2.0-only
/*
 * An entry's parameters are axes: each has one value or several, and the entry's measurements are
 * the points of the grid that can be measured. The table of agents/wire/words.h says which
 * parameters there are and which values they can have.
 */
#include "scenarios/matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/strbuf.h"

#define MAX_AXES 20
#define MAX_KEYS 32

struct value {
	char *text;	 /* as struct plan_measure has it (plan_word_is_text()); else NULL. Owned */
	uint64_t number; /* all else, as struct plan_measure has it */
	struct json_node where;
	bool used;	      /* a measurement has it */
	const char *unusable; /* why its last combination cannot be measured */
};

struct axis { /* a parameter and its values */
	const struct plan_word *word;
	struct value *values;
	size_t nvalues, at;
};

struct matrix {
	const struct json_node *entry;
	struct plan_measure measure; /* the scenario, its defaults and its amounts */
	struct axis axes[MAX_AXES];
	size_t naxes;
};

/* ---- one value ---- */

static int refuse_choice(const struct json_node *n, const char *s, const char *const *choices,
			 struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	int ret;

	for (size_t i = 0; choices[i]; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", choices[i]);
	ret = json_error(n, err, "unknown value \"%s\"; expected one of: %s", s, known.buf);
	strbuf_release(&known);
	return ret;
}

int matrix_parse_choice(const struct json_node *n, const char *const *choices, uint64_t *out,
			struct error *err)
{
	const char *s;
	int choice, ret = json_as_string(n, &s, err);

	if (ret)
		return ret;
	choice = plan_choice_find(choices, s);
	if (choice < 0)
		return refuse_choice(n, s, choices, err);
	*out = choice;
	return 0;
}

static int parse_name(const struct json_node *n, const struct plan_word *w, char **out,
		      struct error *err)
{
	const char *name;
	int ret = json_as_string(n, &name, err);

	if (ret)
		return ret;
	if (!plan_name_is_plain(name) || strlen(name) >= w->size)
		return json_error(n, err,
				  "\"%s\" is not a plain name (letters, digits and \"._+-\", "
				  "%d bytes at most)",
				  name, w->size - 1);
	*out = xstrdup(name);
	return 0;
}

static int refuse_long(const struct json_node *n, const struct plan_word *w, struct error *err)
{
	return json_error(n, err, "this is longer than %d bytes", w->size - 1);
}

static int check_line(const struct json_node *n, const char *text, struct error *err)
{
	if (strlen(text) == (size_t)json_object_get_string_len(n->value) && !strchr(text, '\n'))
		return 0;
	return json_error(n, err, "a text of one line is wanted, without newlines or NUL bytes");
}

static int parse_text(const struct json_node *n, const struct plan_word *w, char **out,
		      struct error *err)
{
	const char *text;
	int ret = json_as_string(n, &text, err);

	if (ret)
		return ret;
	if (!*text)
		return json_error(n, err, "the text is empty: leave the key out");
	ret = check_line(n, text, err);
	if (ret)
		return ret;
	if (strlen(text) >= w->size)
		return refuse_long(n, w, err);
	*out = xstrdup(text);
	return 0;
}

static int append_item(const struct json_node *item, struct strbuf *lines, struct error *err)
{
	const char *text;
	int ret = json_as_string(item, &text, err);

	if (!ret)
		ret = check_line(item, text, err);
	if (!ret)
		strbuf_addf(lines, "%s\n", text);
	return ret;
}

static int parse_list(const struct json_node *n, const struct plan_word *w, char **out,
		      struct error *err)
{
	struct strbuf lines = STRBUF_INIT;
	int ret = json_as_array(n, err);

	for (size_t i = 0; !ret && i < json_length(n); i++) {
		struct json_node item;

		json_element(n, i, &item);
		ret = append_item(&item, &lines, err);
	}
	if (!ret && lines.len >= w->size)
		ret = refuse_long(n, w, err);
	if (!ret)
		*out = xstrdup(lines.buf ? lines.buf : "");
	strbuf_release(&lines);
	return ret;
}

static int parse_number(const struct json_node *n, const struct plan_word *w, uint64_t *out,
			struct error *err)
{
	int64_t number;
	int ret = json_as_int(n, w->min, w->max, &number, err);

	if (ret)
		return ret;
	*out = number;
	return 0;
}

static int parse_flag(const struct json_node *n, uint64_t *out, struct error *err)
{
	bool flag;
	int ret = json_as_bool(n, &flag, err);

	if (ret)
		return ret;
	*out = flag;
	return 0;
}

static int parse_value(const struct json_node *n, const struct plan_word *w, struct value *v,
		       struct error *err)
{
	if (w->choices)
		return matrix_parse_choice(n, w->choices, &v->number, err);
	switch (w->kind) {
	case PLAN_WORD_NAME:
		return parse_name(n, w, &v->text, err);
	case PLAN_WORD_TEXT:
		return parse_text(n, w, &v->text, err);
	case PLAN_WORD_LIST:
		return parse_list(n, w, &v->text, err);
	case PLAN_WORD_FLAG:
		return parse_flag(n, &v->number, err);
	default:
		return parse_number(n, w, &v->number, err);
	}
}

static void set_field(struct plan_measure *m, const struct plan_word *w, const struct value *v)
{
	if (v->text) /* shorter than the field: parse_value() */
		memcpy(plan_word_text(w, m), v->text, strlen(v->text) + 1);
	else
		plan_word_set(w, m, v->number);
}

static struct json_object *lines_to_json(const char *lines)
{
	struct json_object *list = json_object_new_array();

	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
		json_object_array_add(list, json_object_new_string_len(lines, (int)(end - lines)));
	return list;
}

static struct json_object *value_to_json(const struct plan_word *w, const struct value *v)
{
	if (w->kind == PLAN_WORD_LIST)
		return lines_to_json(v->text);
	if (v->text)
		return json_object_new_string(v->text);
	if (w->choices)
		return json_object_new_string(w->choices[v->number]);
	if (w->kind == PLAN_WORD_FLAG)
		return json_object_new_boolean(v->number);
	return json_object_new_int64(v->number);
}

/* ---- one axis: a value or a list of them ---- */

static bool is_same_value(const struct value *a, const struct value *b)
{
	if (a->text && b->text)
		return !strcmp(a->text, b->text);
	return a->number == b->number;
}

static int add_value(struct axis *axis, const struct json_node *n, struct error *err)
{
	struct value v = {.where = *n};
	int ret = parse_value(n, axis->word, &v, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < axis->nvalues; i++)
		if (is_same_value(&axis->values[i], &v)) {
			free(v.text);
			return json_error(n, err, "this value is in the list twice");
		}
	axis->values = xrealloc(axis->values, axis->nvalues + 1, sizeof(v));
	axis->values[axis->nvalues++] = v;
	return 0;
}

/* A value that is a list itself: several of them are a list of lists. */
static bool is_one_value(const struct axis *axis, const struct json_node *n)
{
	struct json_node first;

	if (!json_object_is_type(n->value, json_type_array))
		return true;
	if (axis->word->kind != PLAN_WORD_LIST)
		return false;
	if (!json_length(n))
		return true;
	json_element(n, 0, &first);
	return !json_object_is_type(first.value, json_type_array);
}

static int parse_axis(struct axis *axis, const struct json_node *n, struct error *err)
{
	struct json_node item;

	if (is_one_value(axis, n))
		return add_value(axis, n, err);
	if (!json_length(n))
		return json_error(n, err, "the list is empty: there is nothing to measure");
	for (size_t i = 0; i < json_length(n); i++) {
		int ret;

		json_element(n, i, &item);
		ret = add_value(axis, &item, err);
		if (ret)
			return ret;
	}
	return 0;
}

static void set_default(struct axis *axis, const struct matrix *m)
{
	axis->values = xcalloc(1, sizeof(*axis->values));
	if (plan_word_is_text(axis->word))
		axis->values[0].text = xstrdup("");
	else
		axis->values[0].number = plan_word_get(axis->word, &m->measure);
	axis->values[0].where = *m->entry;
	axis->nvalues = 1;
}

static int read_axis(struct matrix *m, const struct plan_word *w, struct error *err)
{
	struct axis *axis = &m->axes[m->naxes++];
	bool required = w->role == PLAN_WORD_VARIANT;
	struct json_node n;
	int ret;

	*axis = (struct axis){.word = w};
	ret = json_member(m->entry, w->key, required, &n, err);
	if (!ret)
		return parse_axis(axis, &n, err);
	if (ret != -ENOENT || required)
		return ret;
	set_default(axis, m);
	return 0;
}

static bool takes_word(const struct matrix *m, const struct plan_word *w)
{
	return plan_word_is_used(w, m->measure.scenario);
}

/* The variants come first and so change slowest: the measurements of one exit reason or operation
 * follow each other, unless each would boot an L1 of its own (gather_by_l1()). */
static int read_axes(struct matrix *m, struct error *err)
{
	static const enum plan_word_role roles[] = {PLAN_WORD_VARIANT, PLAN_WORD_AXIS};

	for (size_t r = 0; r < ARRAY_SIZE(roles); r++)
		for (size_t i = 0; i < plan_nwords; i++) {
			int ret = 0;

			if (plan_words[i].role == roles[r] && takes_word(m, &plan_words[i]))
				ret = read_axis(m, &plan_words[i], err);
			if (ret)
				return ret;
		}
	return 0;
}

/* ---- the entry's other members ---- */

/* Reads "scenario" first: it decides which other keys there may be. */
static int read_scenario(struct matrix *m, bool parallel, struct error *err)
{
	struct json_node n;
	uint64_t scenario;
	int ret = json_member(m->entry, "scenario", true, &n, err);

	if (ret)
		return ret;
	ret = matrix_parse_choice(&n, plan_scenario_names, &scenario, err);
	if (ret)
		return ret;
	m->measure = plan_measure_default(scenario);
	m->measure.parallel = parallel && plan_scenario_has_l2(scenario);
	return 0;
}

static int check_keys(const struct matrix *m, struct error *err)
{
	const char *known[MAX_KEYS] = {0};
	size_t n = 0;

	for (size_t i = 0; i < plan_nwords; i++)
		if (plan_words[i].key && takes_word(m, &plan_words[i]))
			known[n++] = plan_words[i].key;
	return json_check_keys(m->entry, known, err);
}

/* Sets *given if the entry has it. */
static int read_amount(struct matrix *m, const struct plan_word *w, bool *given, struct error *err)
{
	struct value v = {0};
	struct json_node n;
	int ret = json_member(m->entry, w->key, false, &n, err);

	*given = !ret;
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = parse_value(&n, w, &v, err);
	if (!ret)
		set_field(&m->measure, w, &v);
	free(v.text);
	return ret;
}

static int read_amounts(struct matrix *m, struct error *err)
{
	for (size_t i = 0; i < plan_nwords; i++) {
		const struct plan_word *w = &plan_words[i];
		bool given;
		int ret;

		if (w->role != PLAN_WORD_AMOUNT || !takes_word(m, w))
			continue;
		ret = read_amount(m, w, &given, err);
		if (ret)
			return ret;
		/* warmup comes after rounds in the table, and takes its own value after this */
		if (given && w->offset == offsetof(struct plan_measure, rounds))
			m->measure.warmup = plan_warmup_default(m->measure.rounds);
	}
	return 0;
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

static struct value *current_value(const struct axis *axis)
{
	return &axis->values[axis->at];
}

static struct plan_measure current_measure(const struct matrix *m)
{
	struct plan_measure out = m->measure;

	for (size_t i = 0; i < m->naxes; i++)
		set_field(&out, m->axes[i].word, current_value(&m->axes[i]));
	return out;
}

static char *current_params(const struct matrix *m, const struct plan_measure *line)
{
	struct json_object *o = json_object_new_object();
	char *text;

	for (size_t i = 0; i < m->naxes; i++)
		if (plan_word_is_said(m->axes[i].word, line))
			json_object_object_add(
				o, m->axes[i].word->key,
				value_to_json(m->axes[i].word, current_value(&m->axes[i])));
	text = json_canonical(o);
	json_object_put(o);
	return text;
}

static int append_measure(struct matrix *m, const struct plan_measure *line,
			  struct scenario_plan *plan, struct error *err)
{
	struct scenario_measure *added;

	if (plan->nmeasures == MATRIX_MAX_MEASURES)
		return json_error(
			m->entry, err,
			"with this entry the plan has more than %d measurements; shorten its lists",
			MATRIX_MAX_MEASURES);
	plan->measures = xrealloc(plan->measures, plan->nmeasures + 1, sizeof(*plan->measures));
	added = &plan->measures[plan->nmeasures++];
	*added = (struct scenario_measure){.line = *line, .params = current_params(m, line)};
	for (size_t i = 0; i < m->naxes; i++)
		current_value(&m->axes[i])->used = true;
	return 0;
}

/* A value that is in no possible combination would be left out silently, and hide a mistake; so it
 * is an error. */
static int check_all_used(const struct matrix *m, struct error *err)
{
	for (size_t i = 0; i < m->naxes; i++)
		for (size_t j = 0; j < m->axes[i].nvalues; j++)
			if (!m->axes[i].values[j].used)
				return json_error(
					&m->axes[i].values[j].where, err,
					"this value cannot be combined with any of the other values: %s",
					m->axes[i].values[j].unusable);
	return 0;
}

static int expand_product(struct matrix *m, struct scenario_plan *plan, struct error *err)
{
	do {
		struct plan_measure line = current_measure(m);
		const char *impossible = plan_measure_impossible(&line);
		int ret = 0;

		for (size_t i = 0; impossible && i < m->naxes; i++)
			current_value(&m->axes[i])->unusable = impossible;
		if (!impossible)
			ret = append_measure(m, &line, plan, err);
		if (ret)
			return ret;
	} while (next_combination(m));
	return check_all_used(m, err);
}

/* One L1 serves measurements that follow each other, and costs a boot: those that want the same one come after
 * the first of them. */
static void gather_by_l1(struct scenario_measure *m, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		struct scenario_measure next;
		size_t j = i + 1;

		while (j < n && !plan_measure_shares_l1(&m[i].line, &m[j].line))
			j++;
		if (j == n)
			continue;
		next = m[j];
		memmove(&m[i + 2], &m[i + 1], (j - i - 1) * sizeof(*m));
		m[i + 1] = next;
	}
}

static int read_entry(struct matrix *m, bool parallel, struct error *err)
{
	int ret = json_as_object(m->entry, err);

	if (ret)
		return ret;
	ret = read_scenario(m, parallel, err);
	if (ret)
		return ret;
	ret = check_keys(m, err);
	if (ret)
		return ret;
	ret = read_amounts(m, err);
	if (ret)
		return ret;
	return read_axes(m, err);
}

static void release_axis(struct axis *axis)
{
	for (size_t i = 0; i < axis->nvalues; i++)
		free(axis->values[i].text);
	free(axis->values);
}

int matrix_expand(const struct json_node *entry, bool parallel, struct scenario_plan *plan,
		  struct error *err)
{
	struct matrix m = {.entry = entry};
	size_t first = plan->nmeasures;
	int ret = read_entry(&m, parallel, err);

	if (!ret)
		ret = expand_product(&m, plan, err);
	if (!ret && plan->nmeasures > first)
		gather_by_l1(&plan->measures[first], plan->nmeasures - first);
	for (size_t i = 0; i < m.naxes; i++)
		release_axis(&m.axes[i]);
	return ret;
}
