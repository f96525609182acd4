/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - the commands of nestlab, one cmd_NAME.c each. A command is a row of data: its options,
 * its actions, what it says about itself. --help, the manual pages (help.c) and the completion of a
 * shell (complete.c) are made from it.
 *
 * A new command is a file that defines a `const struct command`, and a row of the table in main.c.
 * If it carries out a request (orchestrator/request/request.h), the request's fields are its options
 * and operands, and --request, --print-request and --describe are there without further work.
 */
#ifndef ORCHESTRATOR_CLI_COMMAND_H
#define ORCHESTRATOR_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "common/options.h"
#include "orchestrator/places.h"
#include "orchestrator/request/arguments.h"
#include "results/compare/compare.h"

struct json_object;

struct command {
	const char *name;
	const char *help;  /* one line for lists, without a full stop */
	const char *usage; /* what follows the name; further lines are further forms */
	/* What it does. A line is a paragraph, however long; an indented line stays as it is. */
	const char *about;
	const char *exit_status; /* what 0, 1, 125 and 128 mean here; NULL: 0 and 128 alone */
	const struct option_spec *options; /* besides the request's; NULL: none */
	const char *
		operand; /* what operands are ("KERNEL"), for completion; NULL: none, or the request's */
	const struct command *actions; /* ended by a NULL name; NULL: none */

	/* One of these (see without_request for both), or neither where there are actions. They return the program's exit status
	 * (common/exit.h). Operands are what is left after the options. */
	int (*run)(int n, char **operands);
	/* @line: the command line that asks for the same, for the record. */
	int (*carry_out)(struct request *r, const char *line);
	enum request_kind kind; /* with carry_out() */
	/* With both run() and carry_out(): do the options ask for run()? */
	bool (*without_request)(void);
	bool hidden; /* not in lists */
};

extern const struct command cmd_run, cmd_compare, cmd_bisect, cmd_test, cmd_kernel, cmd_scenario,
	cmd_host, cmd_report, cmd_db, cmd_help, cmd_complete;
extern const struct command *const commands[]; /* all, ended by NULL; main.c */

/* ---- running them ---- */

/* Runs command @c with argv[0] its name; returns the exit status. */
int command_execute(const struct command *c, int argc, char **argv);

/* All options of a command. Free with command_options_free(). */
struct command_options {
	struct request request;		    /* if the command carries one out */
	struct request_arguments arguments; /* likewise */
	struct option_spec *all;	    /* ended by OPTION_END */
};
void command_options_make(const struct command *c, struct command_options *out);
void command_options_free(struct command_options *o);

/* The action of that name; NULL: none. */
const struct command *command_find_action(const struct command *c, const char *name);
/* The command of that name; NULL: none. */
const struct command *command_find(const char *name);

/* ---- what commands share ---- */

/* For wrong operands: says so with the usage of the running command, and exits EXIT_USAGE. */
void command_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Says on stderr that there is no command of that name, or no such action of @parent, and which is
 * the nearest; returns EXIT_USAGE. */
int command_unknown(const struct command *parent, const char *word);

int command_fatal(const struct error *err); /* logs it; returns EXIT_FATAL */

/* The option --db, for tables of options, and where everything is, --db counted in. */
extern const char *command_db;
#define COMMAND_DB                               \
	OPTION_STRING("db", "FILE", &command_db, \
		      "the database (default: results/nestlab.db of the checkout)")
const struct places *command_places(void);

/* 0, EXIT_NO (a regression, or the new kernel failed boots that the base passed) or
 * EXIT_CANNOT_TELL. */
int command_exit_status(const struct results_comparison *c);

/* May stdout have colour: a terminal, and no NO_COLOR? */
bool command_colour(void);

void command_print_json(struct json_object *v); /* on stdout, for people and programs */

#endif
