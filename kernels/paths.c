// SPDX-License-Identifier: GPL-2.0-only
/* Where in the cache things are. */
#include "common/alloc.h"
#include "kernels/internal.h"

char *kernel_cache_path(const struct kernel_env *env, const char *folder, const char *name)
{
	if (!name)
		return xasprintf("%s/%s", env->cache_dir, folder);
	return xasprintf("%s/%s/%s", env->cache_dir, folder, name);
}
