// SPDX-License-Identifier: GPL-2.0-only
/*
 * "NAME+CONFIG_X=y+CONFIG_Z=n": a variant with more options, made on the spot. Its name says all that it
 * is, so a command line, a stored boot and a comparison need no file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "kernels/internal.h"

#define MARK	       "+CONFIG_"
#define MAX_NAME_BYTES 160 /* it is a part of the names of files */

/* The first option of a kernel's name, with its plus; NULL: it has none. */
static const char *find_options(const char *name)
{
	return strstr(name, MARK);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static int check_option(const char *option, const char *name, struct error *err)
{
	const char *start = option + strlen("CONFIG_");
	const char *equals = start + strspn(start, LETTERS);

	if (equals > start && *equals == '=' && equals[1] &&
	    !equals[1 + strspn(equals + 1, LETTERS ".-")])
		return 0;
	return error_set(
		err, -EINVAL,
		"%s: expected CONFIG_NAME=VALUE after each +, found \"%s\" (a value of other "
		"than letters, digits and ._- takes a fragment)",
		name, option);
}

/* Appends what @options ("+CONFIG_X=y+CONFIG_Z=n") asks for. */
static int take_options(struct kernel_variant *v, const char *options, const char *name,
			struct error *err)
{
	while (*options) {
		const char *next = find_options(options + 1);
		size_t len = next ? (size_t)(next - options) : strlen(options);
		char *option = strndup(options + 1, len - 1);
		int ret = check_option(option, name, err);

		if (ret) {
			free(option);
			return ret;
		}
		v->options = xrealloc(v->options, v->noptions + 1, sizeof(char *));
		v->options[v->noptions++] = option;
		options += len;
	}
	return 0;
}

static int load_spot(const struct kernel_env *env, const char *name, const char *options,
		     struct kernel_variant *out, struct error *err)
{
	__cleanup_free char *base = strndup(name, options - name);
	struct kernel_variant *parent = xcalloc(1, sizeof(*parent));
	int ret = kernel_variant_load_file(env, base, parent, err);

	if (ret) {
		free(parent);
		return ret;
	}
	memset(out, 0, sizeof(*out));
	out->parent = parent;
	kernel_variant_inherit(out, parent);
	out->name = xasprintf("%s%s", parent->name, options);
	out->path = xstrdup(parent->path);
	if (!parent->nfragments) /* it is not built from a configuration */
		ret = error_set(err, -EINVAL, "%s: %s is built already, and takes no options", name,
				parent->name);
	else
		ret = take_options(out, options, name, err);
	if (!ret && strlen(out->name) > MAX_NAME_BYTES)
		ret = error_set(err, -EINVAL, "%s: longer than %d bytes; write a fragment instead",
				out->name, MAX_NAME_BYTES);
	if (ret)
		kernel_variant_free(out);
	return ret;
}

int kernel_variant_load(const struct kernel_env *env, const char *name, struct kernel_variant *out,
			struct error *err)
{
	const char *options = find_options(name);

	if (!options)
		return kernel_variant_load_file(env, name, out, err);
	return load_spot(env, name, options, out, err);
}
