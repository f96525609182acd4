// SPDX-License-Identifier: GPL-2.0-only
/*
 * A variant becomes a build. The order, in build_unless_cached():
 *
 *	keys	what the build would be called; most calls end here, with the index and the cache
 *	lock	on the prekey, so that of two nestlabs one builds and the other waits
 *	base	the parent variant is built first, recursively, if its tree can be gone on from
 *	tree	a copy of the base's tree, or of another commit's (lineage.c), or the unpacked sources, or what
 *		a build that was cancelled has left (unfinished.c)
 *	.config	makes the key complete; from now on the key's lock is held as well, since two
 *		prekeys may lead to one key
 *	make	and the result into the cache by one rename
 *
 * A base holds its own locks while its child holds the child's: locks are taken from child to base,
 * never the other way round, and a variant that adds nothing to its base is built as that base.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "kernels/internal.h"

/* One variant that is being built. */
struct job {
	const struct kernel_env *env;
	const struct kernel_variant *v;
	struct kernel_keys keys;
	struct kernel_keys base; /* the parent's; base.key is "" when we start from nothing */
	struct kernel_work work;
	struct progress *progress;
	bool want_tree;		/* the built tree itself is asked for */
	bool from_kin;		/* starts from the tree of another commit (lineage.c) */
	bool config_may_differ; /* from that commit's */
	bool from_unfinished;	/* goes on from a build that was cancelled (unfinished.c) */
	bool resumable;		/* if it is cancelled now, the next try can go on from the tree */
	uint64_t steps;		/* that make took, in all tries */
	int prelock, lock;
};

static int build_unless_cached(struct job *j, bool *cached, struct error *err);

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

static bool has_base(const struct job *j)
{
	return j->base.key[0];
}

/* ---- the base ---- */

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
		ret = build_unless_cached(&base, &cached, err);
	if (ret)
		return error_prefix(err, ret, "base %s", j->v->parent->name);
	if (!fits)
		return 0;
	if (!strcmp(base.keys.source_hash, j->keys.source_hash))
		j->base = base.keys;
	else /* the base's branch moved meanwhile, so its tree has other sources */
		kernel_keys_free(&base.keys);
	return 0;
}

/* ---- the tree ---- */

/* An unfinished tree is of a build that started from the sources, and goes on as such. */
static int prepare_tree(struct job *j, struct error *err)
{
	struct kernel_preparation p = {.env = j->env,
				       .v = j->v,
				       .keys = &j->keys,
				       .base = &j->base,
				       .work = &j->work,
				       .progress = j->progress};
	int ret = 0;

	if (!has_base(j))
		ret = kernel_unfinished_take(j->env, &j->keys, j->work.tree, &j->from_unfinished,
					     &j->steps, err);
	j->resumable = j->from_unfinished;
	if (ret || j->from_unfinished)
		return ret;
	ret = kernel_prepare_tree(&p, err);
	j->from_kin = p.from_kin;
	j->config_may_differ = p.config_may_differ;
	return ret;
}

/* ---- the .config ---- */

/* The .config that came with the tree serves when nothing that makes it differs. */
static int config_serves(const struct job *j, bool *serves, struct error *err)
{
	const struct kernel_variant *v = j->v;
	bool touch;
	int ret;

	*serves = j->from_unfinished || (j->from_kin && !j->config_may_differ);
	if (!has_base(j))
		return 0;
	ret = kernel_patches_touch_config(v->patches + v->nbase_patches,
					  v->npatches - v->nbase_patches, &touch, err);
	if (ret)
		return ret;
	*serves = !touch && !strcmp(j->keys.fragments_hash, j->base.fragments_hash);
	return 0;
}

static int configure_tree(struct job *j, struct error *err)
{
	__cleanup_free char *config = xasprintf("%s/.config", j->work.tree);
	bool serves;
	int ret = config_serves(j, &serves, err);

	if (ret)
		return ret;
	if (!serves) {
		progress_update(j->progress, 0, 0, "configuring");
		ret = kernel_config_make(j->v, j->work.tree, j->work.log, err);
		if (ret)
			return ret;
	}
	return kernel_keys_complete(&j->keys, config, err);
}

/* ---- make ---- */

/* Is everything compiled? */
static bool is_full(const struct job *j)
{
	return !has_base(j) && !j->from_kin;
}

/* The name under which the steps of such a build are counted; the caller frees. */
static char *name_counter(const struct job *j)
{
	if (has_base(j))
		return xasprintf("steps-%s", j->v->name);
	if (j->from_kin)
		return xstrdup("steps-kin");
	return xasprintf("steps-full-%.16s", j->keys.config_hash);
}

/* How many steps make will take: as many as the last time, or, of a full build, as the .config lets
 * one expect. 0: unknown. */
static int expect_steps(const struct job *j, uint64_t *expected, struct error *err)
{
	__cleanup_free char *counter = name_counter(j);
	__cleanup_free char *config = xasprintf("%s/.config", j->work.tree);

	*expected = kernel_cache_number(j->env, counter);
	if (*expected || !is_full(j))
		return 0;
	return kernel_config_expect_steps(config, expected, err);
}

