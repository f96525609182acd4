// SPDX-License-Identifier: GPL-2.0-only
/* A variant becomes a build: from its base's built tree if it has one, under locks, or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "kernels/internal.h"

/* Steps of a full build with our fragments, until one was counted here. */
#define FULL_BUILD_STEPS 1650

/* One variant on its way. */
struct job {
	const struct kernel_env *env;
	const struct kernel_variant *v;
	struct kernel_keys keys;
	struct kernel_keys base; /* the parent's; base.key is "" when we start from nothing */
	struct kernel_work work;
	struct progress *progress;
	bool want_tree;		/* the built tree itself is asked for */
	bool kin;		/* starts from the tree of another commit (lineage.c) */
	bool config_may_differ; /* from its */
	int prelock, lock;
};

static int ensure(struct job *j, bool *cached, struct error *err);

static char *tree_path(const struct kernel_env *env, const struct kernel_keys *k)
{
	return kernel_cache_path(env, "trees", k->key);
}

static bool is_done(const struct job *j)
{
	__cleanup_free char *tree = tree_path(j->env, &j->keys);
	__cleanup_free char *entry = kernel_cache_path(j->env, "kernels", j->keys.key);

	return fs_exists(entry) && (!j->want_tree || fs_exists(tree));
}

/* ---- the steps of a build ---- */

static void say(const struct job *j, const char *what)
{
	progress_update(j->progress, 0, 0, what);
}

/* Can a build go on from the parent's tree? With another source or compiler it starts anew. */
static int base_fits(const struct job *j, bool *fits, struct error *err)
{
	struct kernel_keys base;
	int ret;

	*fits = false;
	if (!j->v->parent)
		return 0;
	ret = kernel_keys_find(j->env, j->v->parent, true, &base, err);
	if (ret)
		return ret;
	*fits = !strcmp(base.source_hash, j->keys.source_hash) &&
		!strcmp(base.compiler, j->keys.compiler);
	kernel_keys_free(&base);
	return 0;
}

/* Builds the parent, with its tree kept, if we can go on from there. */
static int find_base(struct job *j, struct error *err)
{
	struct kernel_env env = *j->env;
	struct job base = {.env = &env, .v = j->v->parent, .want_tree = true};
	bool fits, cached;
	int ret = base_fits(j, &fits, err);

	env.label = NULL;
	if (!ret && fits)
		ret = ensure(&base, &cached, err);
	if (ret)
		return error_prefix(err, ret, "base %s", j->v->parent->name);
	if (fits && !strcmp(base.keys.source_hash, j->keys.source_hash))
		j->base = base.keys;
	else if (fits) /* its branch moved meanwhile */
		kernel_keys_free(&base.keys);
	return 0;
}

static int prepare_from_base(struct job *j, struct error *err)
{
	__cleanup_free char *tree = tree_path(j->env, &j->base);
	const struct kernel_variant *v = j->v;
	int ret;

	say(j, "copying the base's tree");
	ret = kernel_tree_copy(tree, j->work.tree, err);
	if (!ret)
		ret = kernel_patches_apply(j->work.tree, v->patches + v->nbase_patches,
					   v->npatches - v->nbase_patches, j->work.log, err);
	return ret;
}

static int prepare_from_source(struct job *j, struct error *err)
{
	int ret;

	say(j, "unpacking");
	ret = kernel_source_unpack(&j->keys.source, j->work.tree, j->work.log, err);
	if (!ret)
		ret = kernel_patches_apply(j->work.tree, j->v->patches, j->v->npatches, j->work.log,
					   err);
	return ret ? ret : kernel_tree_mark(j->work.tree, err);
}

/* A git or tar that fails is no fault of the kernel's, as -EIO would say. */
static int prepare(struct job *j, struct error *err)
{
	int ret = 0;

	if (j->base.key[0])
		return prepare_from_base(j, err);
	if (kernel_lineage_exists(j->v, &j->keys)) {
		say(j, "copying another commit's tree");
		ret = kernel_lineage_take(j->env, &j->keys, j->work.tree, j->work.log, &j->kin,
					  &j->config_may_differ, err);
	}
	ret = ret || j->kin ? ret : prepare_from_source(j, err);
	return ret == -EIO ? error_prefix(err, -EREMOTEIO, "getting the sources") : ret;
}

/* The base's .config serves when nothing that makes it differs. */
static int base_config_serves(const struct job *j, bool *serves, struct error *err)
{
	const struct kernel_variant *v = j->v;
	bool touch;
	int ret = kernel_patches_touch_config(v->patches + v->nbase_patches,
					      v->npatches - v->nbase_patches, &touch, err);

	*serves = !ret && j->base.key[0] && !touch &&
		  !strcmp(j->keys.fragments_hash, j->base.fragments_hash);
	return ret;
}

