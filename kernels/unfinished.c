// SPDX-License-Identifier: GPL-2.0-only
/*
 * A full build that the user cancelled: its tree is kept, and the next try goes on from there. One such tree is
 * kept, the last: it takes more than a gigabyte.
 *
 * What may be gone on from: the prekey must be the same, which is all that the bytes depend on; and make itself
 * must have ended the build (make.c: it was not killed), for it removes the targets that were half written. Files that
 * were compiled before the build was cancelled are complete: kbuild notes a command beside its object only
 * when it succeeded, and in a tree that was built from nothing an object without that note is
 * made again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "kernels/internal.h"

#define UNFINISHED "unfinished"

/* The file in the kept tree that says whose it is: the prekey, and how many steps make took. */
#define NOTE_FILE ".nestlab-unfinished"

static char *kept_path(const struct kernel_env *env)
{
	return kernel_cache_path(env, "trees", UNFINISHED);
}

static int lock_kept(const struct kernel_env *env, int *fd, struct error *err)
{
	__cleanup_free char *path = kernel_cache_path(env, "locks", UNFINISHED);

	return fs_lock(path, true, fd, err);
}

/* *ours: the kept tree, if there is one, is of this build. */
static int read_note(const char *kept, const struct kernel_keys *k, bool *ours, uint64_t *steps,
		     struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" NOTE_FILE, kept);
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(path, 256, &text, err);

	*ours = !ret && text.len > SHA256_HEX && !strncmp(text.buf, k->prekey, SHA256_HEX - 1);
	if (*ours)
		*steps = strtoull(text.buf + SHA256_HEX, NULL, 10);
	strbuf_release(&text);
	if (ret == -ENOENT)
		return 0;
	return ret;
}

int kernel_unfinished_take(const struct kernel_env *env, const struct kernel_keys *k,
			   const char *tree, bool *taken, uint64_t *steps, struct error *err)
{
	__cleanup_free char *kept = kept_path(env);
	__cleanup_free char *note = xasprintf("%s/" NOTE_FILE, tree);
	int fd, ret = lock_kept(env, &fd, err);

	*taken = false;
	if (ret)
		return ret;
	ret = read_note(kept, k, taken, steps, err);
	if (!ret && *taken)
		ret = kernel_tree_move(kept, tree, err);
	close(fd);
	if (!ret && *taken)
		unlink(note);
	return ret;
}

int kernel_unfinished_keep(const struct kernel_env *env, const struct kernel_keys *k,
			   const char *tree, uint64_t steps, struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "trees", NULL);
	__cleanup_free char *kept = kept_path(env);
	__cleanup_free char *path = xasprintf("%s/" NOTE_FILE, tree);
	__cleanup_free char *note = xasprintf("%s\n%llu\n", k->prekey, (unsigned long long)steps);
	int fd, ret = fs_mkdir_p(top, err);

	if (!ret)
		ret = fs_write_file(path, note, strlen(note), err);
	if (!ret)
		ret = lock_kept(env, &fd, err);
	if (ret)
		return ret;
	ret = kernel_tree_keep(tree, kept, err);
	close(fd);
	return ret;
}
