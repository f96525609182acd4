/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * commits.h - commits of our own on top of the user's. They are kept where git_keep_objects() says
 * (common/git.h), so the user's repository is only read. Where that was not called they are in the
 * repository, in no branch, and `git gc` removes them in time.
 */
#ifndef ORCHESTRATOR_BISECT_COMMITS_H
#define ORCHESTRATOR_BISECT_COMMITS_H

#include "common/error.h"

/* Errors: common/git.h's. */

/* Is @tree a git repository, or in one? -EINVAL: it is not, or is no folder; the message says which. */
int bisect_check_tree(const char *tree, struct error *err);

/*
 * Makes a commit that is @bad with @culprit reverted. *commit is NULL if it does not revert
 * cleanly. The same revert has the same id each time, so a resumed bisect finds the boots of the
 * first one. The caller frees.
 */
int bisect_commit_revert(const char *tree, const char *bad, const char *culprit, char **commit,
			 struct error *err);

/* The commit of what is checked out in @tree, what is changed in tracked files included: HEAD if nothing is,
 * else one that is made. The caller frees. */
int bisect_commit_checked_out(const char *tree, char **commit, struct error *err);

#endif
