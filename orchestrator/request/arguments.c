// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/request/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "orchestrator/request/internal.h"

static const struct request_field *first_field(enum request_kind kind)
{
	return request_tables[kind].fields;
}

static size_t count_fields(enum request_kind kind)
{
	size_t n = 0;

	for (const struct request_field *f = first_field(kind); f->help; f++)
		n++;
	return n;
}

/* ---- options ---- */

/* Chooses the alternative that @f stands for, unless another one was chosen. */
static int choose_alternative(struct request *r, const struct request_field *f, struct error *err)
{
	const struct request_table *table = &request_tables[r->kind];
	const struct request_field *choice;
	int before, *chosen;
	int ret;

	if (!f->chooses)
		return 0;
	choice = request_find_field(table->fields, table->alternatives);
	chosen = request_at(r, choice);
	before = *chosen;
	ret = request_set_choice(chosen, choice, f->chooses, err);
	if (ret)
		return ret;
	if (before && before != *chosen)
		return error_set(err, -EINVAL, "%s", table->no_alternative);
	return 0;
}

static int store_option(const struct option_spec *o, const char *value, struct error *err)
{
	struct request_arguments *a = o->target;
	const struct request_field *f = o->data;
	int ret = choose_alternative(a->request, f, err);

	if (ret)
		return ret;
	if (!a->given)
		a->given = request_argument_name(f);
	return request_set_text(a->request, f, value, err);
}

static char *help_text(const struct request_field *f)
{
	__cleanup_free char *words = NULL;

	if (f->choice) {
		words = request_choice_words(f, ", ");
		if (!f->otherwise)
			return xasprintf("%s: %s", f->help, words);
		return xasprintf("%s: %s (default: %s)", f->help, words, f->otherwise);
	}
	if (f->otherwise)
		return xasprintf("%s (default: %s)", f->help, f->otherwise);
	return xstrdup(f->help);
}

void request_arguments_make(struct request *r, struct request_arguments *out)
{
	*out = (struct request_arguments){.request = r};
	out->options = xcalloc(count_fields(r->kind) + 1, sizeof(*out->options));
	for (const struct request_field *f = first_field(r->kind); f->help; f++) {
		if (f->place != REQUEST_OPTION)
			continue;
		out->options[out->count++] = (struct option_spec){
			.name = request_option_name(f),
			.argname = f->argname,
			.help = help_text(f),
			.kind = OPTION_KIND_CALL,
			.target = out,
			.store = store_option,
			.data = f,
			.choice = f->choice,
			.needs = f->needs,
			.excludes = f->excludes,
		};
	}
}

void request_arguments_free(struct request_arguments *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free((char *)a->options[i].name);
		free((char *)a->options[i].help);
	}
	free(a->options);
	free(a->given);
	*a = (struct request_arguments){0};
}

/* ---- operands ---- */

int request_take_operands(struct request_arguments *a, int n, char *const *operands,
			  struct error *err)
{
	int taken = 0;

	if (n && !a->given)
		a->given = xstrdup(operands[0]);
	for (const struct request_field *f = first_field(a->request->kind); f->help; f++) {
		if (f->place != REQUEST_OPERAND || !request_has_field(a->request, f))
			continue;
		while (taken < n) {
			int ret = request_set_text(a->request, f, operands[taken], err);

			if (ret)
				return error_prefix(err, ret, "%s", f->argname);
			taken++;
			if (f->type != REQUEST_LIST)
				break;
		}
	}
	if (taken < n)
		return error_set(err, -EINVAL, "%s: one operand too many", operands[taken]);
	return 0;
}

bool request_operand(enum request_kind kind, size_t i, char **name, const char **help)
{
	for (const struct request_field *f = first_field(kind); f->help; f++) {
		if (f->place != REQUEST_OPERAND || i--)
			continue;
		if (f->type == REQUEST_LIST)
			*name = xasprintf("%s...", f->argname);
		else
			*name = xstrdup(f->argname);
		*help = f->help;
		return true;
	}
	return false;
}

/* ---- and back ---- */

void request_add_word(struct strbuf *line, const char *word)
{
	strbuf_addch(line, ' ');
	shell_add_word(line, word);
}

/* A value as the command line has it; lists are not one value. */
static char *value_text(const struct request *r, const struct request_field *f)
{
	const void *p = request_at(r, f);

	switch (f->type) {
	case REQUEST_TEXT:
		return xstrdup(*(char *const *)p);
	case REQUEST_INTEGER:
		if (f->word && !*(const int *)p)
			return xstrdup(f->word);
		return xasprintf("%d", *(const int *)p);
	case REQUEST_REAL:
		return xasprintf("%.15g", *(const double *)p);
	case REQUEST_CHOICE:
		return xstrdup(f->choice(*(const int *)p - 1));
	case REQUEST_FLAG:
	case REQUEST_LIST:
		break;
	}
	return NULL;
}

static bool is_default(const struct request *r, const struct request_field *f)
{
	__cleanup_free char *text = value_text(r, f);
	const char *otherwise = f->otherwise;

	if (f->type == REQUEST_TEXT && !otherwise)
		return false;
	if (!otherwise && !f->required)
		otherwise = "0"; /* of numbers: the others are not given then */
	return text && otherwise && !strcmp(text, otherwise);
}

/* "--key value", or the value alone for an operand. */
static void add_argument(const struct request_field *f, const char *value, struct strbuf *line)
{
	__cleanup_free char *name = request_argument_name(f);

	if (f->place == REQUEST_OPTION)
		strbuf_addf(line, " %s", name);
	if (value)
		request_add_word(line, value);
}

static void add_field(const struct request *r, const struct request_field *f, struct strbuf *line)
{
	__cleanup_free char *text = NULL;
	const struct request_list *list;

	if (!request_is_given(r, f) || is_default(r, f))
		return;
	if (f->type == REQUEST_LIST) {
		list = request_at(r, f);
		for (size_t i = 0; i < list->count; i++)
			add_argument(f, list->items[i], line);
		return;
	}
	text = value_text(r, f);
	add_argument(f, text, line);
}

char *request_command_line(const struct request *r)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "nestlab %s", request_kind_command(r->kind));
	for (const struct request_field *f = first_field(r->kind); f->help; f++)
		if (f->place == REQUEST_OPERAND)
			add_field(r, f, &line);
	for (const struct request_field *f = first_field(r->kind); f->help; f++)
		if (f->place == REQUEST_OPTION)
			add_field(r, f, &line);
	return strbuf_detach(&line);
}
