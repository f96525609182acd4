/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arguments.h - a request on the command line: its fields as options and operands, and back.
 *
 *	request_init(&r, REQUEST_RUN);
 *	request_arguments_make(&r, &a);           // a.options: for options_parse() and --help
 *	n = options_parse(argc, argv, a.options, err);
 *	ret = request_take_operands(&a, n, argv, err);
 *	ret = request_check(&r, NULL, err);
 */
#ifndef ORCHESTRATOR_REQUEST_ARGUMENTS_H
#define ORCHESTRATOR_REQUEST_ARGUMENTS_H

#include "common/options.h"
#include "orchestrator/request/request.h"

struct request_arguments { /* free with request_arguments_free(); must stay where it was made */
	struct request *request;     /* what the options set; borrowed */
	struct option_spec *options; /* ended by OPTION_END */
	size_t count;		     /* of options */
	char *given;		     /* NULL, or the first option or operand that was given */
};

void request_arguments_make(struct request *r, struct request_arguments *out);
void request_arguments_free(struct request_arguments *a);

/* -EINVAL: one too many. One that is missing is found by request_check(). */
int request_take_operands(struct request_arguments *a, int n, char *const *operands,
			  struct error *err);

/* The name and help of operand @i of a kind; false past the last. A name of a list ends in "...". */
bool request_operand(enum request_kind kind, size_t i, char **name, const char **help);

/* "nestlab run quick --kernel a --kernel b": what is not the default, quoted for a shell where
 * need be. Not for kinds with alternatives. The caller frees. */
char *request_command_line(const struct request *r);

/* Adds a word to a command line, in quotes where a shell needs them. */
struct strbuf;
void request_add_word(struct strbuf *line, const char *word);

#endif
