// SPDX-License-Identifier: GPL-2.0-only
/* What demos keep in the cache, so that the next one is quicker. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "kernels/kernels.h"
#include "orchestrator/demo/demo.h"

/* One demo at a time, as the branch moves. */
static int lock_history(const struct places *places, struct demo_cache *out, struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/demo", places->cache);
	__cleanup_free char *lock = xasprintf("%s/lock", top);
	int ret = fs_mkdir_p(top, err);

	*out = (struct demo_cache){.repo = xasprintf("%s/linux", top), .lock = -1};
	if (!ret)
		ret = fs_lock(lock, false, &out->lock, err);
	if (ret == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "another demo runs, until its Ctrl-C; it holds %s",
				 lock);
	return ret;
}

/* The one that baseline is built from, as Debian packs it. */
static int find_source(const struct kernel_env *env, char **tarball, struct error *err)
{
	struct kernel_variant v;
	int ret = kernel_variant_load(env, "baseline", &v, err);

	if (ret)
		return ret;
	*tarball = xasprintf("/usr/src/%s.tar.xz", v.source.location);
	kernel_variant_free(&v);
	return 0;
}

int demo_cache_open(const struct places *places, void (*tell)(void *arg, double share), void *arg,
		    struct demo_cache *out, struct error *err)
{
	const struct kernel_env env = {.variants = places->variants, .cache_dir = places->cache};
	__cleanup_free char *tarball = NULL;
	struct kernel_build built;
	int ret = lock_history(places, out, err);

	if (!ret)
		ret = find_source(&env, &tarball, err);
	if (!ret) /* the first night's kernel is made from its tree in seconds */
		ret = kernel_build(&env, "baseline", &built, err);
	if (ret)
		return ret;
	kernel_build_free(&built);
	return demo_history_make(tarball, out->repo, tell, arg, err);
}

void demo_cache_close(struct demo_cache *c)
{
	if (c->lock >= 0)
		close(c->lock);
	free(c->repo);
}

static int let_go(const char *path, void (*tell)(void *arg, const char *path, uint64_t bytes),
		  void *arg, struct error *err)
{
	if (!fs_exists(path))
		return 0;
	tell(arg, path, fs_measure_tree(path));
	return fs_remove_tree(path, err);
}

/* The history is the last to go: it says which trees are of it. Half a one is of a demo that was killed. */
int demo_clean(const struct places *places,
	       void (*tell)(void *arg, const char *path, uint64_t bytes), void *arg,
	       struct error *err)
{
	const struct kernel_env env = {.variants = places->variants, .cache_dir = places->cache};
	__cleanup_free char *part = NULL;
	struct demo_cache c;
	int ret = lock_history(places, &c, err);

	part = xasprintf("%s.part", c.repo);
	if (!ret && fs_exists(c.repo))
		ret = kernel_forget(&env, c.repo, tell, arg, err);
	if (!ret)
		ret = let_go(part, tell, arg, err);
	if (!ret)
		ret = let_go(c.repo, tell, arg, err);
	demo_cache_close(&c);
	return ret;
}
