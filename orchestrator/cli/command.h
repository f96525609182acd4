/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - the commands of nestlab, one cmd_NAME.c each, and what they share.
 *
 * A new command is a file that defines a `const struct command` (table.h), and a row of the table in
 * main.c. If it carries out a request (orchestrator/request/request.h), the request's fields are its
 * options and operands, and --request, --print-request and --describe are there without further work.
 */
#ifndef ORCHESTRATOR_CLI_COMMAND_H
#define ORCHESTRATOR_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "orchestrator/cli/table.h"
#include "orchestrator/places.h"
#include "results/compare/compare.h"

struct json_object;

extern const struct command cmd_run, cmd_compare, cmd_bisect, cmd_test, cmd_explain, cmd_kernel,
	cmd_scenario, cmd_host, cmd_report, cmd_db, cmd_image, cmd_help, cmd_complete;
extern const struct command cmd_submit, cmd_jobs, cmd_show, cmd_log, cmd_cancel, cmd_hold,
	cmd_release, cmd_retry, cmd_hosts, cmd_reserve, cmd_quarantine, cmd_token, cmd_agent,
	cmd_daemon, cmd_schedule, cmd_changes;

/* The command that runs, for messages and for the record: "kernel build". Its row is set together with
 * the word that is added to its path. */
extern char command_path[64];
void command_set_running(const struct command *c);

/* For wrong operands: prints the message and the usage of the running command, and exits with
 * EXIT_USAGE. */
void command_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

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
int command_verdict_status(enum results_verdict verdict);

/* RESULTS_RENDER_... (results/report/text.h): the colour and the columns that stdout has (output.h). */
unsigned int command_render_flags(void);

/* A comparison on stdout; of two kernels not as a table but as `nestlab compare` always had it. @flags:
 * RESULTS_RENDER_... */
void command_print_table(const struct results_table *t, bool as_json, unsigned int flags);

/* Text on stdout. Where stdout has fewer columns than a line, that is broken at blanks (a word longer than a line
 * anywhere), and goes on below its beginning. Escape sequences of colours take no column. */
void command_print_text(const char *text);

/* A row of a list on stdout: @head, then @text, both cleaned (terminal.h). Where stdout has fewer columns than that, @text goes on in
 * lines of its own. */
void command_print_row(const char *head, const char *text);

struct strbuf;
/* An answer to the file @path, whole or not at all; NULL: to stdout. */
int command_write_output(const char *path, const struct strbuf *out, struct error *err);

void command_print_json(struct json_object *v); /* on stdout, for people and programs */

/* The base, the new kernel, and the others; the caller frees the array. */
const char **command_list_kernels(const char *base, const char *new,
				  const struct request_list *others, size_t *n);

#endif
