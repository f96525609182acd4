/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - command-line options as a table, after git's parse-options: parsing, --help and the
 * usage error from one place.
 *
 *	const struct option_spec opts[] = {
 *		OPTION_STRING("db", "FILE", &db, "database (default: results/nestlab.db)"),
 *		OPTION_INT("boots", "N", &boots, 1, 1000, "boots of each kernel"),
 *		OPTION_FLAG("json", &json, "machine-readable output"),
 *		OPTION_LIST("kernel", "NAME", &kernels, "a kernel to run; may be given again"),
 *		OPTION_END
 *	};
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/exit.h"

struct option_list { /* borrowed argv strings; free items with free() */
	const char **items;
	size_t count;
};

struct option_spec {
	const char *name;    /* without the dashes; a single letter is a short option */
	const char *argname; /* NULL for a flag */
	const char *help;
	enum {
		OPTION_KIND_END,
		OPTION_KIND_FLAG,
		OPTION_KIND_STRING,
		OPTION_KIND_INT,
		OPTION_KIND_DOUBLE,
		OPTION_KIND_LIST
	} kind;
	void *target;
	long min, max; /* OPTION_KIND_INT */
};

// clang-format off
#define OPTION_FLAG(n, t, h)		{n, NULL, h, OPTION_KIND_FLAG, (bool *){t}, 0, 0}
#define OPTION_STRING(n, a, t, h)	{n, a, h, OPTION_KIND_STRING, (const char **){t}, 0, 0}
#define OPTION_INT(n, a, t, lo, hi, h)	{n, a, h, OPTION_KIND_INT, (long *){t}, lo, hi}
#define OPTION_DOUBLE(n, a, t, h)	{n, a, h, OPTION_KIND_DOUBLE, (double *){t}, 0, 0}
#define OPTION_LIST(n, a, t, h)		{n, a, h, OPTION_KIND_LIST, (struct option_list *){t}, 0, 0}
#define OPTION_END			{.kind = OPTION_KIND_END}
// clang-format on

/*
 * Parses argv[1..]; what is left (operands, in order) is moved to argv[0..] and its count returned.
 * "--name value" and "--name=value"; "--" ends the options. "--help" prints usage, @about and the
 * table on stdout and exits 0. A bad option prints what is wrong and the usage on stderr and exits
 * EXIT_USAGE. @usage is one line: "nestlab run [options] SCENARIO...".
 */
int options_parse(int argc, char **argv, const struct option_spec *opts, const char *usage,
		  const char *about);
/* For operand errors: prints "nestlab: TEXT", the usage line, and exits EXIT_USAGE. */
void options_usage_error(const char *usage, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif
