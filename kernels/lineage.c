// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds a commit from the built tree of another commit of the repository, which is what a bisect
 * or a `git bisect run` does all day. For each lineage (repository, patches, fragments, compiler)
 * the tree of the last build is kept. The next build copies it, checks out the files that differ
 * between the two commits, and compiles what depends on them.
 *
 * The first commit of a lineage may start from a built tree of any source that has nearly the same files, such
 * as the tarball that a distribution made of that commit. There git has no commit to compare with, so
 * it hashes the files.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/git.h"
#include "kernels/internal.h"

/* The file in a kept tree that names the commit of its sources. */
#define COMMIT_FILE ".nestlab-commit"
/* The one that names the repository whose lineage it is: it may not have that commit, if a bisect made it. */
#define REPOSITORY_FILE ".nestlab-repository"

/* The trees of a lineage differ in the commit alone: repository, patches, fragments and tools are
 * the same. */
static char *lineage_name(const struct kernel_keys *k)
{
	__cleanup_free char *what =
		xasprintf("%s\n%s\n%s\n%s\n%s\n%s\n", KERNEL_RECIPE, k->source.place,
			  k->patches_hash, k->fragments_hash, k->compiler, k->linker);
	char hex[SHA256_HEX];

	sha256_bytes(what, strlen(what), hex);
	return xasprintf("git-%.32s", hex);
}

/* Held only while the kept tree is copied or exchanged. Two builds of a lineage may run at the same
 * time: the one that ends last leaves its tree. */
static int lock_lineage(const struct kernel_env *env, const char *name, int *fd, struct error *err)
{
	__cleanup_free char *path = kernel_cache_path(env, "locks", name);

	return fs_lock(path, true, fd, err);
}

/* Names of the files that differ between the commits, each ended by a NUL. A rename counts as a
 * removal and an addition, which is all that the tree needs. */
static int list_files(const struct kernel_keys *k, const char *from, const char *filter,
		      struct strbuf *out, struct error *err)
{
	const char *const args[] = {"diff",	      "--name-only", "-z",
				    "--no-renames",   filter,	     from,
				    k->source.commit, "--",	     NULL};
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", k->source.place);
	const char *const env[] = {repository, NULL};
	struct git_command cmd = {.args = args, .env = env};

	return git_run(&cmd, NULL, out, err);
}

/* The name after @name (NULL: the first one) in what list_files() gave; NULL at the end. */
static const char *next_name(const struct strbuf *names, const char *name)
{
	const char *next = names->buf;

	if (name)
		next = name + strlen(name) + 1;
	if (next >= names->buf + names->len)
		return NULL;
	return next;
}

static int remove_files(const struct strbuf *names, const char *tree, struct error *err)
{
	for (const char *n = NULL; (n = next_name(names, n));) {
		__cleanup_free char *path = xasprintf("%s/%s", tree, n);

		if (unlink(path) && errno != ENOENT)
			return error_set(err, -errno, "%s: cannot remove: %s", path,
					 strerror(errno));
	}
	return 0;
}

/* Checks out the named files. git replaces a file and does not write into it, as it must: the file
 * may be a hard link that another tree shares. */
static int check_out_files(const struct kernel_keys *k, const struct strbuf *names,
			   const char *tree, struct error *err)
{
	__cleanup_free char *list = xasprintf("%s.changed", tree);
	__cleanup_free char *from = xasprintf("--pathspec-from-file=%s", list);
	const char *const args[] = {"-c",
				    "core.autocrlf=false",
				    "-c",
				    "core.bare=false",
				    "--literal-pathspecs",
				    "checkout",
				    "-q",
				    "-f",
				    k->source.commit,
				    from,
				    "--pathspec-file-nul",
				    NULL};
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", k->source.place);
	__cleanup_free char *work_tree = xasprintf("GIT_WORK_TREE=%s", tree);
	__cleanup_free char *index = xasprintf("GIT_INDEX_FILE=%s.index", tree);
	const char *const env[] = {repository, work_tree, index, NULL};
	struct git_command cmd = {.dir = tree, .args = args, .env = env};
	int ret;

	if (!names->len)
		return 0;
	ret = fs_write_file(list, names->buf, names->len, err);
	if (ret)
		return ret;
	return git_run(&cmd, NULL, NULL, err);
}

static int note_sources(const struct strbuf *names, const char *tree, struct error *err)
{
	for (const char *n = NULL; (n = next_name(names, n));) {
		int ret = kernel_tree_note_source(tree, n, err);

		if (ret)
			return ret;
	}
	return 0;
}

static bool has_config_path(const struct strbuf *names)
{
	for (const char *n = NULL; (n = next_name(names, n));)
		if (kernel_is_config_path(n))
			return true;
	return false;
}

