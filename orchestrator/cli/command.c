// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/strbuf.h"
#include "orchestrator/cli/help.h"

#define MAX_WORDS 64

const char *command_db;

/* The command that runs, for messages: "kernel build". */
static char running_path[64];
static const struct command *running;

/* ---- options ---- */

/* Options of every command that carries out a request. */
static const char *request_file;
static bool print_request, describe_request;
static const struct option_spec request_options[] = {
	OPTION_STRING("request", "FILE", &request_file,
		      "take the whole request from a JSON file instead of from options"),
	OPTION_FLAG("print-request", &print_request,
		    "print the request that the options make as JSON, and do nothing else"),
	OPTION_FLAG("describe", &describe_request, "print the JSON Schema of such a request"),
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
	for (const struct command *const *c = commands; *c; c++)
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
		for (const struct command *const *c = commands; *c && n < MAX_WORDS; c++)
			if (!(*c)->hidden)
				names[n++] = (*c)->name;
	}
	names[n] = NULL;
}

int command_unknown(const struct command *parent, const char *word)
{
	const char *names[MAX_WORDS + 1], *nearest;

	list_names(parent, names);
	nearest = nearest_word(word, names);
	if (parent)
		fprintf(stderr, "nestlab: error: no such action of %s: %s", parent->name, word);
	else
		fprintf(stderr, "nestlab: error: no such command: %s", word);
	if (nearest)
		fprintf(stderr, "; did you mean %s?", nearest);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* ---- running ---- */

void command_usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("nestlab: error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	help_print_usage(stderr, running, running_path);
	fprintf(stderr, "nestlab %s --help tells more.\n", running_path);
	exit(EXIT_USAGE);
}

static char *join_words(const char *first, int n, char **words)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "nestlab %s", first);
	for (int i = 0; i < n; i++)
		request_add_word(&line, words[i]);
	return strbuf_detach(&line);
}

/* A request that came from a file, too, has a command line that needs no file. */
static char *line_of_request(const struct request *r)
{
	struct strbuf line = STRBUF_INIT;
	__cleanup_free char *made = request_command_line(r);

	strbuf_addstr(&line, made);
	if (command_db) {
		strbuf_addstr(&line, " --db");
		request_add_word(&line, command_db);
	}
	return strbuf_detach(&line);
}

static int print_schema(enum request_kind kind)
{
	struct json_object *schema = request_describe(kind);

	command_print_json(schema);
	json_object_put(schema);
	return 0;
}

/* The request that the options or the file make, complete and checked. Ends the program if not. */
static void finish_request(const struct command *c, struct command_options *o, int n,
			   char **operands)
{
	struct error err = {0};
	int ret;

	if (request_take_operands(&o->arguments, n, operands, &err))
		command_usage_error("%s", err.text);
	if (!request_file) {
		if (request_check(&o->request, NULL, &err))
			command_usage_error("%s", err.text);
		return;
	}
	if (o->arguments.given)
		command_usage_error("--request: the file is the whole request; leave out %s",
				    o->arguments.given);
	request_free(&o->request);
	ret = request_load(request_file, c->kind, &o->request, &err);
	if (!ret)
		return;
	log_error("%s", err.text);
	exit(ret == -EINVAL ? EXIT_USAGE : EXIT_FATAL);
}

/* @line: as it was typed; a bisect, whose options are more than its fields, is recorded so. */
static int carry_out_request(const struct command *c, struct command_options *o, int n,
			     char **operands, const char *line)
{
	__cleanup_free char *made = NULL;

	if (describe_request)
		return print_schema(c->kind);
	finish_request(c, o, n, operands);
	if (print_request) {
		__cleanup_free char *text = NULL;

		request_absolute(&o->request);
		text = request_json(&o->request);
		puts(text);
		return 0;
	}
	if (c->kind != REQUEST_BISECT)
		line = made = line_of_request(&o->request);
	return c->carry_out(&o->request, line);
}

static bool wants_request(const struct command *c)
{
	if (!c->carry_out)
		return false;
	return !c->without_request || !c->without_request();
}

static int parse_and_run(const struct command *c, int argc, char **argv)
{
	__cleanup_free char *line = join_words(running_path, argc - 1, argv + 1);
	struct command_options o;
	struct error err = {0};
	int n, status;

	command_options_make(c, &o);
	n = options_parse(argc, argv, o.all, &err);
	if (n == OPTIONS_HELP) {
		help_print(stdout, c, running_path);
		status = 0;
	} else if (n < 0) {
		command_usage_error("%s", err.text);
	} else if (wants_request(c)) {
		status = carry_out_request(c, &o, n, argv, line);
	} else {
		status = c->run(n, argv);
	}
	command_options_free(&o);
	return status;
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int command_execute(const struct command *c, int argc, char **argv)
{
	size_t len = strlen(running_path);

	snprintf(running_path + len, sizeof(running_path) - len, "%s%s", len ? " " : "", c->name);
	running = c;
	if (c->actions && argc > 1) {
		const struct command *action = command_find_action(c, argv[1]);

		if (action)
			return command_execute(action, argc - 1, argv + 1);
	}
	if (c->run || c->carry_out)
		return parse_and_run(c, argc, argv);
	if (argc < 2) {
		help_print(stderr, c, running_path);
		return EXIT_USAGE;
	}
	if (asks_for_help(argv[1])) {
		help_print(stdout, c, running_path);
		return 0;
	}
	command_unknown(c, argv[1]);
	help_print(stderr, c, running_path);
	return EXIT_USAGE;
}

/* ---- what commands share ---- */

int command_fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

const struct places *command_places(void)
{
	static struct places places;

	if (!places.root)
		places_find(&places, command_db);
	return &places;
}

int command_exit_status(const struct results_comparison *c)
{
	if (c->verdict == VERDICT_REGRESSED)
		return EXIT_NO;
	if (c->verdict == VERDICT_INCONCLUSIVE)
		return EXIT_CANNOT_TELL;
	return 0;
}

bool command_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

void command_print_json(struct json_object *v)
{
	puts(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
}
