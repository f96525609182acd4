/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git.h - running git: the only place that starts it.
 *
 *	const char *const args[] = {"rev-list", "--count", "HEAD", NULL};
 *	struct git_command cmd = {.dir = tree, .args = args};
 *	char *line;
 *	int ret = git_line(&cmd, &line, err);
 *
 * The environment is ours without what would point git at another repository (GIT_DIR and its like, as
 * set by a surrounding `git bisect run` or hook); messages are in English; git never asks for a
 * password. What the user's configuration says (safe.directory, proxies) stays in force.
 *
 * Errors are 0 or a negative errno, the same in all functions:
 *
 *	-ECANCELED	the user's Ctrl-C
 *	-ENOSPC, -EFBIG, -ENOMEM, -EMFILE	git said so, or was killed by a signal (-ENOMEM; not SIGABRT
 *					and SIGSEGV: git's input led to them)
 *	-ENOENT, -EAGAIN, ...		git could not be run: not installed, no process left
 *	-EACCES		the repository is another user's, and git does not trust it; the message has the remedy
 *	-EREMOTEIO	git ran and failed for another reason; the message ends with git's own
 *
 * Only the last says anything about the repository or the arguments, and it never occurs where the
 * caller asks for git's exit status.
 */
#ifndef COMMON_GIT_H
#define COMMON_GIT_H

#include "common/error.h"
#include "common/strbuf.h"

struct git_command {	 /* borrowed */
	const char *dir; /* a repository or a folder in one (git -C); NULL: this program's folder */
	const char *const *args; /* NULL-terminated: what follows "git" */
	const char *const
		*env; /* NULL, or NULL-terminated: "K=V" added, "K" removed, as in subprocess.h */
	const char *stdin_path;	   /* NULL: /dev/null */
	struct strbuf *complaints; /* NULL, or git's messages are appended */
};

/*
 * Commits of our own are kept in @dir, a folder like .git/objects, and not in the user's repository, which
 * may be somebody else's or read-only. From now on every git sees them beside its repository's. Made if
 * need be; called before threads are. git_objects(): that folder, or NULL.
 */
int git_keep_objects(const char *dir, struct error *err);
const char *git_objects(void);

/* "GIT_ALTERNATE_OBJECT_DIRECTORIES=..." for git_command.env: git sees the objects in @dir (like .git/objects),
 * too. The caller frees. */
char *git_alternates(const char *dir);

/* Appends git's output to @out (NULL: it is dropped). With @status non-NULL git's exit status is stored
 * there, and failing is no error. */
int git_run(const struct git_command *cmd, int *status, struct strbuf *out, struct error *err);

/* The first line of git's output without its newline, which the caller frees; NULL on error. */
int git_line(const struct git_command *cmd, char **line, struct error *err);

/* The full id of the commit that @name (a branch, tag, id, "HEAD^") names in @dir, which the caller
 * frees; NULL on error. -EINVAL: @dir is a repository and has no such commit. */
int git_find_commit(const char *dir, const char *name, char **commit, struct error *err);
/* The same in a git folder that was found already (rev-parse --git-common-dir). git asks again whose it is
 * if it has to look for it, and whoever trusts a work tree has not said so of its .git folder. */
int git_find_commit_in(const char *git_dir, const char *name, char **commit, struct error *err);

#endif
