// SPDX-License-Identifier: GPL-2.0-only
/* Scratch folders. Each is locked while it is in use, so that the folders of a killed nestlab can
 * be recognized and removed. */
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

/* Removes the folders whose lock nobody holds. The caller holds the lock of CACHE/work. */
static void remove_abandoned(const char *top)
{
	char **names;
	size_t count;

	if (fs_list(top, NULL, &names, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++) {
		__cleanup_free char *dir = xasprintf("%s/%s", top, names[i]);
		__cleanup_free char *lock = xasprintf("%s/lock", dir);
		int fd;

		if (names[i][0] == '.' || fs_lock(lock, false, &fd, NULL))
			continue;
		fs_remove_tree(dir, NULL);
		close(fd);
	}
	fs_free_names(names, count);
}

static int make_folder(const char *top, struct kernel_work *w, struct error *err)
{
	__cleanup_free char *lock = NULL;
	int ret;

	w->dir = xasprintf("%s/XXXXXX", top);
	if (!mkdtemp(w->dir)) {
		ret = error_set(err, -errno, "%s: cannot make a folder: %s", top, strerror(errno));
		free(w->dir);
		w->dir = NULL;
		return ret;
	}
	lock = xasprintf("%s/lock", w->dir);
	w->tree = xasprintf("%s/tree", w->dir);
	w->log = xasprintf("%s/log", w->dir);
	w->entry = xasprintf("%s/entry", w->dir);
	ret = fs_lock(lock, false, &w->lock, err);
	if (ret)
		return ret;
	return fs_mkdir_p(w->entry, err);
}

int kernel_work_begin(const struct kernel_env *env, struct kernel_work *w, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "work", NULL);
	__cleanup_free char *gate = kernel_cache_path(env, "work", ".lock");
	int fd, ret;

	memset(w, 0, sizeof(*w));
	w->lock = -1;
	ret = fs_mkdir_p(top, err);
	if (ret)
		return ret;
	ret = fs_lock(gate, true, &fd, err);
	if (ret)
		return ret;
	remove_abandoned(top);
	ret = make_folder(top, w, err);
	close(fd);
	if (ret)
		kernel_work_end(w);
	return ret;
}

void kernel_work_end(struct kernel_work *w)
{
	struct error err;

	if (w->dir && fs_remove_tree(w->dir, &err))
		log_warning("%s", err.text);
	if (w->lock >= 0)
		close(w->lock);
	free(w->dir);
	free(w->tree);
	free(w->log);
	free(w->entry);
	memset(w, 0, sizeof(*w));
	w->lock = -1;
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
	if (!fs_mkdir_p(dir, NULL) && !rename(w->log, log))
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
