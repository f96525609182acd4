// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/commits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"

/* Makes ids depend on nothing but content. */
static const char *const fixed_author[] = {
	"GIT_AUTHOR_NAME=nestlab",
	"GIT_AUTHOR_EMAIL=nestlab@localhost",
	"GIT_AUTHOR_DATE=@0 +0000",
	"GIT_COMMITTER_NAME=nestlab",
	"GIT_COMMITTER_EMAIL=nestlab@localhost",
	"GIT_COMMITTER_DATE=@0 +0000",
	NULL,
};

int bisect_check_tree(const char *tree, struct error *err)
{
	const char *const args[] = {"rev-parse", "--git-dir", NULL};
	const struct git_command cmd = {.dir = tree, .args = args};
	struct strbuf out = STRBUF_INIT;
	int status, ret;

	if (!fs_exists(tree))
		return error_set(err, -EINVAL, "%s: no such folder", tree);
	ret = git_run(&cmd, &status, &out, err);
	strbuf_release(&out);
	if (ret)
		return ret;
	if (status)
		return error_set(
			err, -EINVAL,
			"%s: no git repository; name a git work tree of the kernel (git clone)",
			tree);
	return 0;
}

static int commit_tree(const char *tree, const char *id, const char *parent, const char *message,
		       char **commit, struct error *err)
{
	const char *const args[] = {"commit-tree", id, "-p", parent, "-m", message, NULL};
	const struct git_command cmd = {.dir = tree, .args = args, .env = fixed_author};

	return git_line(&cmd, commit, err);
}

/* *id: the tree that merging @ours and @theirs gives; NULL if they conflict. Needs no work tree. */
static int merge_tree(const char *tree, const char *ours, const char *theirs, char **id,
		      struct error *err)
{
	const char *const args[] = {"merge-tree", "--write-tree", ours, theirs, NULL};
	const struct git_command cmd = {.dir = tree, .args = args};
	struct strbuf out = STRBUF_INIT;
	int status, ret = git_run(&cmd, &status, &out, err);

	*id = NULL;
	if (!ret && status > 1)
		ret = error_set(
			err, -EREMOTEIO,
			"git merge-tree in %s: exit status %d (git 2.38 or newer is needed)", tree,
			status);
	if (!ret && !status)
		*id = strndup(out.buf, strcspn(out.buf, "\n"));
	strbuf_release(&out);
	return ret;
}

/*
 * A revert is the three-way merge of @bad with the culprit's parent, base the culprit. git
 * merge-tree finds the base from the history, so this makes a commit on top of the culprit that
 * undoes it, and merges that with @bad: their merge base is the culprit.
 */
int bisect_commit_revert(const char *tree, const char *bad, const char *culprit, char **commit,
			 struct error *err)
{
	__cleanup_free char *message = xasprintf("nestlab: revert %s", culprit);
	__cleanup_free char *parent = xasprintf("%s^^{tree}", culprit);
	__cleanup_free char *undo = NULL;
	__cleanup_free char *merged = NULL;
	int ret = commit_tree(tree, parent, culprit, message, &undo, err);

	*commit = NULL;
	if (ret)
		return ret;
	ret = merge_tree(tree, bad, undo, &merged, err);
	if (ret || !merged)
		return ret;
	return commit_tree(tree, merged, bad, message, commit, err);
}

int bisect_commit_checked_out(const char *tree, char **commit, struct error *err)
{
	const char *const stash[] = {"stash", "create", NULL};
	const struct git_command cmd = {.dir = tree, .args = stash, .env = fixed_author};
	int ret = git_line(&cmd, commit, err);

	if (ret)
		return ret;
	if (**commit)
		return 0;
	free(*commit); /* nothing is changed */
	return git_find_commit(tree, "HEAD", commit, err);
}