static int run_make(struct job *j, uint64_t expected, struct error *err)
{
	static const char *const targets[] = {"bzImage", NULL};
	struct kernel_make m = {.tree = j->work.tree,
				.log = j->work.log,
				.compiler = j->v->compiler,
				.targets = targets,
				.jobs = j->env->jobs,
				.progress = j->progress,
				.expected = expected,
				.steps = j->steps};
	int ret = kernel_make_run(&m, err);

	j->steps = m.steps;
	j->resumable = m.tidy && is_full(j);
	return ret;
}

static int compile_tree(struct job *j, struct error *err)
{
	__cleanup_free char *counter = name_counter(j);
	uint64_t expected;
	int ret = expect_steps(j, &expected, err);

	if (ret)
		return ret;
	ret = run_make(j, expected, err);
	if (!ret)
		kernel_cache_set_number(j->env, counter, j->steps);
	return ret;
}

/*
 * Keeps the trees that other builds start from: those of variants without a base, of bases of another variant,
 * and the last one of a lineage. A tree takes gigabytes, so the others go.
 */
static int keep_tree(struct job *j, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(j->env, "trees", NULL);
	__cleanup_free char *tree = tree_path(j->env, &j->keys);
	int ret;

	if (kernel_lineage_exists(j->v, &j->keys) && !j->want_tree)
		return kernel_lineage_give(j->env, &j->keys, j->work.tree, err);
	if (j->v->parent && !j->want_tree && !kernel_variant_is_base(j->env, j->v))
		return 0;
	ret = fs_mkdir_p(top, err);
	if (ret)
		return ret;
	if (fs_exists(tree))
		return 0;
	return kernel_tree_keep(j->work.tree, tree, err);
}

/* The entry is published before the tree is kept: if keeping it fails, the compiled kernel is not
 * lost. */
static int compile_and_publish(struct job *j, struct error *err)
{
	int ret = compile_tree(j, err);

	/* most of this tree is built although it does not compile, and the next commit may start
	 * from it */
	if (ret == -ENOEXEC && kernel_lineage_exists(j->v, &j->keys))
		kernel_lineage_give(j->env, &j->keys, j->work.tree, NULL);
	if (ret)
		return ret;
	ret = kernel_cache_publish(j->env, j->v, &j->keys, &j->work, j->steps, err);
	if (ret)
		return ret;
	return keep_tree(j, err);
}

/* The key's lock is taken only now, because the key needs the .config. Until then two nestlabs with
 * different prekeys may prepare the same build in two scratch folders; only one compiles it. */
static int build_in_work(struct job *j, struct error *err)
{
	int ret = prepare_tree(j, err);

	if (ret)
		return ret;
	ret = configure_tree(j, err);
	if (ret)
		return ret;
	ret = kernel_work_lock(j->env, "kernel", j->v->name, j->keys.key, &j->lock, err);
	if (ret)
		return ret;
	/* another prekey may have led to this key meanwhile, e.g. other fragments with the same
	 * result */
	if (!is_done(j)) {
		ret = compile_and_publish(j, err);
		if (ret)
			return ret;
	}
	return kernel_cache_remember(j->env, &j->keys, err);
}

/* What the progress line ends with; the caller frees. */
static char *describe_outcome(const struct job *j, int ret, double seconds)
{
	const char *start = "";

	if (ret == -ECANCELED)
		return xstrdup("cancelled");
	if (ret)
		return xstrdup("failed");
	if (has_base(j))
		start = " (from its base)";
	else if (j->from_kin)
		start = " (from another commit's tree)";
	else if (j->from_unfinished)
		start = " (went on from the build that was cancelled)";
	return xasprintf("%.12s in %.0f s%s", j->keys.key, seconds, start);
}

static int build_kernel(struct job *j, struct error *err)
{
	__cleanup_free char *label = xasprintf("build %s", j->v->name);
	__cleanup_free char *outcome = NULL;
	double started;
	int ret = find_base(j, err);

	if (ret)
		return ret;
	/* the base was built under its own progress line, so its time does not count here */
	started = clock_seconds();
	j->progress = progress_start(j->env->label ? j->env->label : label);
	ret = kernel_work_begin(j->env, &j->work, err);
	if (!ret) {
		ret = build_in_work(j, err);
		/* what is compiled is kept if it can be; the error is the cancel in any case */
		if (ret == -ECANCELED && j->resumable)
			kernel_unfinished_keep(j->env, &j->keys, j->work.tree, j->steps, NULL);
		if (ret)
			ret = kernel_work_explain(j->env, &j->work, j->v->name, ret, err);
		kernel_work_end(&j->work);
	}
	outcome = describe_outcome(j, ret, clock_seconds() - started);
	progress_end(j->progress, outcome);
	return ret;
}

/* ---- once ---- */

/* Is the build in the cache, and complete? With @locked (the caller holds the prekey's lock) a
 * damaged entry is removed, so that a good one can take its place. */
