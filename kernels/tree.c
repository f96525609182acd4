// SPDX-License-Identifier: GPL-2.0-only
/* Copying a built tree: sources as hard links, generated files as copies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "kernels/internal.h"

/* When the sources of the tree were complete (its mark), and where the copy goes. */
struct copy {
	struct timespec mark;
	const char *to; /* for messages */
};

static int fail_copy(struct error *err, const struct copy *c, const char *name)
{
	int code = -errno;

	return error_set(err, code, "%s: cannot copy %s: %s", c->to, name, strerror(-code));
}

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec > b->tv_sec;
	return a->tv_nsec > b->tv_nsec;
}

/* 0, or -1 with errno set. */
static int copy_bytes(int in, int out, off_t size)
{
	while (size > 0) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		size -= n;
	}
	return 0;
}

/* The copy keeps its times: make must find it as up to date as the original. */
static int copy_file(const struct copy *c, int from, int to, const char *name,
		     const struct stat *st, struct error *err)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int in, out = -1, ret = 0;

	in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in >= 0)
		out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	if (in < 0 || out < 0 || copy_bytes(in, out, st->st_size) ||
	    fchmod(out, st->st_mode & 07777) || futimens(out, times))
		ret = fail_copy(err, c, name);
	if (out >= 0 && close(out) && !ret)
		ret = fail_copy(err, c, name);
	if (in >= 0)
		close(in);
	return ret;
}

static int copy_link(const struct copy *c, int from, int to, const char *name,
		     const struct stat *st, struct error *err)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return fail_copy(err, c, name);
	target[n] = '\0';
	if (symlinkat(target, to, name) || utimensat(to, name, times, AT_SYMLINK_NOFOLLOW))
		return fail_copy(err, c, name);
	return 0;
}

static int copy_folder(const struct copy *c, int from, int to, struct error *err);

static int copy_subfolder(const struct copy *c, int from, int to, const char *name,
			  const struct stat *st, struct error *err)
{
	int in, out = -1, ret;

	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in >= 0 && !mkdirat(to, name, st->st_mode & 0777))
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		ret = fail_copy(err, c, name);
	else
		ret = copy_folder(c, in, out, err);
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return ret;
}

/*
 * A file older than the mark is a source, which is only ever replaced: the copy can share it by a
 * hard link. A younger one was generated, and make or objtool may write into it in place, which
 * would change the original through a link: it is copied. Devices and sockets are left out: a
 * kernel tree has none.
 */
