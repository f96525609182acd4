// SPDX-License-Identifier: GPL-2.0-only
/* Copying a built tree: sources as hard links, what make generated as copies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "kernels/internal.h"

/* When the sources of the tree were complete, and where the copy goes. */
struct copy {
	struct timespec mark;
	const char *to; /* for messages */
};

static int fail(struct error *err, const struct copy *c, const char *name)
{
	int code = -errno;

	return error_set(err, code, "%s: cannot copy %s: %s", c->to, name, strerror(-code));
}

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int copy_bytes(int in, int out, off_t size)
{
	while (size > 0) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, size, 0);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		size -= n > 0 ? n : 0;
	}
	return 0;
}

static int copy_file(const struct copy *c, int from, int to, const char *name,
		     const struct stat *st, struct error *err)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, ret = 0;

	if (in >= 0)
		out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	if (in < 0 || out < 0 || copy_bytes(in, out, st->st_size) ||
	    fchmod(out, st->st_mode & 07777) || futimens(out, times))
		ret = fail(err, c, name);
	if (out >= 0 && close(out) && !ret)
		ret = fail(err, c, name);
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
		return fail(err, c, name);
	target[n] = '\0';
	if (symlinkat(target, to, name) || utimensat(to, name, times, AT_SYMLINK_NOFOLLOW))
		return fail(err, c, name);
	return 0;
}

static int copy_folder(const struct copy *c, int from, int to, struct error *err);

static int copy_subfolder(const struct copy *c, int from, int to, const char *name,
			  const struct stat *st, struct error *err)
{
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out = -1, ret;

	if (in >= 0 && !mkdirat(to, name, st->st_mode & 0777))
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ret = out < 0 ? fail(err, c, name) : copy_folder(c, in, out, err);
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return ret;
}

static int copy_entry(const struct copy *c, int from, int to, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return fail(err, c, name);
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
	/* as many names as its file system allows, or another file system */
	return errno == EMLINK || errno == EXDEV ? copy_file(c, from, to, name, &st, err)
						 : fail(err, c, name);
}

/* Entries of @from into @to; neither descriptor is closed. */
static int copy_folder(const struct copy *c, int from, int to, struct error *err)
{
	DIR *d = fdopendir(dup(from));
	struct dirent *e;
	int ret = 0;

	if (!d)
		return fail(err, c, "a folder");
	while (!ret && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		ret = cancel_requested() ? cancel_error(err)
					 : copy_entry(c, from, to, e->d_name, err);
	}
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

	for (at = text.buf; (next = strstr(at, old)); at = next + strlen(old)) {
		strbuf_add(&out, at, next - at);
		strbuf_addstr(&out, new);
	}
	strbuf_addstr(&out, at);
	if (!ret && out.len && at != text.buf)
		ret = fs_write_file(path, out.buf, out.len, err);
	strbuf_release(&out);
	strbuf_release(&text);
	return ret;
}

/*
 * The kernel proper is built with relative paths, its tools/ with absolute ones: in another place
 * make would find other commands than those it noted in the .cmd files, build objtool anew, and then
 * everything that objtool had looked at. So the notes move along.
 */
static int move_notes(const char *tree, const char *old, struct error *err)
{
	__cleanup_free char *tools = xasprintf("%s/tools", tree);
	FTS *fts = fts_open((char *[]){tools, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int ret = 0;

	while (!ret && fts && (e = fts_read(fts))) {
		size_t len = e->fts_namelen;

		if (e->fts_info == FTS_F && len > 4 && !strcmp(e->fts_name + len - 4, ".cmd"))
			ret = replace_in_file(e->fts_path, old, tree, err);
	}
	if (fts)
		fts_close(fts);
	return ret;
}

static int relocate(const char *tree, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" ROOT_NAME, tree);
	struct strbuf old = STRBUF_INIT;
	int ret = fs_read_file(path, PATH_MAX, &old, err);

	if (!ret)
		ret = move_notes(tree, old.buf, err);
	strbuf_release(&old);
	return ret ? ret : write_root(tree, err);
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

static bool is_noted(const char *tree, const char *path)
{
	__cleanup_free char *young = xasprintf("%s/" YOUNG_NAME, tree);
	struct strbuf text = STRBUF_INIT;
	bool noted = !fs_read_file(young, 0, &text, NULL) && has_line(text.buf, path);

	strbuf_release(&text);
	return noted;
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
	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		ret = error_set(err, -errno, "%s: cannot write: %s", young, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

bool kernel_tree_is_generated(const char *tree, const char *path)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, tree);
	__cleanup_free char *full = xasprintf("%s/%s", tree, path);
	struct stat marked, st;

	return !stat(mark, &marked) && !lstat(full, &st) && S_ISREG(st.st_mode) &&
	       is_newer(&st.st_mtim, &marked.st_mtim) && !is_noted(tree, path);
}

/* ---- */

int kernel_tree_mark(const char *tree, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, tree);
	int ret = write_root(tree, err);

	return ret ? ret : fs_write_file(mark, "", 0, err);
}

int kernel_tree_copy(const char *from, const char *to, struct error *err)
{
	__cleanup_free char *mark = xasprintf("%s/" KERNEL_TREE_MARK, from);
	struct copy c = {.to = to};
	struct stat st;
	int in, out = -1, ret;

	if (stat(mark, &st))
		return error_set(err, -errno, "%s: no built tree: %s", from, strerror(errno));
	c.mark = st.st_mtim;
	in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in >= 0 && !mkdir(to, 0777))
		out = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = out < 0 ? fail(err, &c, from) : copy_folder(&c, in, out, err);
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return ret ? ret : relocate(to, err);
}
