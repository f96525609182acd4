// SPDX-License-Identifier: GPL-2.0-only
/* Scratch folders: locked while in use, so that what a killed nestlab left can be told and removed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "kernels/internal.h"

/* Removes folders that nobody holds the lock of. Called with the lock of CACHE/work itself. */
static void sweep(const char *top)
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
		log_debug("removing what a killed nestlab left: %s", dir);
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
	return ret ? ret : fs_mkdir_p(w->entry, err);
}

int kernel_work_begin(const struct kernel_env *env, struct kernel_work *w, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "work", NULL);
	__cleanup_free char *gate = kernel_cache_path(env, "work", ".lock");
	int fd, ret;

	memset(w, 0, sizeof(*w));
	w->lock = -1;
	ret = fs_mkdir_p(top, err);
	if (!ret)
		ret = fs_lock(gate, true, &fd, err);
	if (ret)
		return ret;
	sweep(top);
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
