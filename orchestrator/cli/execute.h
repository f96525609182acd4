/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * execute.h - from a command line to a command: its options and operands, its request, its action.
 */
#ifndef ORCHESTRATOR_CLI_EXECUTE_H
#define ORCHESTRATOR_CLI_EXECUTE_H

#include "orchestrator/cli/table.h"

/* Runs command @c with argv[0] its name; returns the exit status. */
int command_execute(const struct command *c, int argc, char **argv);

#endif
