// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commits of one repository, built one from the tree of another: what a bisect or a `git bisect run`
 * does all day. Of each lineage (repository, patches, fragments, compiler) the tree of the last build
 * is kept; the next build copies it, brings the files that differ between the two commits up to date,
 * and compiles what hangs on them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

/* In a kept tree: the commit that its sources are. */
#define COMMIT_FILE ".nestlab-commit"

static char *lineage_name(const struct kernel_keys *k)
{
	__cleanup_free char *what =
		xasprintf("%s\n%s\n%s\n%s\n%s\n%s\n", KERNEL_RECIPE, k->source.place,
			  k->patches_hash, k->fragments_hash, k->compiler, k->linker);
	char hex[SHA256_HEX];

	sha256_bytes(what, strlen(what), hex);
	return xasprintf("git-%.32s", hex);
}

static int lock(const struct kernel_env *env, const char *name, int *fd, struct error *err)
{
	__cleanup_free char *path = kernel_cache_path(env, "locks", name);

	return fs_lock(path, true, fd, err);
}

static int git_list(const struct kernel_keys *k, const char *from, const char *filter,
		    struct strbuf *out, struct error *err)
{
	const char *argv[] = {
		"git",	"--git-dir", k->source.place,  "diff", "--name-only", "-z", "--no-renames",
		filter, from,	     k->source.commit, "--",   NULL};
	struct subprocess sp = {.argv = argv, .out = out};

	return subprocess_run(&sp, NULL, err);
}

static int remove_files(const struct strbuf *names, const char *tree, struct error *err)
{
	for (const char *p = names->buf; p < names->buf + names->len; p += strlen(p) + 1) {
		__cleanup_free char *path = xasprintf("%s/%s", tree, p);

		if (unlink(path) && errno != ENOENT)
			return error_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* Files as in the commit. git replaces a file and does not write into it: it may be a hard link. */
static int check_out_files(const struct kernel_keys *k, const struct strbuf *names,
			   const char *tree, const char *log, struct error *err)
{
	__cleanup_free char *list = xasprintf("%s.changed", tree);
	__cleanup_free char *index = xasprintf("GIT_INDEX_FILE=%s.index", tree);
	__cleanup_free char *from = xasprintf("--pathspec-from-file=%s", list);
	const char *argv[] = {"git",
			      "-c",
			      "core.autocrlf=false",
			      "-c",
			      "core.bare=false",
			      "--literal-pathspecs",
			      "--git-dir",
			      k->source.place,
			      "--work-tree",
			      tree,
			      "checkout",
			      "-q",
			      "-f",
			      k->source.commit,
			      from,
			      "--pathspec-file-nul",
			      NULL};
	const char *const env[] = {index, NULL};
	struct subprocess sp = {.argv = argv, .env = env, .cwd = tree, .log_path = log};
	int ret;

	if (!names->len)
		return 0;
	ret = fs_write_file(list, names->buf, names->len, err);
	return ret ? ret : subprocess_run(&sp, NULL, err);
}

static int note_sources(const struct strbuf *names, const char *tree, struct error *err)
{
	int ret = 0;

	for (const char *p = names->buf; !ret && p < names->buf + names->len; p += strlen(p) + 1)
		ret = kernel_tree_note_source(tree, p, err);
	return ret;
}

static void note_config(const struct strbuf *names, bool *config_may_differ)
{
	for (const char *p = names->buf; p < names->buf + names->len; p += strlen(p) + 1)
		if (kernel_is_config_path(p))
			*config_may_differ = true;
}

/* @tree's sources from commit @from to the one wanted. */
static int update(const struct kernel_keys *k, const char *from, const char *tree, const char *log,
		  bool *config_may_differ, struct error *err)
{
	struct strbuf gone = STRBUF_INIT, changed = STRBUF_INIT;
	int ret = git_list(k, from, "--diff-filter=D", &gone, err);

	ret = ret ? ret : git_list(k, from, "--diff-filter=d", &changed, err);
	ret = ret ? ret : remove_files(&gone, tree, err);
	ret = ret ? ret : check_out_files(k, &changed, tree, log, err);
	ret = ret ? ret : note_sources(&changed, tree, err);
	*config_may_differ = false;
	note_config(&gone, config_may_differ);
	note_config(&changed, config_may_differ);
	strbuf_release(&gone);
	strbuf_release(&changed);
	return ret;
}

/* The commit of a kept tree, if git still has it. */
static bool read_commit(const struct kernel_keys *k, const char *tree, struct strbuf *commit)
{
	__cleanup_free char *path = xasprintf("%s/" COMMIT_FILE, tree);
	const char *argv[] = {"git", "--git-dir", k->source.place, "cat-file", "-e", NULL, NULL};
	int status;

	if (fs_read_file(path, 256, commit, NULL) || commit->len != strlen(k->source.commit))
		return false;
	argv[5] = commit->buf;
	return !subprocess_run(&(struct subprocess){.argv = argv}, &status, NULL) && !status;
}

/* Not with patches: the kept tree would have them already. */
bool kernel_lineage_exists(const struct kernel_variant *v, const struct kernel_keys *k)
{
	return k->source.commit && !v->npatches;
}

int kernel_lineage_take(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			const char *log, bool *taken, bool *config_may_differ, struct error *err)
{
	__cleanup_free char *name = lineage_name(k);
	__cleanup_free char *kept = kernel_cache_path(env, "trees", name);
	struct strbuf commit = STRBUF_INIT;
	int fd, ret = lock(env, name, &fd, err);

	*taken = false;
	if (ret)
		return ret;
	if (read_commit(k, kept, &commit)) {
		*taken = true;
		ret = kernel_tree_copy(kept, tree, err);
	}
	close(fd);
	if (*taken && !ret)
		ret = update(k, commit.buf, tree, log, config_may_differ, err);
	strbuf_release(&commit);
	return ret;
}

int kernel_lineage_give(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			struct error *err)
{
	__cleanup_free char *name = lineage_name(k);
	__cleanup_free char *top = kernel_cache_path(env, "trees", NULL);
	__cleanup_free char *kept = kernel_cache_path(env, "trees", name);
	__cleanup_free char *mark = xasprintf("%s/" COMMIT_FILE, tree);
	int fd, ret = fs_mkdir_p(top, err);

	ret = ret ? ret : fs_write_file(mark, k->source.commit, strlen(k->source.commit), err);
	ret = ret ? ret : lock(env, name, &fd, err);
	if (ret)
		return ret;
	/* the one that was kept takes our place in the scratch folder, and goes away with it */
	if (renameat2(AT_FDCWD, tree, AT_FDCWD, kept, fs_exists(kept) ? RENAME_EXCHANGE : 0))
		ret = error_set(err, -errno, "%s: %s", kept, strerror(errno));
	close(fd);
	return ret;
}
