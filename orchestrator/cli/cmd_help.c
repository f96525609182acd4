// SPDX-License-Identifier: GPL-2.0-only
/* nestlab help [--man] [COMMAND [ACTION]] */
#include "common/alloc.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/help.h"

static bool as_manual;
static const struct option_spec options[] = {
	OPTION_FLAG("man", &as_manual, "print the manual page, for man -l"), OPTION_END};

static int explain_program(void)
{
	if (as_manual)
		man_print_program(stdout);
	else
		help_print_commands(stdout);
	return 0;
}

/* A manual page is a command's; an action is a section of it. */
static int explain_command(int n, char **words)
{
	const struct command *c = command_find(words[0]), *action = NULL;
	__cleanup_free char *path = NULL;

	if (!c)
		return command_unknown(NULL, words[0]);
	if (n > 1)
		action = command_find_action(c, words[1]);
	if (n > 1 && !action && c->actions)
		return command_unknown(c, words[1]);
	if (n > 2 || (n > 1 && !action))
		command_usage_error("%s: unexpected word: give one command and at most one action",
				    words[n - 1]);
	if (as_manual) {
		man_print_command(stdout, c);
		return 0;
	}
	if (!action) {
		help_print(stdout, c, c->name);
		return 0;
	}
	path = xasprintf("%s %s", c->name, action->name);
	help_print(stdout, action, path);
	return 0;
}

static int explain_words(int n, char **words)
{
	if (!n)
		return explain_program();
	return explain_command(n, words);
}

const struct command cmd_help = {
	.name = "help",
	.help = "explain a command",
	.usage = "[--man] [COMMAND [ACTION]]",
	.about = "Lists the commands, or explains one: the same text as COMMAND --help.",
	.options = options,
	.operand = "COMMAND",
	.run = explain_words,
};
