// SPDX-License-Identifier: GPL-2.0-only
#include "common/fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"

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

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}

/* "PATH.tmp.PID.N": a name that no other call uses, in this process or another. The caller
 * frees. */
static char *temporary_name(const char *path)
{
	static atomic_uint counter;

	return xasprintf("%s.tmp.%d.%u", path, getpid(), atomic_fetch_add(&counter, 1));
}

/* Is it a link to a descriptor, as /dev/stdout is? */
static bool leads_to_descriptor(const char *link)
{
	char text[64] = "";

	return readlink(link, text, sizeof(text) - 1) > 0 && !strncmp(text, "/proc/", 6);
}

int fs_find_replaceable(const char *path, char **target, struct error *err)
{
	struct stat st;
	bool is_link = !lstat(path, &st) && S_ISLNK(st.st_mode);

	*target = NULL;
	if ((!stat(path, &st) && !S_ISREG(st.st_mode)) || (is_link && leads_to_descriptor(path)))
		return error_set(err, -EINVAL,
				 "%s: is not a regular file and is not replaced; name another file",
				 path);
	if (!is_link) {
		*target = xstrdup(path);
		return 0;
	}
	*target = realpath(path, NULL);
	if (*target)
		return 0;
	return fail_at(err, path, "follow the link");
}

/*
 * A new file that takes the place of another when it is whole. It has no name until then where the file system
 * can do that, so that a process that is killed leaves nothing behind.
 */
struct temporary {
	int fd;
	char *name; /* NULL: none yet */
};

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	if (slash == path)
		return xstrdup("/");
	return xasprintf("%.*s", (int)(slash - path), path);
}

/* It is given a name through /proc: linkat(2) from a descriptor alone takes a capability. */
static int open_nameless(const char *path, mode_t mode)
{
	__cleanup_free char *folder = folder_of(path);

	if (access("/proc/self/fd", X_OK))
		return -1;
	return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}

/*
 * Opens a temporary for @path. This uses open(2), which applies the umask to @mode, and not mkstemp(3), which
 * does not: a program can read its umask only by setting it, which would change it for all threads.
 */
static int open_temporary(const char *path, mode_t mode, struct temporary *t, struct error *err)
{
	int ret;

	t->name = NULL;
	t->fd = open_nameless(path, mode);
	for (int attempt = 0; t->fd < 0 && attempt < 100; attempt++) {
		free(t->name);
		t->name = temporary_name(path);
		t->fd = open(t->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (t->fd < 0 && errno != EEXIST)
			break;
	}
	if (t->fd >= 0)
		return 0;
	ret = fail_at(err, path, "create a temporary file beside it");
	free(t->name);
	return ret;
}

/* Gives @t the name @path if nothing has it yet, else one of its own: only a rename replaces. */
static int name_temporary(struct temporary *t, const char *path)
{
	char fd[32];
	int ret;

	snprintf(fd, sizeof(fd), "/proc/self/fd/%d", t->fd);
	ret = linkat(AT_FDCWD, fd, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	while (ret && errno == EEXIST) {
		free(t->name);
		t->name = temporary_name(path);
		ret = linkat(AT_FDCWD, fd, AT_FDCWD, t->name, AT_SYMLINK_FOLLOW);
	}
	return ret;
}

/* Syncs and closes @t, which takes the place of @path; or drops it if @ret is an error already. */
static int commit_temporary(struct temporary *t, const char *path, int ret, struct error *err)
{
	if (!ret && fsync(t->fd))
		ret = fail_at(err, path, "sync");
	if (!ret && !t->name && name_temporary(t, path))
		ret = fail_at(err, path, "link");
	if (close(t->fd) && !ret)
		ret = fail_at(err, path, "write");
	if (!ret && t->name && rename(t->name, path))
		ret = fail_at(err, path, "rename to");
	if (ret && t->name)
		unlink(t->name);
	free(t->name);
	return ret;
}

int fs_write_file(const char *path, const void *data, size_t len, struct error *err)
{
	__cleanup_free char *target = NULL;
	struct temporary t;
	int ret = fs_find_replaceable(path, &target, err);

	if (!ret)
		ret = open_temporary(target, 0666, &t, err);
	if (ret)
		return ret;
	if (fs_write_all(t.fd, data, len))
		ret = fail_at(err, path, "write");
	return commit_temporary(&t, target, ret, err);
}

static int copy_bytes(int in, int out, const char *from, const char *to, struct error *err)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (fs_write_all(out, chunk, n))
			return fail_at(err, to, "write");
	if (n < 0)
		return fail_at(err, from, "read");
	return 0;
}

int fs_copy_file(const char *from, const char *to, struct error *err)
{
	__cleanup_free char *target = NULL;
	struct temporary out;
	struct stat st;
	int in, ret;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return fail_at(err, from, "open");
	if (fstat(in, &st)) {
		ret = fail_at(err, from, "stat");
		goto out;
	}
	ret = fs_find_replaceable(to, &target, err);
	if (ret)
		goto out;
	ret = open_temporary(target, st.st_mode, &out, err);
	if (ret)
		goto out;
	ret = commit_temporary(&out, target, copy_bytes(in, out.fd, from, to, err), err);
out:
	close(in);
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

/* poll() cannot wait for flock() and for a cancel at once, so the lock is tried ten times a
 * second. */
static int lock_file(int fd, const char *path, bool wait, struct error *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};

		if (errno != EWOULDBLOCK)
			return fail_at(err, path, "lock");
		if (!wait)
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
