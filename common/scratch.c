// SPDX-License-Identifier: GPL-2.0-only
#include "common/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"

/* An owner opens the lock of a folder that was just made, and may find it removed: as often as this it tries. */
#define ATTEMPTS 100

static char *lock_path(const char *dir)
{
	return xasprintf("%s/" SCRATCH_LOCK, dir);
}

/* Was the lock's file removed between open() and flock(), by one that held the lock until then? */
static bool is_removed(int lock)
{
	struct stat st;

	return !fstat(lock, &st) && !st.st_nlink;
}

/* The lock goes last: until then nobody else takes the folder for an abandoned one, and trees take seconds. What stays for a
 * lack of descriptors, say, is the next one's to remove. */
static void remove_folder(const char *dir)
{
	__cleanup_free char *lock = lock_path(dir);
	struct error err;
	char **names;
	size_t count;

	if (!fs_list(dir, NULL, &names, &count, NULL)) {
		for (size_t i = 0; i < count; i++) {
			__cleanup_free char *path = xasprintf("%s/%s", dir, names[i]);

			if (strcmp(names[i], SCRATCH_LOCK) && fs_remove_tree(path, &err))
				log_warning("%s", err.text);
		}
		fs_free_names(names, count);
	}
	unlink(lock);
	rmdir(dir);
}

/* ---- of processes that were killed ---- */

/* Others may have put a folder or a link of the same name there, as in /tmp. */
static bool is_ours(const char *dir)
{
	struct stat st;

	return !lstat(dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* One without a lock file was just made, or is half removed. */
static void remove_if_abandoned(const char *dir)
{
	__cleanup_free char *kept = xasprintf("%s/" SCRATCH_KEPT, dir);
	__cleanup_free char *path = lock_path(dir);
	int lock;

	if (!is_ours(dir) || fs_exists(kept))
		return;
	lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return;
	/* Whoever keeps it says so while it holds the lock: after the look above, maybe. */
	if (!flock(lock, LOCK_EX | LOCK_NB) && !is_removed(lock) && !fs_exists(kept))
		remove_folder(dir);
	close(lock);
}

static void remove_abandoned(const char *top, const char *prefix)
{
	char **names;
	size_t count;

	if (fs_list(top, NULL, &names, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++) {
		__cleanup_free char *dir = xasprintf("%s/%s", top, names[i]);

		if (!strncmp(names[i], prefix, strlen(prefix)))
			remove_if_abandoned(dir);
	}
	fs_free_names(names, count);
}

/* ---- */

/* -EAGAIN: another process took the folder for an abandoned one before it was locked. */
static int lock_folder(struct scratch *s)
{
	__cleanup_free char *path = lock_path(s->dir);

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	/* who holds it now removes the folder, which is soon done */
	while (flock(s->lock, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	return is_removed(s->lock) ? -EAGAIN : 0;
}

static void forget_folder(struct scratch *s)
{
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	*s = (struct scratch){.dir = NULL};
}

static int make_folder(const char *top, const char *prefix, struct scratch *s)
{
	int ret;

	*s = (struct scratch){.dir = xasprintf("%s/%sXXXXXX", top, prefix), .lock = -1};
	if (!mkdtemp(s->dir)) {
		ret = -errno;
		forget_folder(s);
		return ret;
	}
	ret = lock_folder(s);
	if (!ret)
		return 0;
	if (ret != -EAGAIN)
		remove_folder(s->dir);
	forget_folder(s);
	return ret;
}

int scratch_begin(const char *top, const char *prefix, struct scratch *s, struct error *err)
{
	int ret = -EAGAIN;

	if (!top)
		top = getenv("TMPDIR");
	if (!top || !*top)
		top = "/tmp";
	if (!prefix)
		prefix = SCRATCH_PREFIX;
	remove_abandoned(top, prefix);
	for (int i = 0; i < ATTEMPTS && ret == -EAGAIN; i++)
		ret = make_folder(top, prefix, s);
	if (!ret)
		return 0;
	return error_set(err, ret, "%s: cannot make a folder: %s", top, strerror(-ret));
}

void scratch_end(struct scratch *s)
{
	if (!s->dir)
		return;
	remove_folder(s->dir);
	forget_folder(s);
}

void scratch_keep(struct scratch *s)
{
	__cleanup_free char *kept = xasprintf("%s/" SCRATCH_KEPT, s->dir);
	__cleanup_free char *lock = lock_path(s->dir);

	if (rename(lock, kept))
		log_warning("%s: cannot be made: %s", kept, strerror(errno));
	forget_folder(s);
}
