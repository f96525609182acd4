// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the series apply to its base? Asked of the base's commit in its repository, in an index of our own,
 * or of a built tree in the cache, with a copy of just the files that the patches name. Neither is there
 * before the first build; then only git's reading of each diff is checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/git.h"
#include "common/log.h"
#include "kernels/import.h"
#include "kernels/mailinfo.h"
#include "kernels/patch.h"

/* Adds which mail it is to the message about its patch. */
static int name_patch(const struct import *i, int n, int ret, struct error *err)
{
	const struct mail *mail = i->series.patches[n];

	return error_prefix(err, ret, "%s: %d of %d, \"%s\"%s%s", i->where, n + 1, i->series.m,
			    mail->subject, *mail->message_id ? " " : "", mail->message_id);
}

/* The same for a patch that does not apply, with what may be the reason. */
static int name_refused(const struct import *i, int n, int ret, struct error *err)
{
	if (ret == -EBADMSG && i->series.patches[n]->quoted_cr)
		error_append(
			err, ret,
			"; the mail has CR LF inside base64 or quoted-printable, of which the CR is kept as git does; "
			"if the sources have none: git am --quoted-cr=strip in a work tree, then import what git format-patch makes of it");
	return name_patch(i, n, ret, err);
}

/* What a person can do about it. */
static void hint_at_base(const struct import *i, struct error *err)
{
	__cleanup_free char *made_on = thread_base_commit(&i->series);

	if (made_on)
		error_append(
			err, -EBADMSG,
			"\n  the mails say base-commit %s: name a base of that commit with --onto",
			made_on);
}

typedef int apply_patch(void *arg, int n, const char *path, struct error *err);

/* After one that does not apply the others are tried, too, and those that do not either are named with it. */
static int apply_series(const struct import *i, apply_patch *apply, void *arg, char *const *paths,
			struct error *err)
{
	struct strbuf others = STRBUF_INIT;
	int refused = 0;

	for (int n = 0; n < i->series.m; n++) {
		struct error why = {0};
		int ret = apply(arg, n, paths[n], &why);

		if (ret && ret != -EBADMSG) { /* trouble of ours says more than what was found */
			*err = why;
			refused = name_patch(i, n, ret, err);
			break;
		}
		if (ret && refused)
			strbuf_addf(&others, "%s%d", others.len ? ", " : "", n + 1);
		if (!ret || refused)
			continue;
		*err = why;
		refused = name_refused(i, n, ret, err);
	}
	if (refused == -EBADMSG && others.len)
		error_append(err, refused, "\n  without it these do not apply either, of %d: %s",
			     i->series.m, others.buf);
	if (refused == -EBADMSG)
		hint_at_base(i, err);
	strbuf_release(&others);
	return refused;
}

/* As git warns. A file that the patch adds gets the CRs. */
static void warn_of_quoted_cr(const struct import *i)
{
	for (int n = 0; n < i->series.m; n++)
		if (i->series.patches[n]->quoted_cr)
			log_warning(
				"%s: %d of %d, \"%s\": has CR LF inside base64 or quoted-printable; the CR is kept",
				i->where, n + 1, i->series.m, i->series.patches[n]->subject);
}

/* ---- what git reads in a diff ---- */

/* What `git apply @args` says to the diff; @env on top of the usual one. @complaints: why it refused. */
static int run_apply(const struct import *i, const char *const *args, const char *const *env,
		     const char *diff, int *status, struct strbuf *complaints, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/try.diff", i->scratch.dir);
	struct git_command cmd = {.dir = i->scratch.dir,
				  .args = args,
				  .env = env,
				  .stdin_path = path,
				  .complaints = complaints};
	int ret = fs_write_file(path, diff, strlen(diff), err);

	if (ret)
		return ret;
	return git_run(&cmd, status, NULL, err);
}

/* A whole repository of its own, of which a tree of sources has but an empty folder. */
static bool has_submodule(const char *diff)
{
	while (*diff) {
		size_t len = strcspn(diff, "\n");

		if (len > 6 && !strncmp(diff + len - 6, "160000", 6) &&
		    (!strncmp(diff, "new file mode ", 14) || !strncmp(diff, "index ", 6)))
			return true;
		diff += len + (diff[len] == '\n');
	}
	return false;
}

