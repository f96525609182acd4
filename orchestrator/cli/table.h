/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - what a command is: a row of data with its options, its actions, and what it says about
 * itself. --help, the manual pages (help.c, man.c) and the completion of a shell (complete.c) are made
 * from it.
 */
#ifndef ORCHESTRATOR_CLI_TABLE_H
#define ORCHESTRATOR_CLI_TABLE_H

#include <stdbool.h>

#include "common/options.h"
#include "orchestrator/request/arguments.h"

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

	/*
	 * One of these (both: see without_request), or neither if there are actions. They return
	 * the program's exit status (common/exit.h). Operands are what is left after the options.
	 */
	int (*run)(int n, char **operands);
	/* @line: the command line that asks for the same, for the record. */
	int (*carry_out)(struct request *r, const char *line);
	enum request_kind kind; /* with carry_out() */
	/* With both run() and carry_out(): do the options ask for run()? */
	bool (*without_request)(void);
	bool hidden; /* not in lists */
};

/* All commands, ended by NULL: main.c sets it before anything else. */
extern const struct command *const *command_table;

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

/* Says on stderr that there is no command of that name, or no such action of @parent, and which is
 * the nearest; returns EXIT_USAGE. */
int command_unknown(const struct command *parent, const char *word);

/* ---- options of every command that carries out a request ---- */

struct request_flags {
	const char *file;     /* --request */
	bool print, describe; /* --print-request, --describe */
	bool submit;	      /* --submit */
};
extern struct request_flags command_request;

#endif