/* Files that are gone are removed first: a path that was a file may be a folder in the new
 * commit. */
static int change_files(const struct kernel_keys *k, const struct strbuf *gone,
			const struct strbuf *changed, const char *tree, struct error *err)
{
	int ret = remove_files(gone, tree, err);

	if (ret)
		return ret;
	ret = check_out_files(k, changed, tree, err);
	if (ret)
		return ret;
	return note_sources(changed, tree, err);
}

/* Brings @tree's sources from commit @from to the one wanted. */
static int update_tree(const struct kernel_keys *k, const char *from, const char *tree,
		       bool *config_may_differ, struct error *err)
{
	struct strbuf gone = STRBUF_INIT, changed = STRBUF_INIT;
	int ret = list_files(k, from, "--diff-filter=D", &gone, err);

	if (ret)
		goto out;
	ret = list_files(k, from, "--diff-filter=d", &changed, err);
	if (ret)
		goto out;
	*config_may_differ = has_config_path(&gone) || has_config_path(&changed);
	ret = change_files(k, &gone, &changed, tree, err);
out:
	strbuf_release(&gone);
	strbuf_release(&changed);
	return ret;
}

int kernel_lineage_commit(const char *repository, const char *tree, char **commit,
			  struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" COMMIT_FILE, tree);
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(path, 256, &text, err);

	*commit = NULL;
	if (!ret && text.len >= 40 && strspn(text.buf, "0123456789abcdef") == text.len)
		ret = git_find_commit_in(repository, text.buf, commit, err);
	strbuf_release(&text);
	/* no kept tree, or git no longer has its commit: the build starts from the sources */
	if (ret == -ENOENT || ret == -EINVAL || ret == -EREMOTEIO)
		return 0;
	return ret;
}

bool kernel_lineage_is_of(const char *repository, const char *tree)
{
	__cleanup_free char *path = xasprintf("%s/" REPOSITORY_FILE, tree);
	struct strbuf text = STRBUF_INIT;
	bool is_ours = !fs_read_file(path, 0, &text, NULL) && !strcmp(text.buf, repository);

	strbuf_release(&text);
	return is_ours;
}

/* A variant with patches has no lineage: the patches would be in the kept tree already. */
bool kernel_lineage_exists(const struct kernel_variant *v, const struct kernel_keys *k)
{
	return k->source.commit && !v->npatches;
}

static int copy_kept(const struct kernel_env *env, const struct kernel_keys *k, const char *name,
		     const char *tree, char **commit, struct error *err)
{
	__cleanup_free char *kept = kernel_cache_path(env, "trees", name);
	int ret = kernel_lineage_commit(k->source.place, kept, commit, err);

	if (ret || !*commit)
		return ret;
	return kernel_tree_copy(kept, tree, err);
}

/* The kept tree's commit may be gone: a bisect makes commits of its own to test a culprit by a revert. Its files
 * are nearly those that are wanted all the same. */
static int begin_from_kept(const struct kernel_env *env, const struct kernel_keys *k,
			   const char *name, const char *tree, bool *taken, bool *config_may_differ,
			   struct error *err)
{
	__cleanup_free char *kept = kernel_cache_path(env, "trees", name);

	if (!fs_exists(kept))
		return 0;
	return kernel_lineage_begin(k, kept, tree, taken, config_may_differ, err);
}

int kernel_lineage_take(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			bool *taken, bool *config_may_differ, struct error *err)
{
	__cleanup_free char *name = lineage_name(k);
	__cleanup_free char *commit = NULL;
	int fd, ret = lock_lineage(env, name, &fd, err);

	*taken = false;
	if (ret)
		return ret;
	ret = copy_kept(env, k, name, tree, &commit, err);
	if (!ret && !commit)
		ret = begin_from_kept(env, k, name, tree, taken, config_may_differ, err);
	close(fd);
	if (ret || !commit)
		return ret;
	*taken = true;
	return update_tree(k, commit, tree, config_may_differ, err);
}

static int write_marks(const struct kernel_keys *k, const char *tree, struct error *err)
{
	__cleanup_free char *commit = xasprintf("%s/" COMMIT_FILE, tree);
	__cleanup_free char *repository = xasprintf("%s/" REPOSITORY_FILE, tree);
	int ret = fs_write_file(commit, k->source.commit, strlen(k->source.commit), err);

	if (ret)
		return ret;
	return fs_write_file(repository, k->source.place, strlen(k->source.place), err);
}