static int check_syntax(const struct import *i, const char *path, const char *diff,
			struct error *err)
{
	static const char *const args[] = {"apply", "--numstat", NULL};
	struct strbuf complaints = STRBUF_INIT;
	int status, ret = run_apply(i, args, mailinfo_env, diff, &status, &complaints, err);

	if (!ret && status)
		ret = kernel_patch_refused(basename(path), complaints.buf, err);
	else if (!ret && has_submodule(diff))
		ret = error_set(err, -EBADMSG, "patch %s changes a submodule", basename(path));
	strbuf_release(&complaints);
	return ret;
}

/* What the builder will read in the file must be what the mail has. */
static int check_written(const struct import *i, int n, const char *path, struct error *err)
{
	struct strbuf diff = STRBUF_INIT;
	int ret = patch_read(path, &diff, err);

	if (!ret && strcmp(diff.buf, i->series.patches[n]->diff))
		ret = error_set(err, -EBADMSG,
				"patch %s: its message and its diff cannot be told apart",
				basename(path));
	if (!ret)
		ret = check_syntax(i, path, diff.buf, err);
	strbuf_release(&diff);
	if (ret)
		return name_patch(i, n, ret, err);
	return 0;
}

/* ---- in a repository ---- */

struct repository {
	struct import *i;
	const char *commit;
	char *git_dir, *index, *objects, *alternates;
	const char *env[8];
	bool may_merge; /* it has the commit that the series was made on */
};

static void set_environment(struct repository *r, const struct kernel_source_id *id)
{
	const char *env[] = {"GIT_CONFIG_NOSYSTEM=1",
			     "GIT_CONFIG_GLOBAL=/dev/null",
			     NULL,
			     NULL,
			     NULL,
			     NULL,
			     NULL};

	__cleanup_free char *objects = xasprintf("%s/objects", id->place);

	r->git_dir = xasprintf("GIT_DIR=%s", id->place);
	r->index = xasprintf("GIT_INDEX_FILE=%s/index", r->i->scratch.dir);
	r->objects = xasprintf("GIT_OBJECT_DIRECTORY=%s/objects", r->i->scratch.dir);
	r->alternates = git_alternates(objects);
	memcpy(r->env, env, sizeof(env));
	r->env[2] = r->git_dir;
	r->env[3] = r->index;
	r->env[4] = r->objects;
	r->env[5] = r->alternates;
}

static int git_in(const struct repository *r, const char *const *args, struct strbuf *out,
		  struct error *err)
{
	struct git_command cmd = {.args = args, .env = r->env};

	return git_run(&cmd, NULL, out, err);
}

/* The tree that the index is now. The caller frees. */
static int write_tree(const struct repository *r, char **tree, struct error *err)
{
	static const char *const args[] = {"write-tree", NULL};
	struct git_command cmd = {.args = args, .env = r->env};

	return git_line(&cmd, tree, err);
}

static int apply_cached(const struct repository *r, const char *name, const char *diff, bool merge,
			struct error *err)
{
	const char *args[] = {"apply", "--cached", "--whitespace=nowarn", NULL, NULL};
	struct strbuf complaints = STRBUF_INIT;
	int status, ret;

	if (merge)
		args[3] = "--3way";
	ret = run_apply(r->i, args, r->env, diff, &status, &complaints, err);
	if (!ret && status)
		ret = kernel_patch_refused(name, complaints.buf, err);
	strbuf_release(&complaints);
	return ret;
}

/* Makes the difference between the two trees the mail's diff. */
static int take_difference(const struct repository *r, int n, const char *old, const char *new,
			   struct error *err)
{
	const char *const args[] = {"diff-tree",    "-p", "--binary", "--full-index",
				    "--no-renames", old,  new,	      NULL};
	struct mail *mail = (struct mail *)(uintptr_t)r->i->series.patches[n];
	struct strbuf diff = STRBUF_INIT;
	int ret = git_in(r, args, &diff, err);

	if (!ret && !diff.len)
		ret = error_set(err, -EBADMSG, "is in the base already");
	if (ret) {
		strbuf_release(&diff);
		return ret;
	}
	free(mail->diff);
	mail->diff = strbuf_detach(&diff);
	mail->diff_len = patch_length(mail->diff);
	return 0;
}

