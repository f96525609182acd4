/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git_log.h - a bisect's steps as the log that `git bisect replay` takes.
 */
#ifndef ORCHESTRATOR_BISECT_GIT_LOG_H
#define ORCHESTRATOR_BISECT_GIT_LOG_H

#include "common/strbuf.h"
#include "orchestrator/bisect/search.h"

struct bisect_git_step {
	const char *id;
	enum bisect_verdict verdict;
	const char *why; /* NULL, or one line, kept as a comment */
};

/* Marks the steps, in order, on a freshly opened git @space (git.h) and appends the log to @log. With
 * @culprit (may be NULL) it ends with the line that git ends it with. */
int bisect_git_log(struct bisect_space *space, const struct bisect_git_step *steps, size_t n,
		   const char *culprit, struct strbuf *log, struct error *err);

#endif
