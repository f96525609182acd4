// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/execute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/output.h"
#include "common/strbuf.h"
#include "orchestrator/cli/ask.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/help.h"

static char *join_words(const char *first, int n, char **words)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "nestlab %s", first);
	for (int i = 0; i < n; i++)
		request_add_word(&line, words[i]);
	return strbuf_detach(&line);
}

/* Even a request that came from a file is recorded as a command line that works without the
 * file. */
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

/* Makes the request from the options or the file and checks it. Ends the program if it is wrong. */
static void finish_request(const struct command *c, struct command_options *o, int n,
			   char **operands)
{
	struct error err = {0};
	int ret;

	if (request_take_operands(&o->arguments, n, operands, &err))
		command_usage_error("%s", err.text);
	if (!command_request.file) {
		if (request_check(&o->request, NULL, &err))
			command_usage_error("%s", err.text);
		return;
	}
	/* options beside a file would have to override it or be overridden: neither is what the
	 * file says */
	if (o->arguments.given)
		command_usage_error("--request: the file is the whole request; leave out %s",
				    o->arguments.given);
	request_free(&o->request);
	ret = request_load(command_request.file, c->kind, &o->request, &err);
	if (!ret)
		return;
	log_error("%s", err.text);
	/* a wrong request is wrong usage; a file that cannot be read is not */
	exit(output_finish(ret == -EINVAL ? EXIT_USAGE : EXIT_FATAL));
}

/* @line: the command as typed. A bisect is recorded that way, because some of its options are not
 * fields. */
static int carry_out_request(const struct command *c, struct command_options *o, int n,
			     char **operands, const char *line)
{
	__cleanup_free char *made = NULL;

	if (command_request.describe)
		return print_schema(c->kind);
	finish_request(c, o, n, operands);
	if (command_request.print) {
		__cleanup_free char *text = NULL;

		request_absolute(&o->request);
		text = request_json(&o->request);
		puts(text);
		return 0;
	}
	if (command_request.submit && client_has_daemon()) {
		request_absolute(&o->request);
		return ask_submit(&o->request);
	}
	if (c->kind != REQUEST_BISECT)
		line = made = line_of_request(&o->request);
	return c->carry_out(&o->request, line);
}

static bool is_request_wanted(const struct command *c)
{
	if (!c->carry_out)
		return false;
	return !c->without_request || !c->without_request();
}

/* What is asked of a command that does not begin something new: no option of a request is ignored. */
static void refuse_request(const struct command_options *o)
{
	static const struct {
		const char *word;
		const bool *given;
	} flags[] = {
		{"--print-request", &command_request.print},
		{"--submit", &command_request.submit},
		{"--describe", &command_request.describe},
	};
	const char *word = o->arguments.given;

	if (command_request.file)
		word = "--request";
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (*flags[i].given)
			word = flags[i].word;
	if (word)
		command_usage_error("%s: is for something new; leave it out", word);
}

static int parse_and_run(const struct command *c, int argc, char **argv)
{
	__cleanup_free char *line = join_words(command_path, argc - 1, argv + 1);
	struct command_options o;
	struct error err = {0};
	int n, status;

	command_options_make(c, &o);
	n = options_parse(argc, argv, o.all, &err);
	if (n == OPTIONS_HELP) {
		help_print(stdout, c, command_path);
		status = 0;
	} else if (n < 0) {
		command_usage_error("%s", err.text);
	} else if (is_request_wanted(c)) {
		status = carry_out_request(c, &o, n, argv, line);
	} else {
		if (c->carry_out)
			refuse_request(&o);
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
	command_set_running(c);
	if (c->actions && argc > 1) {
		const struct command *action = command_find_action(c, argv[1]);

		if (action)
			return command_execute(action, argc - 1, argv + 1);
	}
	if (c->run || c->carry_out)
		return parse_and_run(c, argc, argv);
	if (argc < 2) {
		help_print(stderr, c, command_path);
		return EXIT_USAGE;
	}
	if (asks_for_help(argv[1])) {
		help_print(stdout, c, command_path);
		return 0;
	}
	command_unknown(c, argv[1]);
	help_print(stderr, c, command_path);
	return EXIT_USAGE;
}
