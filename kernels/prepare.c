// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree that make runs in, by the shortest way: a copy of the base's built tree; of another commit's; of one
 * whose sources are nearly the same; or the sources unpacked. In each case with the variant's patches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "kernels/internal.h"

static void show_step(const struct kernel_preparation *p, const char *what)
{
	progress_update(p->progress, 0, 0, what);
}

int kernel_find_built_tree(const struct kernel_env *env, const struct kernel_keys *k, char **tree,
			   struct error *err)
{
	struct kernel_keys keys = *k; /* the look-up fills in its key */
	bool found;
	int ret = kernel_cache_lookup(env, &keys, &found, err);

	*tree = NULL;
	if (ret || !found)
		return ret;
	*tree = kernel_cache_path(env, "trees", keys.key);
	if (!fs_exists(*tree)) {
		free(*tree);
		*tree = NULL;
	}
	return 0;
}

/* The base's tree has the base's patches already, so only the variant's own are applied. */
static int prepare_from_base(struct kernel_preparation *p, struct error *err)
{
	__cleanup_free char *tree = kernel_cache_path(p->env, "trees", p->base->key);
	const struct kernel_variant *v = p->v;
	int ret;

	show_step(p, "copying the base's tree");
	ret = kernel_tree_copy(tree, p->work->tree, err);
	if (ret)
		return ret;
	return kernel_patches_apply(p->work->tree, v->patches + v->nbase_patches,
				    v->npatches - v->nbase_patches, p->work->log, err);
}

/* The mark is set after the patches: until then every file is a source, and what make adds later is
 * younger than the mark (tree.c). */
static int prepare_from_source(struct kernel_preparation *p, struct error *err)
{
	int ret;

	show_step(p, "unpacking");
	ret = kernel_source_unpack(&p->keys->source, p->work->tree, p->work->log, err);
	if (ret)
		return ret;
	ret = kernel_patches_apply(p->work->tree, p->v->patches, p->v->npatches, p->work->log, err);
	if (ret)
		return ret;
	return kernel_tree_mark(p->work->tree, err);
}

/* ---- a source that is like one in the cache ---- */

/* Can a build of @p's variant go on from build @b's tree? It must be of an unpatched source, with our compiler, and
 * with all options that we ask for. *size: about how much there is in it. */
static int judge_tree(const struct kernel_preparation *p, const struct kernel_build *b, bool *fits,
		      uint64_t *size, struct error *err)
{
	char unpatched[SHA256_HEX];
	int ret = kernel_patches_hash(NULL, 0, unpatched, err);

	*fits = !ret && !strcmp(b->patches_hash, unpatched) &&
		!strcmp(b->compiler, p->keys->compiler);
	if (ret || !*fits)
		return ret;
	ret = kernel_config_check(p->v, b->config, NULL);
	*fits = !ret;
	if (ret == -EDOM)
		return 0;
	if (ret)
		return error_set(err, ret, "%s: cannot be compared with what is asked for",
				 b->config);
	return kernel_config_expect_steps(b->config, size, err);
}

/* If the tree called @name is a better one to start from than the *best so far, it takes its place. */
static int weigh_tree(const struct kernel_preparation *p, const char *name, char **best,
		      uint64_t *least, struct error *err)
{
	struct kernel_keys k = {.compiler = NULL};
	struct kernel_build b;
	uint64_t size = 0;
	bool fits = false;
	int ret;

	if (strlen(name) != SHA256_HEX - 1) /* a lineage's, an unfinished one */
		return 0;
	memcpy(k.key, name, SHA256_HEX);
	ret = kernel_cache_load(p->env, p->v, &k, &b, err);
	if (ret == -EUCLEAN)
		return 0;
	if (ret)
		return ret;
	ret = judge_tree(p, &b, &fits, &size, err);
	kernel_build_free(&b);
	if (ret || !fits || (*best && size >= *least))
		return ret;
	free(*best);
	*best = kernel_cache_path(p->env, "trees", name);
	*least = size;
	return 0;
}

/* *best NULL: there is none. The caller frees. */
static int find_like(const struct kernel_preparation *p, char **best, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(p->env, "trees", NULL);
	uint64_t least = 0;
	char **names;
	size_t count;
	int ret;

	*best = NULL;
	if (!fs_exists(top))
		return 0;
	ret = fs_list(top, NULL, &names, &count, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++)
		ret = weigh_tree(p, names[i], best, &least, err);
	fs_free_names(names, count);
	return ret;
}

/* A commit whose files are, but for a few, those of a built tree (a clone of the repository that a
 * distribution's source was made from) starts from that tree. */
static int prepare_from_like(struct kernel_preparation *p, struct error *err)
{
	__cleanup_free char *tree = NULL;
	int ret = find_like(p, &tree, err);

	if (ret || !tree)
		return ret;
	show_step(p, "comparing with a built tree");
	ret = kernel_lineage_begin(p->keys, tree, p->work->tree, &p->from_kin,
				   &p->config_may_differ, err);
	p->config_may_differ = true; /* that tree's was made of other fragments */
	if (ret || !p->from_kin)
		return ret;
	return kernel_patches_apply(p->work->tree, p->v->patches, p->v->npatches, p->work->log,
				    err);
}

static int prepare_from_kin(struct kernel_preparation *p, struct error *err)
{
	int ret = 0;

	if (kernel_lineage_exists(p->v, p->keys)) {
		show_step(p, "copying another commit's tree");
		ret = kernel_lineage_take(p->env, p->keys, p->work->tree, &p->from_kin,
					  &p->config_may_differ, err);
	}
	if (!ret && !p->from_kin && p->keys->source.commit)
		ret = prepare_from_like(p, err);
	return ret;
}

int kernel_prepare_tree(struct kernel_preparation *p, struct error *err)
{
	int ret;

	if (p->base->key[0])
		return prepare_from_base(p, err);
	ret = prepare_from_kin(p, err);
	if (ret || p->from_kin)
		return ret;
	return prepare_from_source(p, err);
}

/* If the variant's own built tree is kept, the patches need not be applied again. */
int kernel_sources_prepare(struct kernel_preparation *p, struct error *err)
{
	__cleanup_free char *own = NULL;
	int ret = kernel_find_built_tree(p->env, p->keys, &own, err);

	if (ret)
		return ret;
	if (!own)
		return kernel_prepare_tree(p, err);
	show_step(p, "copying the built tree");
	return kernel_tree_copy(own, p->work->tree, err);
}