int kernel_lineage_give(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			struct error *err)
{
	__cleanup_free char *name = lineage_name(k);
	__cleanup_free char *top = kernel_cache_path(env, "trees", NULL);
	__cleanup_free char *kept = kernel_cache_path(env, "trees", name);
	int fd, ret = fs_mkdir_p(top, err);

	if (ret)
		return ret;
	/* written before the tree takes its place, so that a kept tree always names its commit */
	ret = write_marks(k, tree, err);
	if (ret)
		return ret;
	ret = lock_lineage(env, name, &fd, err);
	if (ret)
		return ret;
	ret = kernel_tree_keep(tree, kept, err);
	close(fd);
	return ret;
}

/* ---- a tree that git knows nothing of ---- */

/* More files than these differ: it is another version, and little of what is built would serve. */
#define MAX_DIFFERENT 1000

/* Runs git on the files in @kept and an index beside @tree, as if they had been checked out of the
 * repository. */
static int compare_git(const struct kernel_keys *k, const char *kept, const char *tree,
		       const char *const *args, struct strbuf *out, struct error *err)
{
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", k->source.place);
	__cleanup_free char *work_tree = xasprintf("GIT_WORK_TREE=%s", kept);
	__cleanup_free char *index = xasprintf("GIT_INDEX_FILE=%s.compared", tree);
	const char *const env[] = {repository, work_tree, index, NULL};
	struct git_command cmd = {.dir = kept, .args = args, .env = env};

	return git_run(&cmd, NULL, out, err);
}

/* What would have git trust anything but the files' bytes and modes is switched off. So is what would have it doubt
 * them: the files' times of change, which move whenever another build makes or drops hard links to them. */
#define COMPARE                                                                                    \
	"-c", "core.trustctime=false", "-c", "core.bare=false", "-c", "core.autocrlf=false", "-c", \
		"core.fileMode=true", "-c", "core.symlinks=true", "-c", "core.fsmonitor=false",    \
		"-c", "core.sparseCheckout=false"

/* The files of the commit that @kept lacks or has otherwise, and those that are in @kept alone, generated
 * ones among them. Only reads in @kept. */
static int compare_files(const struct kernel_keys *k, const char *kept, const char *tree,
			 struct strbuf *different, struct strbuf *others, struct error *err)
{
	const char *const read[] = {COMPARE, "read-tree", k->source.commit, NULL};
	const char *const refresh[] = {COMPARE, "update-index", "-q", "--refresh", NULL};
	const char *const differ[] = {COMPARE, "diff-files", "--name-only", "-z", NULL};
	const char *const list[] = {COMPARE, "ls-files", "--others", "-z", NULL};
	int ret = compare_git(k, kept, tree, read, NULL, err);

	if (!ret)
		ret = compare_git(k, kept, tree, refresh, NULL, err);
	if (!ret)
		ret = compare_git(k, kept, tree, differ, different, err);
	if (!ret)
		ret = compare_git(k, kept, tree, list, others, err);
	return ret;
}

/* Appends to @gone those of @others, which the commit does not have, that make did not generate. */
static int find_gone(const struct strbuf *others, const char *tree, struct strbuf *gone,
		     struct error *err)
{
	for (const char *n = NULL; (n = next_name(others, n));) {
		bool generated;
		int ret = kernel_tree_is_generated(tree, n, &generated, err);

		if (ret)
			return ret;
		if (!generated)
			strbuf_add(gone, n, strlen(n) + 1);
	}
	return 0;
}

static size_t count_names(const struct strbuf *names)
{
	size_t count = 0;

	for (const char *n = NULL; (n = next_name(names, n));)
		count++;
	return count;
}

/* The kept tree is copied only when it is known to serve. */
static int begin_from(const struct kernel_keys *k, const char *kept, const struct strbuf *different,
		      const struct strbuf *gone, const char *tree, struct error *err)
{
	int ret = kernel_tree_copy(kept, tree, err);

	if (ret)
		return ret;
	/* what differs is replaced: a file may be a link or a folder in the commit */
	ret = remove_files(different, tree, err);
	if (ret)
		return ret;
	return change_files(k, gone, different, tree, err);
}

int kernel_lineage_begin(const struct kernel_keys *k, const char *kept, const char *tree,
			 bool *taken, bool *config_may_differ, struct error *err)
{
	struct strbuf different = STRBUF_INIT, others = STRBUF_INIT, gone = STRBUF_INIT;
	int ret = compare_files(k, kept, tree, &different, &others, err);

	*taken = false;
	if (!ret)
		ret = find_gone(&others, kept, &gone, err);
	if (ret || count_names(&different) + count_names(&gone) > MAX_DIFFERENT)
		goto out;
	ret = begin_from(k, kept, &different, &gone, tree, err);
	*taken = !ret;
	*config_may_differ = has_config_path(&different) || has_config_path(&gone);
out:
	strbuf_release(&different);
	strbuf_release(&others);
	strbuf_release(&gone);
	return ret;
}
