/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - command-line options as a table, after git's parse-options. Help, manual
 * pages and completions are made from the same table.
 *
 *	static const struct option_spec options[] = {
 *		OPTION_STRING("db", "FILE", &db, "the database (default: results/nestlab.db)"),
 *		OPTION_INT("jobs", "N", &jobs, 1, 1024, "make -j N (default: one per core)"),
 *		OPTION_FLAG("json", &json, "machine-readable output"),
 *		OPTION_FLAG("all", &all, "every row", .excludes = "json"),
 *		OPTION_END};
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/exit.h"

enum option_kind {
	OPTION_KIND_END,
	OPTION_KIND_FLAG,
	OPTION_KIND_STRING,
	OPTION_KIND_INT,
	OPTION_KIND_CALL, /* calls .store; a flag if there is no argname */
};

struct option_spec {
	const char *name;    /* without the dashes; a single letter is a short option */
	const char *argname; /* NULL for a flag */
	const char *help;
	enum option_kind kind;
	void *target;
	long min, max; /* OPTION_KIND_INT */
	/* OPTION_KIND_CALL: keeps @value (NULL for a flag); -EINVAL says what was expected. */
	int (*store)(const struct option_spec *o, const char *value, struct error *err);
	const void *data;		 /* for store() */
	const char *(*choice)(size_t i); /* NULL, or its words; NULL past the last */
	/* An option that would be ignored is an error. Names of the same table, with blanks between;
	 * NULL: none. */
	const char *needs;    /* one of these has to be given with it */
	const char *excludes; /* none of these may be given with it */
};

// clang-format off
/* Behind the help: .needs, .excludes. */
#define OPTION_FLAG(n, t, h, ...) {n, NULL, h, OPTION_KIND_FLAG, (bool *){t}, 0, 0, ##__VA_ARGS__}
#define OPTION_STRING(n, a, t, h, ...) {n, a, h, OPTION_KIND_STRING, (const char **){t}, 0, 0, ##__VA_ARGS__}
#define OPTION_INT(n, a, t, lo, hi, h, ...) {n, a, h, OPTION_KIND_INT, (long *){t}, lo, hi, ##__VA_ARGS__}
#define OPTION_END {.kind = OPTION_KIND_END}
// clang-format on

#define OPTIONS_HELP (-ENOMSG) /* what options_parse() returns for --help and -h */

/*
 * Parses argv[1..]; what is left (operands, in order) is moved to argv[0..] and its count returned.
 * "--name value" and "--name=value"; "--" ends the options. OPTIONS_HELP: help was asked for.
 * -EINVAL: @err names the option and what is wrong with it; for an unknown one, the nearest; or the
 * options that do not go together.
 */
int options_parse(int argc, char **argv, const struct option_spec *opts, struct error *err);

/* "--boots", "-o". The caller frees. */
char *options_word(const struct option_spec *o);

#endif