static int copy_entry(const struct copy *c, int from, int to, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return fail_copy(err, c, name);
	if (S_ISDIR(st.st_mode))
		return copy_subfolder(c, from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(c, from, to, name, &st, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (is_newer(&st.st_mtim, &c->mark))
		return copy_file(c, from, to, name, &st, err);
	if (!linkat(from, name, to, name, 0))
		return 0;
	/* the file has as many links as its file system allows, or the copy is on another file
	 * system */
	if (errno == EMLINK || errno == EXDEV)
		return copy_file(c, from, to, name, &st, err);
	return fail_copy(err, c, name);
}

static int copy_entries(const struct copy *c, DIR *d, int from, int to, struct error *err)
{
	struct dirent *e;

	while (errno = 0, (e = readdir(d))) {
		int ret;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (cancel_requested())
			return cancel_error(err);
		ret = copy_entry(c, from, to, e->d_name, err);
		if (ret)
			return ret;
	}
	if (errno)
		return fail_copy(err, c, "a folder");
	return 0;
}

/* Entries of @from into @to; neither descriptor is closed. */
static int copy_folder(const struct copy *c, int from, int to, struct error *err)
{
	int fd = dup(from), ret;
	DIR *d;

	if (fd < 0)
		return fail_copy(err, c, "a folder");
	d = fdopendir(fd);
	if (!d) {
		ret = fail_copy(err, c, "a folder");
		close(fd);
		return ret;
	}
	ret = copy_entries(c, d, from, to, err);
	closedir(d);
	return ret;
}

/* ---- where it was built ---- */

/* The file in a tree that says where its make ran. */
#define ROOT_NAME ".nestlab-root"

static int write_root(const char *tree, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" ROOT_NAME, tree);

	return fs_write_file(path, tree, strlen(tree), err);
}

static int replace_in_file(const char *path, const char *old, const char *new, struct error *err)
{
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	const char *at, *next;
	int ret = fs_read_file(path, 0, &text, err);

	if (ret)
		goto out;
	for (at = text.buf; (next = strstr(at, old)); at = next + strlen(old)) {
		strbuf_add(&out, at, next - at);
		strbuf_addstr(&out, new);
	}
	if (at == text.buf)
		goto out;
	strbuf_addstr(&out, at);
	ret = fs_write_file(path, out.buf, out.len, err);
out:
	strbuf_release(&out);
	strbuf_release(&text);
	return ret;
}

static int move_note(const FTSENT *e, const char *old, const char *tree, struct error *err)
{
	if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR)
		return error_set(err, -e->fts_errno, "%s: cannot list: %s", e->fts_path,
				 strerror(e->fts_errno));
	if (e->fts_info == FTS_F && fs_has_suffix(e->fts_name, ".cmd"))
		return replace_in_file(e->fts_path, old, tree, err);
	return 0;
}

/*
 * The kernel proper is built with relative paths, its tools/ with absolute ones, which make notes in .cmd
 * files. In another folder make would find these commands changed and build objtool again, and then
 * every object that objtool had seen. So the new folder's path is put into the notes.
 */
static int move_notes(const char *tree, const char *old, struct error *err)
{
	__cleanup_free char *tools = xasprintf("%s/tools", tree);
	FTS *fts = fts_open((char *[]){tools, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int ret = 0;

	if (!fts)
		return error_set(err, -errno, "%s: cannot list: %s", tools, strerror(errno));
	while (errno = 0, (e = fts_read(fts))) {
		ret = move_note(e, old, tree, err);
		if (ret)
			break;
	}
	if (!e && errno)
		ret = error_set(err, -errno, "%s: cannot list: %s", tools, strerror(errno));
	fts_close(fts);
	return ret;
}

static int relocate_tree(const char *tree, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" ROOT_NAME, tree);
	struct strbuf old = STRBUF_INIT;
	int ret = fs_read_file(path, PATH_MAX, &old, err);

	if (!ret)
		ret = move_notes(tree, old.buf, err);
	strbuf_release(&old);
	if (ret)
		return ret;
	return write_root(tree, err);
}

/* ---- which files are sources ---- */

/* The file in a tree that names the sources which are younger than the mark, one a line. */
#define YOUNG_NAME ".nestlab-young"

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at += len)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static int find_note(const char *tree, const char *path, bool *noted, struct error *err)
{
	__cleanup_free char *young = xasprintf("%s/" YOUNG_NAME, tree);
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	*noted = false;
	if (!fs_exists(young))
		return 0;
	ret = fs_read_file(young, 0, &text, err);
	if (!ret)
		*noted = has_line(text.buf, path);
	strbuf_release(&text);
	return ret;
}

/* Appends in place: the file is younger than the mark itself, so no copy shares it. */
int kernel_tree_note_source(const char *tree, const char *path, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, tree);
	__cleanup_free char *young = xasprintf("%s/" YOUNG_NAME, tree);
	__cleanup_free char *line = xasprintf("%s\n", path);
	int fd, ret = 0;

	if (!fs_exists(mark))
		return 0;
	fd = open(young, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", young, strerror(errno));
	if (fs_write_all(fd, line, strlen(line)))
		ret = error_set(err, -errno, "%s: cannot write: %s", young, strerror(errno));
	close(fd);
	return ret;
}

/* 0 with @st filled in; -ENOENT without a message if there is no such file. */
static int find_status(const char *path, struct stat *st, struct error *err)
{
	if (!lstat(path, st))
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return -ENOENT;
	return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
}

/* A note of nestlab's own, at the top of the tree. */
static bool is_note(const char *path)
{
	return !strncmp(path, ".nestlab-", strlen(".nestlab-"));
}

int kernel_tree_is_generated(const char *tree, const char *path, bool *generated, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, tree);
	__cleanup_free char *full = xasprintf("%s/%s", tree, path);
	struct stat marked, st;
	bool noted;
	int ret;

	*generated = is_note(path);
	if (*generated)
		return 0;
	ret = find_status(mark, &marked, err);
	if (!ret)
		ret = find_status(full, &st, err);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	if (S_ISDIR(st.st_mode) || !is_newer(&st.st_mtim, &marked.st_mtim))
		return 0;
	ret = find_note(tree, path, &noted, err);
	if (ret)
		return ret;
	*generated = !noted;
	return 0;
}

/* ---- */

int kernel_tree_mark(const char *tree, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, tree);
	int ret = write_root(tree, err);

	if (ret)
		return ret;
	return fs_write_file(mark, "", 0, err);
}

int kernel_tree_copy(const char *from, const char *to, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, from);
	struct copy c = {.to = to};
	struct stat st;
	int in, out = -1, ret;

	if (stat(mark, &st))
		return error_set(err, -errno, "%s: is not a built tree: %s", from, strerror(errno));
	c.mark = st.st_mtim;
	in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in >= 0 && !mkdir(to, 0777))
		out = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0)
		ret = fail_copy(err, &c, from);
	else
		ret = copy_folder(&c, in, out, err);
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	if (ret)
		return ret;
	return relocate_tree(to, err);
}

int kernel_tree_keep(const char *tree, const char *kept, struct error *err)
{
	int ret = fs_publish_tree(tree, kept, err);

	if (ret)
		return error_prefix(err, ret, "the built tree cannot be kept");
	return 0;
}

int kernel_tree_move(const char *from, const char *to, struct error *err)
{
	int ret = fs_publish(from, to, err);

	if (ret)
		return ret;
	return relocate_tree(to, err);
}
