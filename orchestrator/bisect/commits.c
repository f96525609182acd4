// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/commits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/scratch.h"

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

/* What git is told so that what it makes is ours. */
#define MAX_ENVIRONMENT 12

struct maker {
	const char *tree;
	const char *env[MAX_ENVIRONMENT]; /* NULL-terminated */
	size_t n;
	char *owned[4]; /* those of env that are freed */
	size_t nowned;
};

static void add_variable(struct maker *m, char *variable)
{
	m->env[m->n++] = m->owned[m->nowned++] = variable;
}

static void free_maker(struct maker *m)
{
	while (m->nowned)
		free(m->owned[--m->nowned]);
}

/* The absolute path of what git calls @what in @tree: "objects", "index". The caller frees. */
static int find_git_path(const char *tree, const char *what, char **path, struct error *err)
{
	const char *const args[] = {"rev-parse", "--path-format=absolute", "--git-path", what,
				    NULL};
	const struct git_command cmd = {.dir = tree, .args = args};

	return git_line(&cmd, path, err);
}

static int make_maker(struct maker *m, const char *tree, struct error *err)
{
	__cleanup_free char *objects = NULL;
	int ret;

	*m = (struct maker){.tree = tree};
	for (; fixed_author[m->n]; m->n++)
		m->env[m->n] = fixed_author[m->n];
	if (!git_objects())
		return 0;
	ret = find_git_path(tree, "objects", &objects, err);
	if (ret)
		return ret;
	add_variable(m, xasprintf("GIT_OBJECT_DIRECTORY=%s", git_objects()));
	add_variable(m, git_alternates(objects));
	return 0;
}

/* *line may be NULL. */
static int make_with(const struct maker *m, const char *const *args, char **line, struct error *err)
{
	const struct git_command cmd = {.dir = m->tree, .args = args, .env = m->env};

	if (line)
		return git_line(&cmd, line, err);
	return git_run(&cmd, NULL, NULL, err);
}

static int commit_tree(const struct maker *m, const char *id, const char *parent,
		       const char *message, char **commit, struct error *err)
{
	const char *const args[] = {"commit-tree", id, "-p", parent, "-m", message, NULL};

	return make_with(m, args, commit, err);
}

/* *id: the tree that merging @ours and @theirs gives; NULL if they conflict. Needs no work tree. */
static int merge_tree(const struct maker *m, const char *ours, const char *theirs, char **id,
		      struct error *err)
{
	const char *const args[] = {"merge-tree", "--write-tree", ours, theirs, NULL};
	const struct git_command cmd = {.dir = m->tree, .args = args, .env = m->env};
	struct strbuf out = STRBUF_INIT;
	int status, ret = git_run(&cmd, &status, &out, err);

	*id = NULL;
	if (!ret && status > 1)
		ret = error_set(
			err, -EREMOTEIO,
			"git merge-tree in %s: exit status %d (git 2.38 or newer is needed)",
			m->tree, status);
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
	struct maker m;
	int ret = make_maker(&m, tree, err);

	*commit = NULL;
	if (!ret)
		ret = commit_tree(&m, parent, culprit, message, &undo, err);
	if (!ret)
		ret = merge_tree(&m, bad, undo, &merged, err);
	if (!ret && merged)
		ret = commit_tree(&m, merged, bad, message, commit, err);
	free_maker(&m);
	return ret;
}

/* The tree of what is checked out, by way of a copy of the index: the user's own stays as it is. The first
 * write-tree refuses a merge that has conflicts. */
static int write_checked_out(struct maker *m, const char *index, char **id, struct error *err)
{
	static const char *const write[] = {"write-tree", NULL}, *const add[] = {"add", "-u", ":/",
										 NULL};
	__cleanup_free char *users = NULL;
	int ret = find_git_path(m->tree, "index", &users, err);

	if (!ret)
		ret = fs_copy_file(users, index, err);
	if (ret)
		return ret;
	add_variable(m, xasprintf("GIT_INDEX_FILE=%s", index));
	ret = make_with(m, write, NULL, err);
	if (!ret)
		ret = make_with(m, add, NULL, err);
	if (!ret)
		ret = make_with(m, write, id, err);
	return ret;
}

static int commit_changes(struct maker *m, const char *index, const char *head, char **commit,
			  struct error *err)
{
	__cleanup_free char *name = xasprintf("%s^{tree}", head);
	const char *const args[] = {"rev-parse", name, NULL};
	__cleanup_free char *committed = NULL;
	__cleanup_free char *now = NULL;
	int ret = write_checked_out(m, index, &now, err);

	if (!ret)
		ret = make_with(m, args, &committed, err);
	if (ret)
		return ret;
	if (strcmp(now, committed))
		return commit_tree(m, now, head, "nestlab: what is checked out", commit, err);
	*commit = xstrdup(head);
	return 0;
}

int bisect_commit_checked_out(const char *tree, char **commit, struct error *err)
{
	__cleanup_free char *index = NULL;
	__cleanup_free char *head = NULL;
	struct scratch s;
	struct maker m;
	int ret = git_find_commit(tree, "HEAD", &head, err);

	*commit = NULL;
	if (ret)
		return ret;
	ret = scratch_begin(NULL, NULL, &s, err);
	if (ret)
		return ret;
	index = xasprintf("%s/index", s.dir);
	ret = make_maker(&m, tree, err);
	if (!ret)
		ret = commit_changes(&m, index, head, commit, err);
	free_maker(&m);
	scratch_end(&s);
	return ret;
}
