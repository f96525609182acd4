// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/strbuf.h"

#define MAX_WORDS 64

const struct command *const *command_table;

/* ---- options ---- */

/* Options of every command that carries out a request. */
struct request_flags command_request;

static const struct option_spec request_options[] = {
	OPTION_STRING("request", "FILE", &command_request.file,
		      "take the whole request from a JSON file instead of from options"),
	OPTION_FLAG("print-request", &command_request.print,
		    "print the request that the options make as JSON, and do nothing else"),
	OPTION_FLAG("submit", &command_request.submit,
		    "give it to the daemon; without one it is carried out here",
		    .excludes = "db json all o"), /* the daemon has its own */
	OPTION_FLAG("describe", &command_request.describe,
		    "print the JSON Schema of such a request"),
	OPTION_END};

static size_t count_options(const struct option_spec *o)
{
	size_t n = 0;

	while (o && o[n].kind != OPTION_KIND_END)
		n++;
	return n;
}

static void append_options(struct option_spec *all, const struct option_spec *more)
{
	size_t n = count_options(more);

	if (n)
		memcpy(all + count_options(all), more, n * sizeof(*more));
}

void command_options_make(const struct command *c, struct command_options *out)
{
	size_t n = count_options(c->options) + count_options(request_options) + 1;

	*out = (struct command_options){0};
	if (c->carry_out) {
		request_init(&out->request, c->kind);
		request_arguments_make(&out->request, &out->arguments);
		n += out->arguments.count;
	}
	out->all = xcalloc(n, sizeof(*out->all));
	append_options(out->all, out->arguments.options);
	append_options(out->all, c->options);
	if (c->carry_out)
		append_options(out->all, request_options);
}

void command_options_free(struct command_options *o)
{
	request_arguments_free(&o->arguments);
	request_free(&o->request);
	free(o->all);
	*o = (struct command_options){0};
}

/* ---- finding commands ---- */

const struct command *command_find_action(const struct command *c, const char *name)
{
	for (const struct command *a = c->actions; a && a->name; a++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = command_table; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

/* The names of the commands, or of the actions of @parent, ended by NULL. */
static void list_names(const struct command *parent, const char *names[MAX_WORDS + 1])
{
	size_t n = 0;

	if (parent) {
		for (const struct command *a = parent->actions; a->name && n < MAX_WORDS; a++)
			names[n++] = a->name;
	} else {
		for (const struct command *const *c = command_table; *c && n < MAX_WORDS; c++)
			if (!(*c)->hidden)
				names[n++] = (*c)->name;
	}
	names[n] = NULL;
}

int command_unknown(const struct command *parent, const char *word)
{
	const char *names[MAX_WORDS + 1], *nearest;
	struct strbuf text = STRBUF_INIT;

	list_names(parent, names);
	nearest = nearest_word(word, names);
	if (parent)
		strbuf_addf(&text, "no such action of %s: %s", parent->name, word);
	else
		strbuf_addf(&text, "no such command: %s", word);
	if (nearest)
		strbuf_addf(&text, "; did you mean %s?", nearest);
	log_error("%s", text.buf);
	strbuf_release(&text);
	return EXIT_USAGE;
}
