// SPDX-License-Identifier: GPL-2.0-only
#include "common/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/nearest.h"
#include "common/strbuf.h"

#define MAX_OPTIONS 64

char *options_word(const struct option_spec *o)
{
	if (o->name[1])
		return xasprintf("--%s", o->name);
	return xasprintf("-%s", o->name);
}

/* The option that @arg ("--name", "--name=value", "-x") names, or NULL; *value past the '='. */
static const struct option_spec *find_option(const struct option_spec *opts, const char *arg,
					     const char **value)
{
	const char *name = arg + 1 + (arg[1] == '-');
	size_t len = strcspn(name, "=");

	*value = NULL;
	if (name[len])
		*value = name + len + 1;
	for (; opts->kind != OPTION_KIND_END; opts++)
		if (strlen(opts->name) == len && !strncmp(opts->name, name, len) &&
		    (opts->name[1] != '\0') == (arg[1] == '-'))
			return opts;
	return NULL;
}

static int report_unknown(const struct option_spec *opts, const char *arg, struct error *err)
{
	__cleanup_free char *name = strndup(arg, strcspn(arg, "="));
	const char *known[MAX_OPTIONS + 1];
	const char *nearest = NULL;
	size_t n = 0;

	for (; opts->kind != OPTION_KIND_END && n < MAX_OPTIONS; opts++)
		if (opts->name[1])
			known[n++] = opts->name;
	known[n] = NULL;
	if (name[1] == '-')
		nearest = nearest_word(name + 2, known);
	if (!nearest)
		return error_set(err, -EINVAL, "%s: no such option", name);
	return error_set(err, -EINVAL, "%s: no such option; did you mean --%s?", name, nearest);
}

static int store_int(const struct option_spec *o, const char *value, struct error *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || end == value || *end || n < o->min || n > o->max)
		return error_set(err, -EINVAL, "expected a whole number from %ld to %ld", o->min,
				 o->max);
	*(long *)o->target = n;
	return 0;
}

/* @value is NULL for a flag. -EINVAL says what is wrong with it. */
static int store_value(const struct option_spec *o, const char *value, struct error *err)
{
	switch (o->kind) {
	case OPTION_KIND_FLAG:
		*(bool *)o->target = true;
		return 0;
	case OPTION_KIND_STRING:
		*(const char **)o->target = value;
		return 0;
	case OPTION_KIND_INT:
		return store_int(o, value, err);
	case OPTION_KIND_CALL:
		return o->store(o, value, err);
	case OPTION_KIND_END:
		break;
	}
	return 0;
}

/* Takes the option at argv[*i], notes it in @given and moves *i to its last word. */
static int take_option(char **argv, int argc, int *i, const struct option_spec *opts, bool *given,
		       struct error *err)
{
	__cleanup_free char *word = NULL;
	const char *value;
	const struct option_spec *o = find_option(opts, argv[*i], &value);

	if (!o)
		return report_unknown(opts, argv[*i], err);
	word = options_word(o);
	if (!o->argname && value)
		return error_set(err, -EINVAL, "%s: takes no value", word);
	if (o->argname && !value) {
		if (*i + 1 >= argc)
			return error_set(err, -EINVAL, "%s: a value is missing: %s", word,
					 o->argname);
		value = argv[++*i];
	}
	if (store_value(o, value, err))
		return error_prefix(err, -EINVAL, "%s", word);
	given[o - opts] = true;
	return 0;
}

/* ---- what goes together ---- */

static size_t count_options(const struct option_spec *opts)
{
	size_t n = 0;

	while (opts[n].kind != OPTION_KIND_END)
		n++;
	return n;
}

static bool is_among(const char *name, const char *names)
{
	size_t len = strlen(name);

	for (; *names; names += strspn(names, " ")) {
		size_t word = strcspn(names, " ");

		if (word == len && !strncmp(names, name, len))
			return true;
		names += word;
	}
	return false;
}

/* The first given option among @names; NULL: none. */
static const struct option_spec *find_given(const struct option_spec *opts, const bool *given,
					    const char *names)
{
	for (size_t i = 0; opts[i].kind != OPTION_KIND_END; i++)
		if (given[i] && is_among(opts[i].name, names))
			return &opts[i];
	return NULL;
}

/* "--resume or --log". The caller frees. */
static char *join_names(const char *names)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, "--");
	for (; *names; names++)
		if (*names == ' ')
			strbuf_addstr(&out, " or --");
		else
			strbuf_addch(&out, *names);
	return strbuf_detach(&out);
}

static int check_together(const struct option_spec *opts, const bool *given,
			  const struct option_spec *o, struct error *err)
{
	__cleanup_free char *word = options_word(o), *others = NULL;
	const struct option_spec *other;

	if (o->needs && !find_given(opts, given, o->needs)) {
		others = join_names(o->needs);
		return error_set(err, -EINVAL, "%s: has a meaning with %s only", word, others);
	}
	other = o->excludes ? find_given(opts, given, o->excludes) : NULL;
	if (!other)
		return 0;
	others = options_word(other);
	return error_set(err, -EINVAL, "%s: cannot be used with %s", word, others);
}

static int check_all_together(const struct option_spec *opts, const bool *given, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && opts[i].kind != OPTION_KIND_END; i++)
		if (given[i])
			ret = check_together(opts, given, &opts[i], err);
	return ret;
}

int options_parse(int argc, char **argv, const struct option_spec *opts, struct error *err)
{
	__cleanup_free bool *given = xcalloc(count_options(opts) + 1, sizeof(*given));
	int kept = 0, i, ret;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[kept++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return OPTIONS_HELP;
		ret = take_option(argv, argc, &i, opts, given, err);
		if (ret)
			return ret;
	}
	while (i < argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	ret = check_all_together(opts, given, err);
	if (ret)
		return ret;
	return kept;
}
