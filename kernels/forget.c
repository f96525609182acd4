// SPDX-License-Identifier: GPL-2.0-only
/* What was built of one repository goes: a finished kernel says in its manifest where it is from, a kept tree whose
 * it is, or at least which commit it has. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "kernels/internal.h"

struct forgetting {
	const struct kernel_env *env;
	const char *repository;
	void (*tell)(void *arg, const char *path, uint64_t bytes);
	void *arg;
};

static int let_go(const struct forgetting *f, const char *folder, const char *name,
		  struct error *err)
{
	__cleanup_free char *path = kernel_cache_path(f->env, folder, name);

	if (!fs_exists(path))
		return 0;
	f->tell(f->arg, path, fs_measure_tree(path));
	return fs_remove_tree(path, err);
}

/* What cannot be read is nobody's: it stays. */
static bool is_from_repository(const struct forgetting *f, const char *key)
{
	__cleanup_free char *folder = kernel_cache_path(f->env, "kernels", key);
	__cleanup_free char *path = xasprintf("%s/manifest.json", folder);
	struct json_object *doc = NULL, *source;
	struct json_node root;
	struct error err;
	bool is_ours;

	if (json_load(path, &doc, &root, &err))
		return false;
	is_ours = json_object_object_get_ex(doc, "source", &source) &&
		  !strcmp(json_object_get_string(source), f->repository);
	json_object_put(doc);
	return is_ours;
}

static int forget_kernel(const struct forgetting *f, const char *key, struct error *err)
{
	int ret = 0;

	if (is_from_repository(f, key))
		ret = let_go(f, "trees", key, err);
	if (!ret && is_from_repository(f, key))
		ret = let_go(f, "kernels", key, err);
	return ret;
}

static int forget_tree(const struct forgetting *f, const char *name, struct error *err)
{
	__cleanup_free char *tree = kernel_cache_path(f->env, "trees", name), *commit = NULL;
	bool is_ours = kernel_lineage_is_of(f->repository, tree);
	int ret = 0;

	if (!is_ours)
		ret = kernel_lineage_commit(f->repository, tree, &commit, err);
	if (ret || !(is_ours || commit))
		return ret;
	return let_go(f, "trees", name, err);
}

static int forget_each(const struct forgetting *f, const char *folder,
		       int (*forget)(const struct forgetting *f, const char *name,
				     struct error *err),
		       struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/%s", f->env->cache_dir, folder);
	char **names;
	size_t count;
	int ret;

	if (!fs_exists(top))
		return 0;
	ret = fs_list(top, NULL, &names, &count, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++)
		ret = forget(f, names[i], err);
	fs_free_names(names, count);
	return ret;
}

int kernel_forget(const struct kernel_env *env, const char *repository,
		  void (*tell)(void *arg, const char *path, uint64_t bytes), void *arg,
		  struct error *err)
{
	const struct forgetting f = {env, repository, tell, arg};
	int ret = forget_each(&f, "kernels", forget_kernel, err);

	if (ret)
		return ret;
	return forget_each(&f, "trees", forget_tree, err);
}
