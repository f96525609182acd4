// SPDX-License-Identifier: GPL-2.0-only
/* Commits of our own, in no branch and no work tree of the user's. */
#include <errno.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "orchestrator/bisect/git.h"

static int commit_tree(const char *tree, const char *id, const char *parent, const char *message,
		       char **commit, struct error *err)
{
	const char *const args[] = {"commit-tree", id, "-p", parent, "-m", message, NULL};
	struct strbuf out = STRBUF_INIT;
	int ret = bisect_git_run(tree, args, NULL, &out, err);

	if (!ret)
		*commit = strbuf_detach(&out);
	strbuf_release(&out);
	return ret;
}

/* *id: the tree that merging @ours and @theirs gives; NULL if they conflict. No work tree needed. */
static int merge_tree(const char *tree, const char *ours, const char *theirs, char **id,
		      struct error *err)
{
	const char *const args[] = {"merge-tree", "--write-tree", ours, theirs, NULL};
	struct strbuf out = STRBUF_INIT;
	int status, ret = bisect_git_run(tree, args, &status, &out, err);

	*id = NULL;
	if (!ret && status > 1)
		ret = error_set(err, -EIO,
				"git merge-tree in %s: exit status %d (git 2.38 or newer "
				"is needed)",
				tree, status);
	if (!ret && !status)
		*id = strbuf_detach(&out);
	strbuf_release(&out);
	return ret;
}

/*
 * A revert is the three-way merge of @bad with the culprit's parent, base the culprit. So a commit
 * that undoes the culprit right on top of it is made, and merged with @bad: their merge base is the
 * culprit.
 */
int bisect_git_revert(const char *tree, const char *bad, const char *culprit, char **commit,
		      struct error *err)
{
	__cleanup_free char *message = xasprintf("nestlab: revert %s", culprit);
	__cleanup_free char *parent = xasprintf("%s^^{tree}", culprit);
	__cleanup_free char *undo = NULL;
	__cleanup_free char *merged = NULL;
	int ret = commit_tree(tree, parent, culprit, message, &undo, err);

	*commit = NULL;
	ret = ret ? ret : merge_tree(tree, bad, undo, &merged, err);
	if (ret || !merged)
		return ret;
	return commit_tree(tree, merged, bad, message, commit, err);
}

int bisect_git_checked_out(const char *tree, char **commit, struct error *err)
{
	const char *const stash[] = {"stash", "create", NULL};
	const char *const head[] = {"rev-parse", "--verify", "HEAD", NULL};
	struct strbuf out = STRBUF_INIT;
	int ret = bisect_git_run(tree, stash, NULL, &out, err);

	if (!ret && !out.len)
		ret = bisect_git_run(tree, head, NULL, &out, err);
	if (!ret)
		*commit = strbuf_detach(&out);
	strbuf_release(&out);
	return ret;
}