static int find_cached(struct job *j, bool locked, bool *cached, struct error *err)
{
	__cleanup_free char *entry = NULL;
	struct kernel_build b;
	struct error damage;
	bool found;
	int ret;

	*cached = false;
	ret = kernel_cache_lookup(j->env, &j->keys, &found, err);
	if (ret || !found)
		return ret;
	ret = kernel_cache_load(j->env, j->v, &j->keys, &b, &damage);
	if (!ret) {
		kernel_build_free(&b);
		*cached = is_done(j);
		return 0;
	}
	if (ret != -EUCLEAN)
		return error_set(err, ret, "%s", damage.text);
	if (!locked)
		return 0;
	log_warning("%s; building it again", damage.text);
	entry = kernel_cache_path(j->env, "kernels", j->keys.key);
	return fs_remove_tree(entry, err);
}

/*
 * A variant that adds nothing to its base ("patch_count": 0) has the prekey of its base, and is
 * built as its base. Built as itself it would hold the prekey's lock, and the build of its base
 * would wait for that lock for ever.
 */
static int skip_empty_variants(struct job *j, struct error *err)
{
	struct kernel_keys base;
	bool same = true;

	while (same && j->v->parent) {
		int ret = kernel_keys_find(j->env, j->v->parent, true, &base, err);

		if (ret)
			return ret;
		same = !strcmp(base.prekey, j->keys.prekey);
		if (same)
			j->v = j->v->parent;
		kernel_keys_free(&base);
	}
	return 0;
}

static int build_locked(struct job *j, struct error *err)
{
	bool cached;
	int ret = skip_empty_variants(j, err);

	if (ret)
		return ret;
	ret = kernel_work_lock(j->env, "kernel", j->v->name, j->keys.prekey, &j->prelock, err);
	if (ret)
		return ret;
	ret = find_cached(j, true, &cached, err);
	if (ret || cached) /* another nestlab built it meanwhile */
		return ret;
	return build_kernel(j, err);
}

/* On return j->keys is complete, the entry is there and so is the tree if wanted. The caller frees
 * j->keys. */
static int build_unless_cached(struct job *j, bool *cached, struct error *err)
{
	int ret;

	j->prelock = j->lock = -1;
	ret = kernel_keys_find(j->env, j->v, true, &j->keys, err);
	if (ret)
		return ret;
	/* most calls end here: a build that is there needs no lock */
	ret = find_cached(j, false, cached, err);
	if (!ret && !*cached)
		ret = build_locked(j, err);
	if (j->lock >= 0)
		close(j->lock);
	if (j->prelock >= 0)
		close(j->prelock);
	kernel_keys_free(&j->base);
	if (ret)
		kernel_keys_free(&j->keys);
	return ret;
}

/* ---- the interface ---- */

static int build_variant(const struct kernel_env *env, const struct kernel_variant *v,
			 struct kernel_build *out, struct error *err)
{
	struct job j = {.env = env, .v = v};
	double started = clock_seconds();
	bool cached;
	int ret;

	if (v->source.kind == KERNEL_SOURCE_RUNNING)
		return kernel_running_describe(env, v->name, out, err);
	if (v->source.kind == KERNEL_SOURCE_BUILT)
		return kernel_prebuilt_build(env, v, out, err);
	ret = build_unless_cached(&j, &cached, err);
	if (ret)
		return ret;
	ret = kernel_cache_load(env, v, &j.keys, out, err);
	kernel_keys_free(&j.keys);
	if (ret)
		return ret;
	out->cached = cached;
	out->seconds = clock_seconds() - started;
	return 0;
}

int kernel_build(const struct kernel_env *env, const char *name, struct kernel_build *out,
		 struct error *err)
{
	struct kernel_variant v;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = kernel_variant_load(env, name, &v, err);
	if (ret)
		return ret;
	ret = build_variant(env, &v, out, err);
	if (ret)
		error_prefix(err, ret, "kernel %s", v.name);
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
	/* there is nothing to compile */
	if (!kernel_variant_has_sources(&v)) {
		*cached = true;
		goto out;
	}
	ret = kernel_keys_find(env, &v, false, &j.keys, err);
	if (ret == -ENOENT) { /* the source itself is not on this machine */
		ret = 0;
		goto out;
	}
	if (ret)
		goto out;
	ret = kernel_cache_lookup(env, &j.keys, cached, err);
	*cached = *cached && is_done(&j);
	kernel_keys_free(&j.keys);
out:
	kernel_variant_free(&v);
	return ret;
}

/* ---- sources alone ---- */

int kernel_sources_find_base(const struct kernel_env *env, const struct kernel_variant *v,
			     const struct kernel_keys *keys, struct kernel_keys *base,
			     struct error *err)
{
	struct job j = {.env = env, .v = v, .keys = *keys};
	__cleanup_free char *own = NULL;
	int ret = kernel_find_built_tree(env, keys, &own, err);

	if (!ret && !own)
		ret = find_base(&j, err);
	*base = j.base;
	return ret;
}
