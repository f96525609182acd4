/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - the commands of nestlab, one cmd_NAME.c each. A command gets argv with argv[0] its own
 * name ("kernel") and returns the program's exit status (common/options.h). A new command is a file
 * and a row of the table in main.c.
 */
#ifndef ORCHESTRATOR_CLI_COMMAND_H
#define ORCHESTRATOR_CLI_COMMAND_H

#include <stdbool.h>

#include "results/compare/compare.h"

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

/* ---- what commands share ---- */

/* The value of --db, or the default: results/nestlab.db of the checkout, and for an installed
 * nestlab $XDG_DATA_HOME/nestlab/nestlab.db (~/.local/share). The caller frees. */
char *command_db_path(const char *option);

/* 0, EXIT_NO (a regression, or the new kernel failed boots that the base passed) or
 * EXIT_CANNOT_TELL. */
int command_exit_status(const struct results_comparison *c);

/* May stdout have colour: a terminal, and no NO_COLOR? */
bool command_colour(void);

#endif
