// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/text_parts.h"
#include "results/report/words.h"

void text_add_coloured(struct strbuf *out, unsigned int flags, const char *colour, const char *text)
{
	if (colour && flags & RESULTS_RENDER_COLOUR)
		strbuf_addf(out, "\033[%sm%s\033[0m", colour, text);
	else
		strbuf_addstr(out, text);
}

char *text_verdict(const struct results_compared *m)
{
	const struct results_judgement *j = &m->median;
	__cleanup_free char *verdict = words_verdict(m);
	const char *rest = verdict + strlen(results_verdict_name(j->verdict));
	const char *about = "~";

	if (!j->more_boots)
		return xstrdup(verdict);
	if (j->more_boots == RESULTS_MORE_BOOTS_MAX)
		about = "over ";
	return xasprintf("%s, %s%d more boot%s%s", results_verdict_name(j->verdict), about,
			 j->more_boots, words_plural(j->more_boots), rest);
}

bool text_is_shown(const struct results_compared *m, unsigned int flags)
{
	return flags & RESULTS_RENDER_ALL || m->headline || words_has_regressed(m);
}

/* ---- a section ---- */

const char *text_param(struct json_object *params, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(params, key, &v))
		return "-";
	if (!json_object_is_type(v, json_type_boolean))
		return json_object_get_string(v);
	if (json_object_get_boolean(v))
		return "on";
	return "off";
}

void text_section_add(struct text_section *s, const struct results_compared *m)
{
	s->rows = xrealloc(s->rows, s->nrows + 1, sizeof(*s->rows));
	s->rows[s->nrows++] = (struct text_row){m, json_tokener_parse(m->params)};
	s->names_vary |= strcmp(m->metric, s->rows[0].metric->metric) != 0;
	s->units_vary |= strcmp(m->unit, s->rows[0].metric->unit) != 0;
}

static bool does_vary(const struct text_section *s, const char *key)
{
	__cleanup_free char *first = xstrdup(text_param(s->rows[0].params, key));

	for (size_t i = 1; i < s->nrows; i++)
		if (strcmp(first, text_param(s->rows[i].params, key)))
			return true;
	return false;
}

static void add_key(const char **keys, size_t *count, const char *key)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(keys[i], key))
			return;
	if (*count < TEXT_PARAMETERS_MAX)
		keys[(*count)++] = key;
}

static bool has_param(const struct text_row *r, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(r->params, key, &v);
}

/* Is it the same in all rows that have it, and do these differ from the others in their L1? Then the column of L1s says
 * where it is, and it needs none of its own. */
static bool is_told_by_l1(const struct text_section *s, const char *key)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct text_row *with = &s->rows[i];

		for (size_t j = 0; j < s->nrows && has_param(with, key); j++) {
			const char *same = has_param(&s->rows[j], key) ? key : "l1";
			bool is_same = !strcmp(text_param(with->params, same),
					       text_param(s->rows[j].params, same));

			if (is_same != (same == key))
				return false;
		}
	}
	return true;
}

static void add_varying(struct text_section *s, const char *key)
{
	if (is_told_by_l1(s, key))
		add_key(s->told, &s->ntold, key);
	else
		add_key(s->varying, &s->nvarying, key);
}

/* A parameter that the first row does not have, for it was measured before there was one, or has its default. */
static void add_missing_columns(struct text_section *s)
{
	struct json_object *v;

	for (size_t i = 1; i < s->nrows; i++) {
		json_object_object_foreach(s->rows[i].params, key, value)
		{
			(void)value;
			if (!json_object_object_get_ex(s->rows[0].params, key, &v))
				add_varying(s, key);
		}
	}
}

/* Of the first row that has it. */
static const char *find_param(const struct text_section *s, const char *key)
{
	size_t i = 0;

	while (!has_param(&s->rows[i], key))
		i++;
	return text_param(s->rows[i].params, key);
}

/* Finds the parameters that are columns; those that are the same in all rows go to @same. */
static void divide_params(struct text_section *s, struct strbuf *same)
{
	json_object_object_foreach(s->rows[0].params, key, value)
	{
		(void)value;
		if (does_vary(s, key) && s->nvarying < TEXT_PARAMETERS_MAX) {
			add_varying(s, key);
			continue;
		}
		if (same->len)
			strbuf_addstr(same, ", ");
		strbuf_addf(same, "%s %s", key, text_param(s->rows[0].params, key));
	}
	add_missing_columns(s);
	for (size_t i = 0; i < s->ntold; i++)
		strbuf_addf(same, "%s%s %s", i ? ", " : "; where L1 has it: ", s->told[i],
			    find_param(s, s->told[i]));
}

void text_section_add_title(struct text_section *s, unsigned int flags, struct strbuf *out)
{
	const struct results_compared *m = s->rows[0].metric;
	struct strbuf title = STRBUF_INIT, same = STRBUF_INIT;

	strbuf_addstr(&title, s->scenario);
	if (!s->names_vary)
		strbuf_addf(&title, " %s", m->metric);
	strbuf_addch(out, '\n');
	text_add_coloured(out, flags, TEXT_BOLD, title.buf);
	if (!s->units_vary)
		strbuf_addf(out, ", %s", m->unit);
	strbuf_addch(out, '\n');
	divide_params(s, &same);
	if (same.len) {
		strbuf_reset(&title);
		strbuf_addf(&title, "  %s", same.buf);
		text_add_coloured(out, flags, TEXT_FAINT, title.buf);
		strbuf_addch(out, '\n');
	}
	strbuf_release(&title);
	strbuf_release(&same);
}

void text_section_add_heads(const struct text_section *s, struct table *t)
{
	if (s->names_vary)
		table_add_column(t, "metric", false, false);
	for (size_t i = 0; i < s->nvarying; i++)
		table_add_column(t, s->varying[i], false, false);
	if (s->units_vary)
		table_add_column(t, "unit", false, true);
}

void text_section_add_cells(const struct text_section *s, const struct text_row *r, struct table *t)
{
	if (s->names_vary)
		table_cell(t, "%s", r->metric->metric);
	for (size_t i = 0; i < s->nvarying; i++)
		table_cell(t, "%s", text_param(r->params, s->varying[i]));
	if (s->units_vary)
		table_cell(t, "%s", r->metric->unit);
}

void text_section_free(struct text_section *s)
{
	for (size_t i = 0; i < s->nrows; i++)
		json_object_put(s->rows[i].params);
	free(s->rows);
}
