/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git.h - a bisect space that is a range of git history, walked by git itself: merges,
 * --first-parent and path limiting mean what they mean there.
 *
 * If the good end is no ancestor of the bad end, their merge bases are tested first, as `git bisect`
 * does: a bad one means that the good end holds a fix, and the search ends with -EXDEV.
 */
#ifndef ORCHESTRATOR_BISECT_GIT_H
#define ORCHESTRATOR_BISECT_GIT_H

#include "common/strbuf.h"
#include "orchestrator/bisect/search.h"

struct bisect_git_range {	/* borrowed strings */
	const char *tree;	/* a repository or a work tree of one; objects (a revert) are added,
				 no ref and no work tree of it is touched */
	const char *good, *bad; /* anything that names a commit */
	bool first_parent;
	const char *const *paths; /* limit to commits that touch these */
	size_t npaths;
};

/* -EINVAL: no such commit, the ends are the same or the wrong way round, nothing between them. */
int bisect_git_open(const struct bisect_git_range *range, struct bisect_space **space,
		    struct error *err);

/* The full commit id of an end, as steps name it. Borrowed, valid until release(). */
const char *bisect_git_good(const struct bisect_space *space);
const char *bisect_git_bad(const struct bisect_space *space);

/* ---- a log that `git bisect replay` takes ---- */

struct bisect_git_step {
	const char *id;
	enum bisect_verdict verdict;
	const char *why; /* NULL, or one line, kept as a comment */
};
/* Marks the steps, in order, on a freshly opened @space and appends the log to @log. With
 * @culprit (may be NULL) it ends with the line that git ends it with. */
int bisect_git_log(struct bisect_space *space, const struct bisect_git_step *steps, size_t n,
		   const char *culprit, struct strbuf *log, struct error *err);

/* ---- small git helpers, shared with the lab ---- */

/* Runs git in @tree with the NULL-terminated @args; stdout without its last newline. Non-zero exit:
 * -EIO with the command in @err; with @status non-NULL it is stored there instead. */
int bisect_git_run(const char *tree, const char *const *args, int *status, struct strbuf *out,
		   struct error *err);

/* Makes a commit that is @bad with @culprit reverted, in no branch and no work tree of the user's.
 * *commit NULL if it does not revert cleanly. The caller frees. */
int bisect_git_revert(const char *tree, const char *bad, const char *culprit, char **commit,
		      struct error *err);

/* The commit of what is checked out in @tree, uncommitted changes included (`git stash create`,
 * which touches nothing). */
int bisect_git_checked_out(const char *tree, char **commit, struct error *err);

#endif
