// SPDX-License-Identifier: GPL-2.0-only
#include "common/fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"

#define DEFAULT_MAX_BYTES (1UL << 30)

static int fail_at(struct error *err, const char *path, const char *doing)
{
	int code = -errno;

	return error_set(err, code, "%s: cannot %s: %s", path, doing, strerror(-code));
}

/* Waits until a pipe has bytes or is closed at the other end, or a cancel comes. */
static int await_bytes(int fd, const char *path, struct error *err)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = cancel_fd(), .events = POLLIN}};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
		return fail_at(err, path, "wait for");
	if (cancel_requested())
		return cancel_error(err);
	return 0;
}

/* Bytes read, 0 at the end, or a negative errno. */
static ssize_t read_chunk(int fd, const char *path, char *chunk, size_t size, struct error *err)
{
	for (;;) {
		ssize_t n = read(fd, chunk, size);
		int ret;

		if (n >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return fail_at(err, path, "read");
		ret = await_bytes(fd, path, err);
		if (ret)
			return ret;
	}
}

int fs_read_file(const char *path, size_t max, struct strbuf *out, struct error *err)
{
	size_t total = 0;
	char chunk[65536];
	ssize_t n;
	int fd, ret = 0;

	if (!max)
		max = DEFAULT_MAX_BYTES;
	/* Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fail_at(err, path, "open");
	while ((n = read_chunk(fd, path, chunk, sizeof(chunk), err)) > 0) {
		total += n;
		if (total > max) {
			ret = error_set(err, -EFBIG, "%s: larger than %zu bytes", path, max);
			break;
		}
		strbuf_add(out, chunk, n);
	}
	if (n < 0)
		ret = (int)n;
	close(fd);
	return ret;
}

int fs_mkdir_p(const char *path, struct error *err)
{
	__cleanup_free char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			return fail_at(err, copy, "create");
		*p = '/';
	}
	if (mkdir(copy, 0777) && errno != EEXIST)
		return fail_at(err, path, "create");
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	if (remove(path) && errno != ENOENT)
		return -1;
	return 0;
}

int fs_remove_tree(const char *path, struct error *err)
{
	if (nftw(path, remove_entry, 64, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return fail_at(err, path, "remove");
	return 0;
}

static _Thread_local uint64_t tree_bytes;

static int add_bytes(const char *path, const struct stat *st, int type, struct FTW *at)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	(void)path;
	(void)type;
	(void)at;
	if (st->st_nlink > 1 && S_ISREG(st->st_mode))
		bytes /= st->st_nlink;
	tree_bytes += bytes;
	return 0;
}

uint64_t fs_measure_tree(const char *path)
{
	tree_bytes = 0;
	nftw(path, add_bytes, 16, FTW_PHYS);
	return tree_bytes;
}

bool fs_exists(const char *path)
{
	return !access(path, F_OK);
}

bool fs_is_plain_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > 64 || !isalnum((unsigned char)name[0]) || strstr(name, ".."))
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") ==
	       len;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool fs_has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), s = strlen(suffix);

	return n > s && path[n - s - 1] != '/' && !strcmp(path + n - s, suffix);
}

char *fs_stem(const char *path, const char *suffix)
{
	const char *name = basename(path); /* GNU's, which leaves @path alone */

	if (!fs_has_suffix(path, suffix))
		return NULL;
	return strndup(name, strlen(name) - strlen(suffix));
}

static bool is_wanted(const char *name, const char *suffix)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	return !suffix || fs_has_suffix(name, suffix);
}

int fs_list(const char *dir, const char *suffix, char ***names, size_t *count, struct error *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int ret = 0;

	*names = NULL;
	*count = 0;
	if (!d)
		return fail_at(err, dir, "list");
	while (errno = 0, (e = readdir(d))) {
		if (!is_wanted(e->d_name, suffix))
			continue;
		*names = xrealloc(*names, *count + 1, sizeof(**names));
		(*names)[(*count)++] = xstrdup(e->d_name);
	}
	if (errno)
		ret = fail_at(err, dir, "list");
	closedir(d);
	if (ret) {
		fs_free_names(*names, *count);
		*names = NULL;
		*count = 0;
		return ret;
	}
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}

int fs_list_stems(const char *dir, const char *suffix, char ***names, size_t *count,
		  struct error *err)
{
	int ret = fs_list(dir, suffix, names, count, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < *count; i++)
		(*names)[i][strlen((*names)[i]) - strlen(suffix)] = '\0';
	return 0;
}

void fs_free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* A child has the lock, too, until it has run its program. Whoever is killed in between leaves the
 * lock held for that moment: some milliseconds, more where processors are scarce. */
enum { LOCK_OUTLIVES_MS = 2000 };

/* poll() cannot wait for flock() and for a cancel at once, so the lock is tried ten times a
 * second. */
static int lock_file(int fd, const char *path, bool wait, struct error *err)
{
	int64_t end = clock_ms() + LOCK_OUTLIVES_MS;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};

		if (errno != EWOULDBLOCK)
			return fail_at(err, path, "lock");
		if (!wait && clock_ms() >= end)
			return error_set(
				err, -EWOULDBLOCK,
				"%s: another nestlab holds this lock; try again when it has ended",
				path);
		if (poll(&pfd, 1, 100) > 0 || cancel_requested())
			return cancel_error(err);
	}
	return 0;
}

int fs_lock(const char *path, bool wait, int *fd, struct error *err)
{
	int ret;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0)
		return fail_at(err, path, "open");
	ret = lock_file(*fd, path, wait, err);
	if (ret) {
		close(*fd);
		*fd = -1;
	}
	return ret;
}

int fs_free_bytes(const char *path, uint64_t *bytes, struct error *err)
{
	struct statvfs vfs;

	if (statvfs(path, &vfs))
		return fail_at(err, path, "find the free space");
	*bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}

char *fs_program_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n < 0)
		return xstrdup(".");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return xstrdup(path);
}
