// SPDX-License-Identifier: GPL-2.0-only
/* The command table. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/output.h"
#include "common/shell.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/execute.h"
#include "orchestrator/cli/help.h"
#include "orchestrator/version.h"

static const struct command *const commands[] = {
	&cmd_run,      &cmd_compare, &cmd_bisect,     &cmd_test,  &cmd_explain,	 &cmd_kernel,
	&cmd_scenario, &cmd_host,    &cmd_report,     &cmd_db,	  &cmd_submit,	 &cmd_jobs,
	&cmd_show,     &cmd_log,     &cmd_cancel,     &cmd_hold,  &cmd_release,	 &cmd_retry,
	&cmd_hosts,    &cmd_reserve, &cmd_quarantine, &cmd_token, &cmd_agent,	 &cmd_daemon,
	&cmd_schedule, &cmd_changes, &cmd_image,      &cmd_help,  &cmd_complete, NULL,
};

/*
 * Where stdin, stdout or stderr is closed, the next file that is opened gets its number: the answer would go
 * into it, and a child's files would be mixed up. /dev/null takes the free numbers, open the wrong
 * way round, so that what is written to a closed stdout still fails.
 */
static void occupy_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", flags);
	}
}

static int run_command(int argc, char **argv)
{
	const struct command *c = command_find(argv[0]);

	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
		help_print_commands(stdout);
		return 0;
	}
	if (!strcmp(argv[0], "--version")) {
		printf("nestlab %s\n", nestlab_version);
		return 0;
	}
	if (!c) {
		command_unknown(NULL, argv[0]);
		help_print_commands(stderr);
		return EXIT_USAGE;
	}
	cancel_install();
	return command_execute(c, argc, argv);
}

int main(int argc, char **argv)
{
	occupy_standard_files();
	command_table = commands;
	terminal_guard();
	shell_set_program(argv[0]);
	if (argc < 2) {
		help_print_commands(stderr);
		return EXIT_USAGE;
	}
	return output_finish(run_command(argc - 1, argv + 1));
}