static int merge_patch(const struct repository *r, int n, const char *name, struct error *err)
{
	__cleanup_free char *old = NULL, *new = NULL;
	int ret = write_tree(r, &old, err);

	if (!ret)
		ret = apply_cached(r, name, r->i->series.patches[n]->diff, true, err);
	if (!ret)
		ret = write_tree(r, &new, err);
	if (!ret)
		ret = take_difference(r, n, old, new, err);
	if (ret)
		return ret;
	r->i->merged = true;
	log_warning(
		"%s: %d of %d, \"%s\": was made on another commit and is merged with the base's (git apply --3way)",
		r->i->where, n + 1, r->i->series.m, r->i->series.patches[n]->subject);
	return 0;
}

static int apply_or_merge(void *arg, int n, const char *path, struct error *err)
{
	const struct repository *r = arg;
	const char *name = basename(path);
	int ret = apply_cached(r, name, r->i->series.patches[n]->diff, false, err);

	if (ret == -EBADMSG && r->may_merge)
		ret = merge_patch(r, n, name, err);
	return ret;
}

/* The base's own patches. */
static int apply_base(const struct repository *r, const struct kernel_variant *base,
		      struct error *err)
{
	int ret = 0;

	for (size_t n = 0; !ret && n < base->npatches; n++) {
		struct strbuf diff = STRBUF_INIT;

		ret = patch_read(base->patches[n], &diff, err);
		if (!ret)
			ret = apply_cached(r, basename(base->patches[n]), diff.buf, false, err);
		strbuf_release(&diff);
	}
	if (ret)
		return error_prefix(err, ret, "--onto %s", base->name);
	return 0;
}

static bool has_base_commit(const struct import *i, const char *place)
{
	__cleanup_free char *wanted = thread_base_commit(&i->series);
	__cleanup_free char *found = NULL;

	if (wanted)
		git_find_commit_in(place, wanted, &found, NULL);
	return found != NULL;
}

static int try_in_index(struct repository *r, const struct kernel_variant *base, char *const *paths,
			struct error *err)
{
	const char *const args[] = {"read-tree", r->commit, NULL};
	__cleanup_free char *objects = xasprintf("%s/objects", r->i->scratch.dir);
	int ret = fs_mkdir_p(objects, err);

	if (!ret)
		ret = git_in(r, args, NULL, err);
	if (!ret)
		ret = apply_base(r, base, err);
	if (!ret)
		ret = apply_series(r->i, apply_or_merge, r, paths, err);
	return ret;
}

static int try_in_repository(struct import *i, const struct kernel_variant *base,
			     const struct kernel_source_id *id, char *const *paths,
			     struct error *err)
{
	struct repository r = {.i = i, .commit = id->commit};
	int ret;

	set_environment(&r, id);
	r.may_merge = has_base_commit(i, id->place);
	ret = try_in_index(&r, base, paths, err);
	if (!ret)
		i->tried_on = xasprintf("%.12s", id->commit);
	free(r.git_dir);
	free(r.index);
	free(r.objects);
	free(r.alternates);
	return ret;
}

/* ---- in a built tree ---- */

struct sparse { /* a copy of some files of a tree */
	const char *from, *to;
	struct error *err;
};

static int copy_path(const struct patch_path *p, void *arg)
{
	struct sparse *s = arg;
	__cleanup_free char *from = xasprintf("%s/%s", s->from, p->path);
	__cleanup_free char *to = xasprintf("%s/%s", s->to, p->path);
	__cleanup_free char *parent = strndup(to, strrchr(to, '/') - to);
	bool generated;
	int ret = kernel_tree_is_generated(s->from, p->path, &generated, s->err);

	if (ret || generated || access(from, F_OK))
		return ret;
	ret = fs_mkdir_p(parent, s->err);
	/* as a link: git apply replaces a file and does not write into it */
	if (ret || !link(from, to) || errno == EEXIST)
		return ret;
	return fs_copy_file(from, to, s->err);
}

static int copy_files_of(struct sparse *s, char *const *paths, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		struct strbuf diff = STRBUF_INIT;
		int ret = patch_read(paths[n], &diff, s->err);

		if (!ret)
			ret = patch_each_path(diff.buf, copy_path, s);
		strbuf_release(&diff);
		if (ret)
			return ret;
	}
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && !strcmp(a, b));
}

