// SPDX-License-Identifier: GPL-2.0-only
/* What a build works in, and what it waits for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "kernels/internal.h"

/* If less than this is free after a failure, the full disk is taken for its cause, whatever the
 * program said. */
#define DISK_FULL_BYTES (4 << 20)

int kernel_work_begin(const struct kernel_env *env, struct kernel_work *w, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "work", NULL);
	int ret = fs_mkdir_p(top, err);

	memset(w, 0, sizeof(*w));
	if (!ret)
		ret = scratch_begin(top, "", &w->scratch, err);
	if (ret)
		return ret;
	w->tree = xasprintf("%s/tree", w->scratch.dir);
	w->log = xasprintf("%s/log", w->scratch.dir);
	w->entry = xasprintf("%s/entry", w->scratch.dir);
	ret = fs_mkdir_p(w->entry, err);
	if (ret)
		kernel_work_end(w);
	return ret;
}

void kernel_work_end(struct kernel_work *w)
{
	scratch_end(&w->scratch);
	free(w->tree);
	free(w->log);
	free(w->entry);
	memset(w, 0, sizeof(*w));
}

bool kernel_is_at_fault(int code)
{
	return code == -ENOEXEC || code == -EBADMSG || code == -EDOM;
}

/* Can a full disk explain this error? On a full disk each program fails in its own way, or leaves
 * half a file. */
static bool may_hide_full_disk(int code)
{
	return kernel_is_at_fault(code) || code == -EREMOTEIO || code == -EIO || code == -EINVAL ||
	       code == -ENOENT;
}

static bool is_disk_full(const struct kernel_env *env)
{
	uint64_t left;

	return !fs_free_bytes(env->cache_dir, &left, NULL) && left < DISK_FULL_BYTES;
}

int kernel_work_explain(const struct kernel_env *env, const struct kernel_work *w, const char *name,
			int code, struct error *err)
{
	__cleanup_free char *dir = kernel_cache_path(env, "logs", NULL);
	__cleanup_free char *log = xasprintf("%s/%s.log", dir, name);

	/* a cancel has no other cause, and its log tells nothing */
	if (code == -ECANCELED)
		return code;
	if (may_hide_full_disk(code) && is_disk_full(env))
		code = error_prefix(
			err, -ENOSPC,
			"disk full at %s (free some space, or set NESTLAB_CACHE to a folder with about 3 GB)",
			env->cache_dir);
	if (!fs_mkdir_p(dir, NULL) && !fs_publish(w->log, log, NULL))
		error_append(err, code, "\n  (log: %s)", log);
	return code;
}

int kernel_work_lock(const struct kernel_env *env, const char *what, const char *variant,
		     const char *name, int *fd, struct error *err)
{
	__cleanup_free char *dir = kernel_cache_path(env, "locks", NULL);
	__cleanup_free char *path = kernel_cache_path(env, "locks", name);
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		return ret;
	ret = fs_lock(path, false, fd, err);
	if (ret != -EWOULDBLOCK)
		return ret;
	log_info("%s %s: waiting for another nestlab that is building it", what, variant);
	return fs_lock(path, true, fd, err);
}
