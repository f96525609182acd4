/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - the commands of nestlab, one cmd_NAME.c each. A command gets argv with argv[0] its own
 * name ("kernel") and returns the program's exit status (common/options.h). A new command is a file
 * and a row of the table in main.c.
 */
#ifndef ORCHESTRATOR_COMMAND_H
#define ORCHESTRATOR_COMMAND_H

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* one line */
};

int cmd_kernel(int argc, char **argv);
int cmd_host(int argc, char **argv);
int cmd_scenario(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_bisect(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_db(int argc, char **argv);

#endif