static int configure(struct job *j, struct error *err)
{
	__cleanup_free char *config = xasprintf("%s/.config", j->work.tree);
	bool serves;
	int ret = base_config_serves(j, &serves, err);

	serves = serves || (j->kin && !j->config_may_differ);
	if (!ret && !serves) {
		say(j, "configuring");
		ret = kernel_config_make(j->v, j->work.tree, j->work.log, err);
	}
	return ret ? ret : kernel_keys_complete(&j->keys, config, err);
}

static int compile(struct job *j, uint64_t *steps, struct error *err)
{
	static const char *const targets[] = {"bzImage", NULL};
	__cleanup_free char *own = xasprintf("steps-%s", j->v->name);
	const char *counter = j->base.key[0] ? own : j->kin ? "steps-kin" : "steps-full";
	struct kernel_make m = {.tree = j->work.tree,
				.log = j->work.log,
				.compiler = j->v->compiler,
				.targets = targets,
				.jobs = j->env->jobs,
				.progress = j->progress};
	int ret;

	m.expected = kernel_cache_number(j->env, counter);
	if (!m.expected && !j->base.key[0] && !j->kin)
		m.expected = FULL_BUILD_STEPS;
	ret = kernel_make_run(&m, err);
	*steps = m.steps;
	if (!ret)
		kernel_cache_set_number(j->env, counter, m.steps);
	return ret;
}

/* Trees are kept of what others start from: roots, and bases that were asked for. */
static int keep_tree(struct job *j, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(j->env, "trees", NULL);
	__cleanup_free char *tree = tree_path(j->env, &j->keys);
	int ret;

	if (kernel_lineage_exists(j->v, &j->keys) && !j->want_tree)
		return kernel_lineage_give(j->env, &j->keys, j->work.tree, err);
	if (j->v->parent && !j->want_tree)
		return 0;
	ret = fs_mkdir_p(top, err);
	if (!ret && !fs_exists(tree) && rename(j->work.tree, tree))
		ret = error_set(err, -errno, "%s: %s", tree, strerror(errno));
	return ret;
}

static int build_in_work(struct job *j, struct error *err)
{
	uint64_t steps;
	int ret = prepare(j, err);

	if (!ret)
		ret = configure(j, err);
	if (!ret)
		ret = kernel_work_lock(j->env, "kernel", j->v->name, j->keys.key, &j->lock, err);
	if (!ret && is_done(j)) /* reached before on another way, e.g. with other fragments */
		return kernel_cache_remember(j->env, &j->keys, err);
	if (ret)
		return ret;
	ret = compile(j, &steps, err);
	if (ret == -EIO && kernel_lineage_exists(j->v, &j->keys))
		kernel_lineage_give(j->env, &j->keys, j->work.tree, NULL); /* most of it is built */
	if (!ret)
		ret = kernel_cache_publish(j->env, j->v, &j->keys, &j->work, steps, err);
	if (!ret)
		ret = keep_tree(j, err);
	return ret ? ret : kernel_cache_remember(j->env, &j->keys, err);
}

static int build(struct job *j, struct error *err)
{
	__cleanup_free char *label = xasprintf("build %s", j->v->name);
	__cleanup_free char *outcome = NULL;
	double started;
	int ret = find_base(j, err);

	if (ret)
		return ret;
	started = clock_seconds();
	j->progress = progress_start(j->env->label ? j->env->label : label);
	ret = kernel_work_begin(j->env, &j->work, err);
	if (!ret) {
		ret = build_in_work(j, err);
		if (ret)
			ret = kernel_work_explain(j->env, &j->work, j->v->name, ret, err);
		kernel_work_end(&j->work);
	}
	outcome = ret == -ECANCELED ? xstrdup("cancelled")
		  : ret		    ? xstrdup("failed")
			: xasprintf("%.12s in %.0f s%s", j->keys.key, clock_seconds() - started,
				    j->base.key[0] ? " (from its base)"
				    : j->kin	   ? " (from another commit's tree)"
						   : "");
	progress_end(j->progress, outcome);
	return ret;
}

/* ---- once ---- */

/* Is it in the cache, whole? A damaged entry is removed. */
static bool is_cached(struct job *j)
{
	struct kernel_build b;
	struct error err;
	int ret;

	if (!kernel_cache_lookup(j->env, &j->keys) || !is_done(j))
		return false;
	ret = kernel_cache_load(j->env, j->v, &j->keys, &b, &err);
	if (!ret) {
		kernel_build_free(&b);
		return true;
	}
	log_warning("%s; building it again", err.text);
	return false;
}

