// SPDX-License-Identifier: GPL-2.0-only
/* Which source file each function of a kernel comes from: the lists in the cache (nm.c writes them). */
#include <errno.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "kernels/internal.h"

#define LIST_NAME "functions" /* in the entry of a kernel: cache.c */
#define LIST_MAX  (16 << 20)

/* The entry of @key, or a build of an older nestlab whose tree is still there. Appends nothing if there is
 * neither. */
static int read_list(const struct kernel_env *env, const char *key, struct strbuf *text,
		     struct error *err)
{
	__cleanup_free char *dir = kernel_cache_path(env, "kernels", key);
	__cleanup_free char *path = xasprintf("%s/" LIST_NAME, dir);
	__cleanup_free char *tree = kernel_cache_path(env, "trees", key);
	int ret;

	if (!fs_exists(path) && fs_exists(tree)) {
		ret = kernel_functions_write(tree, path, err);
		if (ret)
			return ret;
	}
	if (!fs_exists(path))
		return 0;
	return fs_read_file(path, LIST_MAX, text, err);
}

/* The lists of the variant's bases: a series moves few functions. */
static int read_list_of_base(const struct kernel_env *env, const struct kernel_variant *v,
			     struct strbuf *text, struct error *err)
{
	struct kernel_keys keys;
	bool found = false;
	int ret = kernel_keys_find(env, v, false, &keys, err);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = kernel_cache_lookup(env, &keys, &found, err);
	if (!ret && found)
		ret = read_list(env, keys.key, text, err);
	kernel_keys_free(&keys);
	return ret;
}

int kernel_functions(const struct kernel_env *env, const char *name,
		     const struct kernel_build *build, struct strbuf *text, struct error *err)
{
	struct kernel_variant v;
	int ret = read_list(env, build->key, text, err);

	if (ret || text->len)
		return ret;
	ret = kernel_variant_load(env, name, &v, err);
	if (ret)
		return ret;
	for (const struct kernel_variant *p = v.parent; p && !ret && !text->len; p = p->parent)
		ret = read_list_of_base(env, p, text, err);
	kernel_variant_free(&v);
	return ret;
}
