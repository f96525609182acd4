/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * help.h - the help of a command, made from its row: as text, and as a manual page. @path: its
 * words without "nestlab", e.g. "kernel build".
 */
#ifndef ORCHESTRATOR_CLI_HELP_H
#define ORCHESTRATOR_CLI_HELP_H

#include <stdio.h>

#include "orchestrator/cli/table.h"

void help_print_usage(FILE *f, const struct command *c, const char *path); /* "usage: ..." lines */
void help_print(FILE *f, const struct command *c, const char *path);	   /* all of --help */
void help_print_commands(FILE *f);					   /* nestlab --help */

/* nestlab(1), and nestlab-COMMAND(1) with its actions; in man(7) macros. */
void man_print_program(FILE *f);
void man_print_command(FILE *f, const struct command *c);

#endif