static bool same_source(const struct kernel_source *a, const struct kernel_source *b)
{
	return a->kind == b->kind && same_text(a->location, b->location) &&
	       same_text(a->sha256, b->sha256) && same_text(a->ref, b->ref);
}

/* The built tree of @v, if one is kept; else NULL. The caller frees. */
static int find_tree(const struct kernel_env *env, const struct kernel_variant *v, char **tree,
		     struct error *err)
{
	struct kernel_keys keys;
	bool found;
	int ret = kernel_keys_find(env, v, false, &keys, err);

	*tree = NULL;
	if (ret)
		return ret;
	ret = kernel_cache_lookup(env, &keys, &found, err);
	if (!ret && found)
		*tree = kernel_cache_path(env, "trees", keys.key);
	kernel_keys_free(&keys);
	if (*tree && !fs_exists(*tree)) {
		free(*tree);
		*tree = NULL;
	}
	return ret;
}

/* The base or the nearest of its bases of which a tree is kept. */
static int find_kept(const struct kernel_env *env, const struct kernel_variant *base,
		     const struct kernel_variant **kept, char **tree, struct error *err)
{
	for (*kept = base; *kept; *kept = (*kept)->parent) {
		int ret;

		if (!same_source(&(*kept)->source, &base->source))
			break;
		ret = find_tree(env, *kept, tree, err);
		if (ret || *tree)
			return ret;
	}
	return 0;
}

static int apply_to_folder(void *copy, int n, const char *path, struct error *err)
{
	char *const one[] = {(char *)(uintptr_t)path};

	(void)n;
	return kernel_patches_apply(copy, one, 1, NULL, err);
}

static int apply_to_copy(struct import *i, const struct kernel_variant *base, size_t done,
			 const char *copy, char *const *paths, struct error *err)
{
	int ret =
		kernel_patches_apply(copy, base->patches + done, base->npatches - done, NULL, err);

	if (ret)
		return error_prefix(err, ret, "--onto %s", base->name);
	return apply_series(i, apply_to_folder, (char *)(uintptr_t)copy, paths, err);
}

static int try_in_tree(struct import *i, const struct kernel_variant *base, char *const *paths,
		       struct error *err)
{
	__cleanup_free char *copy = xasprintf("%s/tree", i->scratch.dir);
	__cleanup_free char *tree = NULL;
	const struct kernel_variant *kept;
	struct sparse s = {.to = copy, .err = err};
	int ret = find_kept(i->env, base, &kept, &tree, err);

	if (ret || !tree)
		return ret;
	s.from = tree;
	ret = fs_mkdir_p(copy, err);
	if (!ret)
		ret = copy_files_of(&s, base->patches + kept->npatches,
				    base->npatches - kept->npatches);
	if (!ret)
		ret = copy_files_of(&s, paths, i->series.m);
	if (!ret)
		ret = apply_to_copy(i, base, kept->npatches, copy, paths, err);
	if (!ret)
		i->tried_on = xstrdup(kept->name);
	return ret;
}

/* ---- */

static int try_on_sources(struct import *i, const struct kernel_variant *base, char *const *paths,
			  struct error *err)
{
	struct kernel_source_id id;
	int ret = kernel_source_identify(i->env, &base->source, false, &id, err);

	/* sources that are not here, or not yet, say nothing about the series */
	if (ret == -ENOENT || ret == -EINVAL || ret == -EREMOTEIO)
		return 0;
	if (ret)
		return ret;
	if (id.commit)
		ret = try_in_repository(i, base, &id, paths, err);
	else
		ret = try_in_tree(i, base, paths, err);
	kernel_source_id_free(&id);
	return ret;
}

int import_try(struct import *i, const struct kernel_variant *base, char *const *paths,
	       struct error *err)
{
	int ret;

	for (int n = 0; n < i->series.m; n++) {
		ret = check_written(i, n, paths[n], err);
		if (ret)
			return ret;
	}
	ret = try_on_sources(i, base, paths, err);
	if (!ret)
		warn_of_quoted_cr(i);
	return ret;
}
