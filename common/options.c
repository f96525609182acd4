// SPDX-License-Identifier: GPL-2.0-only
#include "common/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

/* "--name VALUE", "-x"; the caller frees. */
static char *describe_option(const struct option_spec *o)
{
	const char *dashes = o->name[1] ? "--" : "-";

	if (o->argname)
		return xasprintf("%s%s %s", dashes, o->name, o->argname);
	return xasprintf("%s%s", dashes, o->name);
}

static void print_options(FILE *f, const struct option_spec *opts)
{
	for (; opts->kind != OPTION_KIND_END; opts++) {
		__cleanup_free char *left = describe_option(opts);

		fprintf(f, "  %-24s %s\n", left, opts->help);
	}
	fprintf(f, "  %-24s %s\n", "--help", "this text");
}

static void usage_fail(const struct option_spec *opts, const char *usage, const char *what,
		       const char *arg) __attribute__((noreturn));

static void usage_fail(const struct option_spec *opts, const char *usage, const char *what,
		       const char *arg)
{
	fprintf(stderr, "nestlab: error: %s: %s\nusage: %s\n", arg, what, usage);
	print_options(stderr, opts);
	exit(EXIT_USAGE);
}

/* The option that @arg ("--name", "--name=value", "-x") names, or NULL; *value past the '='. */
static const struct option_spec *find_option(const struct option_spec *opts, const char *arg,
					     const char **value)
{
	bool is_long = arg[1] == '-';
	const char *name = arg + 1 + is_long;
	size_t len = strcspn(name, "=");

	*value = NULL;
	if (name[len])
		*value = name + len + 1;
	for (; opts->kind != OPTION_KIND_END; opts++)
		if (strlen(opts->name) == len && !strncmp(opts->name, name, len) &&
		    (len > 1) == is_long)
			return opts;
	return NULL;
}

static const char *store_int(const struct option_spec *o, const char *value)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || end == value || *end || n < o->min || n > o->max) {
		static char text[96];

		snprintf(text, sizeof(text), "expected a whole number from %ld to %ld", o->min,
			 o->max);
		return text;
	}
	*(long *)o->target = n;
	return NULL;
}

static const char *store_double(const struct option_spec *o, const char *value)
{
	char *end;
	double d;

	errno = 0;
	d = strtod(value, &end);
	if (*end == '%')
		end++;
	if (errno || end == value || *end)
		return "expected a number";
	*(double *)o->target = d;
	return NULL;
}

/* NULL, or what is wrong with @value. */
static const char *store_value(const struct option_spec *o, const char *value)
{
	struct option_list *list;

	switch (o->kind) {
	case OPTION_KIND_STRING:
		*(const char **)o->target = value;
		return NULL;
	case OPTION_KIND_INT:
		return store_int(o, value);
	case OPTION_KIND_DOUBLE:
		return store_double(o, value);
	case OPTION_KIND_LIST:
		list = o->target;
		list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
		list->items[list->count++] = value;
		return NULL;
	default:
		return "takes no value";
	}
}

static void print_help(const struct option_spec *opts, const char *usage, const char *about)
	__attribute__((noreturn));

static void print_help(const struct option_spec *opts, const char *usage, const char *about)
{
	printf("usage: %s\n\n%s\n\n", usage, about);
	print_options(stdout, opts);
	exit(0);
}

int options_parse(int argc, char **argv, const struct option_spec *opts, const char *usage,
		  const char *about)
{
	int kept = 0, i;

	for (i = 1; i < argc; i++) {
		const struct option_spec *o;
		const char *value, *wrong;

		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[kept++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			print_help(opts, usage, about);
		o = find_option(opts, argv[i], &value);
		if (!o)
			usage_fail(opts, usage, "no such option", argv[i]);
		if (o->kind == OPTION_KIND_FLAG && !value) {
			*(bool *)o->target = true;
			continue;
		}
		if (!value && o->kind != OPTION_KIND_FLAG && i + 1 >= argc)
			usage_fail(opts, usage, "wants a value", argv[i]);
		wrong = store_value(o, value ? value : argv[i + 1]);
		if (wrong)
			usage_fail(opts, usage, wrong, argv[i]);
		if (!value)
			i++;
	}
	while (i < argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	return kept;
}

void options_usage_error(const char *usage, const char *fmt, ...)
{
	va_list ap;

	fputs("nestlab: error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: %s\n", usage);
	exit(EXIT_USAGE);
}
