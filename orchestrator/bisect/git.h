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

#include "orchestrator/bisect/search.h"

struct bisect_git_range {	/* borrowed strings */
	const char *tree;	/* a repository or a work tree of one; objects (a revert) are added,
				 no ref and no work tree of it is touched */
	const char *good, *bad; /* anything that names a commit */
	bool first_parent;
	const char *const *paths; /* limit to commits that touch these */
	size_t npaths;
};

/* -EINVAL: no such commit, the ends are the same or the wrong way round, nothing between them; else
 * common/git.h's. @range is borrowed until release(). */
int bisect_git_open(const struct bisect_git_range *range, struct bisect_space **space,
		    struct error *err);

/* The full commit id of an end, as steps name it. Borrowed, valid until release(). */
const char *bisect_git_good(const struct bisect_space *space);
const char *bisect_git_bad(const struct bisect_space *space);

/* The earliest commit that is known to be bad: valid until the next mark. */
const char *bisect_git_first_bad(const struct bisect_space *space);
/* What it was opened with. */
const struct bisect_git_range *bisect_git_range(const struct bisect_space *space);

#endif
