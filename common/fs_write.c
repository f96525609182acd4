// SPDX-License-Identifier: GPL-2.0-only
/* Files and folders that appear whole, for other processes and after a power cut. */
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"

static int fail_write(struct error *err, const char *path, const char *doing)
{
	int code = -errno;

	return error_set(err, code, "%s: cannot %s: %s", path, doing, strerror(-code));
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
	return fail_write(err, path, "follow the link");
}

char *fs_folder_of(const char *path)
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
	__cleanup_free char *folder = fs_folder_of(path);

	if (access("/proc/self/fd", X_OK))
		return -1;
	return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}

/*
 * Opens a temporary for @path. This uses open(2), which applies the umask to @mode, and not mkstemp(3), which
 * does not: a program can read its umask only by setting it, which would change it for all threads.
 */
int fs_new_file_open(const char *path, mode_t mode, struct fs_new_file *t, struct error *err)
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
	ret = fail_write(err, path, "create a temporary file beside it");
	free(t->name);
	return ret;
}

/* Gives @t the name @path if nothing has it yet, else one of its own: only a rename replaces. */
static int name_temporary(struct fs_new_file *t, const char *path)
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

/* A name is lost in a power cut until its folder is synced. A folder that may be written to and not read cannot be. */
static int sync_folder_of(const char *path, struct error *err)
{
	__cleanup_free char *folder = fs_folder_of(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return 0;
	if (fsync(fd) && errno != EINVAL)
		ret = fail_write(err, folder, "sync");
	close(fd);
	return ret;
}

int fs_new_file_close(struct fs_new_file *t, const char *path, int ret, struct error *err)
{
	if (!ret && fsync(t->fd))
		ret = fail_write(err, path, "sync");
	if (!ret && !t->name && name_temporary(t, path))
		ret = fail_write(err, path, "link");
	if (close(t->fd) && !ret)
		ret = fail_write(err, path, "write");
	if (!ret && t->name && rename(t->name, path))
		ret = fail_write(err, path, "rename to");
	if (ret && t->name)
		unlink(t->name);
	free(t->name);
	if (ret)
		return ret;
	return sync_folder_of(path, err);
}

/* ---- what others wrote ---- */

/* With fsync(), or syncfs(): a tree has tens of thousands of files, and one call for the whole file system is quicker
 * than one for each. */
static int sync_with(int (*sync)(int fd), const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || sync(fd))
		ret = fail_write(err, path, "sync");
	if (fd >= 0)
		close(fd);
	return ret;
}

static int give_name(const char *from, const char *to, unsigned int flags, struct error *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags))
		return fail_write(err, to, "take this name");
	return sync_folder_of(to, err);
}

int fs_publish(const char *from, const char *to, struct error *err)
{
	int ret = sync_with(fsync, from, err);

	if (ret)
		return ret;
	return give_name(from, to, 0, err);
}

int fs_publish_tree(const char *from, const char *to, struct error *err)
{
	int ret = sync_with(syncfs, from, err);

	if (ret)
		return ret;
	return give_name(from, to, fs_exists(to) ? RENAME_EXCHANGE : 0, err);
}

/* ---- whole files ---- */

int fs_write_file(const char *path, const void *data, size_t len, struct error *err)
{
	__cleanup_free char *target = NULL;
	struct fs_new_file t;
	int ret = fs_find_replaceable(path, &target, err);

	if (!ret)
		ret = fs_new_file_open(target, 0666, &t, err);
	if (ret)
		return ret;
	if (fs_write_all(t.fd, data, len))
		ret = fail_write(err, path, "write");
	return fs_new_file_close(&t, target, ret, err);
}

static int copy_bytes(int in, int out, const char *from, const char *to, struct error *err)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (fs_write_all(out, chunk, n))
			return fail_write(err, to, "write");
	if (n < 0)
		return fail_write(err, from, "read");
	return 0;
}

int fs_copy_file(const char *from, const char *to, struct error *err)
{
	__cleanup_free char *target = NULL;
	struct fs_new_file out;
	struct stat st;
	int in, ret;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return fail_write(err, from, "open");
	if (fstat(in, &st)) {
		ret = fail_write(err, from, "stat");
		goto out;
	}
	ret = fs_find_replaceable(to, &target, err);
	if (ret)
		goto out;
	ret = fs_new_file_open(target, st.st_mode, &out, err);
	if (ret)
		goto out;
	ret = fs_new_file_close(&out, target, copy_bytes(in, out.fd, from, to, err), err);
out:
	close(in);
	return ret;
}