/* Removes an entry that is_cached() refused, so that a good one can take its place. */
static int remove_damaged(struct job *j, struct error *err)
{
	__cleanup_free char *entry = kernel_cache_path(j->env, "kernels", j->keys.key);
	struct kernel_build b;

	if (!kernel_cache_lookup(j->env, &j->keys))
		return 0;
	if (!kernel_cache_load(j->env, j->v, &j->keys, &b, NULL)) {
		kernel_build_free(&b);
		return 0;
	}
	return fs_remove_tree(entry, err);
}

/* A variant that adds nothing to its base is its base (the first none of a series' patches): it is
 * built as that. As another it would hold the lock that building its base waits for. */
static int skip_empty(struct job *j, struct error *err)
{
	struct kernel_keys base;
	bool same = true;
	int ret = 0;

	while (!ret && same && j->v->parent) {
		ret = kernel_keys_find(j->env, j->v->parent, true, &base, err);
		if (ret)
			break;
		same = !strcmp(base.prekey, j->keys.prekey);
		if (same)
			j->v = j->v->parent;
		kernel_keys_free(&base);
	}
	return ret;
}

/* On return j->keys is complete, the entry is there and so is the tree if wanted. The caller frees
 * j->keys. */
static int ensure(struct job *j, bool *cached, struct error *err)
{
	int ret;

	j->prelock = j->lock = -1;
	ret = kernel_keys_find(j->env, j->v, true, &j->keys, err);
	if (ret)
		return ret;
	*cached = is_cached(j);
	if (*cached)
		return 0;
	ret = skip_empty(j, err);
	ret = ret ? ret
		  : kernel_work_lock(j->env, "kernel", j->v->name, j->keys.prekey, &j->prelock,
				     err);
	if (!ret && !is_cached(j)) {
		ret = remove_damaged(j, err);
		if (!ret)
			ret = build(j, err);
	}
	if (j->lock >= 0)
		close(j->lock);
	if (j->prelock >= 0)
		close(j->prelock);
	kernel_keys_free(&j->base);
	if (ret)
		kernel_keys_free(&j->keys);
	return ret;
}

int kernel_build(const struct kernel_env *env, const char *name, struct kernel_build *out,
		 struct error *err)
{
	double started = clock_seconds();
	struct kernel_variant v;
	struct job j = {.env = env, .v = &v};
	bool cached;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = kernel_variant_load(env, name, &v, err);
	if (ret)
		return ret;
	ret = ensure(&j, &cached, err);
	if (!ret) {
		ret = kernel_cache_load(env, &v, &j.keys, out, err);
		kernel_keys_free(&j.keys);
	}
	if (ret)
		error_prefix(err, ret, "kernel %s", v.name);
	out->cached = !ret && cached;
	out->seconds = clock_seconds() - started;
	kernel_variant_free(&v);
	return ret;
}

int kernel_is_cached(const struct kernel_env *env, const char *name, bool *cached,
		     struct error *err)
{
	struct kernel_variant v;
	struct job j = {.env = env, .v = &v};
	int ret;

	*cached = false;
	ret = kernel_variant_load(env, name, &v, err);
	if (ret)
		return ret;
	ret = kernel_keys_find(env, &v, false, &j.keys, err);
	if (!ret) {
		*cached = kernel_cache_lookup(env, &j.keys) && is_done(&j);
		kernel_keys_free(&j.keys);
	}
	kernel_variant_free(&v);
	return ret == -ENOENT ? 0 : ret;
}

/* ---- sources alone ---- */

/* The variant's own built tree, if it is kept, saves applying the patches. */
static bool has_tree(struct job *j)
{
	__cleanup_free char *tree = NULL;

	if (!kernel_cache_lookup(j->env, &j->keys))
		return false;
	tree = tree_path(j->env, &j->keys);
	return fs_exists(tree);
}

int kernel_sources_find_base(const struct kernel_env *env, const struct kernel_variant *v,
			     const struct kernel_keys *keys, struct kernel_keys *base,
			     struct error *err)
{
	struct job j = {.env = env, .v = v, .keys = *keys};
	int ret = has_tree(&j) ? 0 : find_base(&j, err);

	*base = j.base;
	return ret;
}

int kernel_sources_prepare(const struct kernel_env *env, const struct kernel_variant *v,
			   const struct kernel_keys *keys, const struct kernel_keys *base,
			   const struct kernel_work *w, struct progress *progress,
			   struct error *err)
{
	struct job j = {
		.env = env, .v = v, .keys = *keys, .base = *base, .work = *w, .progress = progress};
	__cleanup_free char *tree = NULL;

	if (!has_tree(&j))
		return prepare(&j, err);
	tree = tree_path(env, &j.keys);
	say(&j, "copying the built tree");
	return kernel_tree_copy(tree, w->tree, err);
}
