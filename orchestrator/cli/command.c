// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/log.h"
#include "common/output.h"
#include "common/shell.h"
#include "common/strbuf.h"
#include "orchestrator/cli/help.h"
#include "results/report/text.h"

const char *command_db;
char command_path[64];
static const struct command *running;

void command_set_running(const struct command *c)
{
	size_t len = strlen(command_path);

	snprintf(command_path + len, sizeof(command_path) - len, len ? " %s" : "%s", c->name);
	running = c;
}

void command_usage_error(const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	log_error("%s", text.buf);
	strbuf_release(&text);
	help_print_usage(stderr, running, command_path);
	fprintf(stderr, "%s %s --help tells more.\n", shell_program(), command_path);
	exit(output_finish(EXIT_USAGE));
}

int command_fatal(const struct error *err)
{
	/* what read stdout has gone: output_finish() ends the program by SIGPIPE */
	if (err->code == -EPIPE && output_is_abandoned(STDOUT_FILENO))
		return EXIT_FATAL;
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

int command_verdict_status(enum results_verdict verdict)
{
	if (verdict == VERDICT_REGRESSED)
		return EXIT_NO;
	if (verdict == VERDICT_INCONCLUSIVE)
		return EXIT_CANNOT_TELL;
	return 0;
}

int command_exit_status(const struct results_comparison *c)
{
	return command_verdict_status(c->verdict);
}

unsigned int command_render_flags(void)
{
	unsigned int flags = RESULTS_RENDER_COLUMNS(output_columns(STDOUT_FILENO, 0));

	if (output_has_colour(STDOUT_FILENO))
		flags |= RESULTS_RENDER_COLOUR;
	return flags;
}

void command_print_json(struct json_object *v)
{
	puts(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
}
