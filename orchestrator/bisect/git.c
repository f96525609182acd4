// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/git.h"

struct list {
	char **items;
	size_t count;
};

struct git {
	struct bisect_space space;
	const struct bisect_git_range *range;
	char *first_good, *first_bad; /* the ends */
	char *bad;		      /* earliest known */
	struct list good;
	struct list skipped;
	struct list bases; /* merge bases of the ends that are still to be tested */
};

static void list_add(struct list *l, const char *id)
{
	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = xstrdup(id);
}

static bool list_has(const struct list *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i], id))
			return true;
	return false;
}

static bool list_take(struct list *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->items[i], id))
			continue;
		free(l->items[i]);
		l->items[i] = l->items[--l->count];
		return true;
	}
	return false;
}

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct list){0};
}

/* Splits @text at newlines, in place. */
static void list_add_lines(struct list *l, char *text)
{
	char *save, *line;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		list_add(l, line);
}

/* ---- git ---- */

static int run_git(const struct git *g, const char *const *args, int *status, struct strbuf *out,
		   struct error *err)
{
	const struct git_command cmd = {.dir = g->range->tree, .args = args};

	return git_run(&cmd, status, out, err);
}

static int is_ancestor(struct git *g, const char *older, const char *newer, bool *yes,
		       struct error *err)
{
	const char *const args[] = {"merge-base", "--is-ancestor", older, newer, NULL};
	int status, ret = run_git(g, args, &status, NULL, err);

	if (ret)
		return ret;
	*yes = status == 0;
	if (status > 1)
		return error_set(err, -EREMOTEIO, "git merge-base %s %s in %s: exit status %d",
				 older, newer, g->range->tree, status);
	return 0;
}

static int merge_bases(struct git *g, const char *a, const char *b, struct list *out,
		       struct error *err)
{
	const char *const args[] = {"merge-base", "--all", a, b, NULL};
	struct strbuf text = STRBUF_INIT;
	int status, ret = run_git(g, args, &status, &text, err);

	if (!ret)
		list_add_lines(out, text.buf);
	strbuf_release(&text);
	return ret;
}

/* `git rev-list FORMAT bad ^good... -- paths` */
static int list_revisions(struct git *g, const char *format, struct strbuf *out, struct error *err)
{
	const char **args = xcalloc(g->good.count + g->range->npaths + 8, sizeof(*args));
	char **limits = xcalloc(g->good.count, sizeof(*limits));
	size_t n = 0;
	int ret;

	args[n++] = "rev-list";
	args[n++] = format;
	if (g->range->first_parent)
		args[n++] = "--first-parent";
	args[n++] = g->bad;
	for (size_t i = 0; i < g->good.count; i++)
		args[n++] = limits[i] = xasprintf("^%s", g->good.items[i]);
	args[n++] = "--";
	for (size_t i = 0; i < g->range->npaths; i++)
		args[n++] = g->range->paths[i];
	ret = run_git(g, args, NULL, out, err);
	for (size_t i = 0; i < g->good.count; i++)
		free(limits[i]);
	free(limits);
	free(args);
	return ret;
}

/* ---- the space ---- */

static long find_line(const struct list *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i], id))
			return i;
	return -1;
}

/*
 * --bisect-all tells min(reach, total - reach). Which of the two it is follows from the topological
 * order where a commit comes after everything that contains it, so that what stands before it
 * cannot be within its reach. Beside merges both can be possible. The larger is taken then: a wrong
 * reach can cost a step but does not change the answer.
 */
static long find_reach(long distance, long before, long total)
{
	if (total - distance <= total - before)
		return total - distance;
	return distance;
}

/* A line of --bisect-all: "ID (dist=N, refs...)". */
static void add_candidate(struct git *g, struct bisect_remaining *out, char *line,
			  const struct list *order)
{
	const char *dist = strstr(line, "dist=");
	char *end = strchr(line, ' ');
	long distance = 0;

	if (dist)
		distance = strtol(dist + 5, NULL, 10);
	if (end)
		*end = '\0';
	if (!strcmp(line, g->bad))
		return;
	out->items[out->count++] = (struct bisect_candidate){
		.id = xstrdup(line),
		.reach = find_reach(distance, find_line(order, line), out->total),
		.skipped = list_has(&g->skipped, line),
	};
}

static void add_candidates(struct git *g, struct bisect_remaining *out, char *all,
			   char *topological)
{
	struct list lines = {0}, order = {0};

	list_add_lines(&lines, all);
	list_add_lines(&order, topological);
	out->total = lines.count;
	out->items = xcalloc(lines.count, sizeof(*out->items));
	for (size_t i = 0; i < lines.count; i++)
		add_candidate(g, out, lines.items[i], &order);
	list_free(&lines);
	list_free(&order);
}

/* The merge bases are tested first: if one of them is bad, the range does not have the culprit. */
static void require_bases(struct git *g, struct bisect_remaining *out)
{
	out->required = true;
	out->total = g->bases.count + 1;
	out->items = xcalloc(g->bases.count, sizeof(*out->items));
	for (size_t i = 0; i < g->bases.count; i++)
		out->items[out->count++] = (struct bisect_candidate){
			.id = xstrdup(g->bases.items[i]),
			.reach = i + 1,
		};
}

/* No commit that touches the paths is left, and the bad one itself does not touch them. */
static int refuse_paths(struct git *g, struct error *err)
{
	return error_set(
		err, -EXDEV,
		"every commit that touches the given paths is as good as %s, but %s is bad: the cause is outside of these paths",
		g->range->good, g->range->bad);
}

/* git walks the history twice: --bisect-all tells the distances, and --topo-order which of two
 * reaches a distance stands for (find_reach()). */
static int git_remaining(struct bisect_space *s, struct bisect_remaining *out, struct error *err)
{
	struct git *g = (struct git *)s;
	struct strbuf all = STRBUF_INIT, topological = STRBUF_INIT;
	int ret;

	out->bad = xstrdup(g->bad);
	if (g->bases.count) {
		require_bases(g, out);
		return 0;
	}
	ret = list_revisions(g, "--bisect-all", &all, err);
	if (ret)
		goto out;
	ret = list_revisions(g, "--topo-order", &topological, err);
	if (ret)
		goto out;
	add_candidates(g, out, all.buf, topological.buf);
	if (!out->total)
		ret = refuse_paths(g, err);
out:
	strbuf_release(&all);
	strbuf_release(&topological);
	return ret;
}

static int refuse_bad_base(struct git *g, const char *base, struct error *err)
{
	return error_set(
		err, -EXDEV,
		"%s, the merge base of %s and %s, is as bad as the bad end: the good end has a fix, and no commit after the merge base made the bad end bad; to find the fix, bisect between %.12s (bad) and %s (good)",
		base, g->range->good, g->range->bad, base, g->range->good);
}

/* Is @id an ancestor of a commit that was marked good? */
static int is_behind_good(struct git *g, const char *id, bool *yes, struct error *err)
{
	int ret = 0;

	*yes = false;
	for (size_t i = 0; !ret && !*yes && i < g->good.count; i++)
		ret = is_ancestor(g, id, g->good.items[i], yes, err);
	return ret;
}

/*
 * The culprit is in the history of every bad commit. If neither of two bad commits contains the
 * other (two steps of one round on both sides of a merge), the culprit is in the history that they
 * share: if that has one tip, the tip is bad too.
 */
static int mark_bad(struct git *g, const char *id, struct error *err)
{
	struct list shared = {0};
	bool behind;
	int ret = is_behind_good(g, id, &behind, err);

	if (ret || behind)
		return ret;
	ret = merge_bases(g, id, g->bad, &shared, err);
	if (!ret && shared.count == 1)
		ret = is_behind_good(g, shared.items[0], &behind, err);
	if (!ret && shared.count == 1 && !behind) {
		free(g->bad);
		g->bad = xstrdup(shared.items[0]);
	}
	list_free(&shared);
	return ret;
}

static int git_mark(struct bisect_space *s, const char *id, enum bisect_verdict v,
		    struct error *err)
{
	struct git *g = (struct git *)s;
	bool is_base = list_take(&g->bases, id);

	switch (v) {
	case BISECT_BAD:
		/* the good end has a fix of what was bad before: this search cannot find it */
		if (is_base)
			return refuse_bad_base(g, id, err);
		return mark_bad(g, id, err);
	case BISECT_GOOD:
		list_add(&g->good, id);
		return 0;
	default:
		list_add(&g->skipped, id);
		return 0;
	}
}

/* The first parent: of a merge, the branch that it was merged into. */
static char *git_parent(struct bisect_space *s, const char *id)
{
	__cleanup_free char *name = xasprintf("%s^", id);
	char *parent;

	if (git_find_commit(((struct git *)s)->range->tree, name, &parent, NULL))
		return NULL;
	return parent;
}

static char *git_describe(struct bisect_space *s, const char *id)
{
	const char *const args[] = {"show", "-s", "--format=%s", id, NULL};
	const struct git_command cmd = {.dir = ((struct git *)s)->range->tree, .args = args};
	char *subject;

	if (git_line(&cmd, &subject, NULL))
		return xstrdup("");
	return subject;
}

static void git_release(struct bisect_space *s)
{
	struct git *g = (struct git *)s;

	list_free(&g->good);
	list_free(&g->skipped);
	list_free(&g->bases);
	free(g->first_good);
	free(g->first_bad);
	free(g->bad);
	free(g);
}

static const struct bisect_space_ops git_ops = {
	.remaining = git_remaining,
	.mark = git_mark,
	.parent = git_parent,
	.describe = git_describe,
	.release = git_release,
};

static int find_bases(struct git *g, struct error *err)
{
	const struct bisect_git_range *r = g->range;
	bool ancestor, reversed;
	int ret = is_ancestor(g, g->first_good, g->bad, &ancestor, err);

	if (ret)
		return ret;
	ret = is_ancestor(g, g->bad, g->first_good, &reversed, err);
	if (ret)
		return ret;
	if (ancestor && reversed)
		return error_set(err, -EINVAL, "%s and %s are the same commit", r->good, r->bad);
	if (ancestor)
		return 0;
	if (reversed)
		return error_set(err, -EINVAL,
				 "the bad end (%s) is an ancestor of the good end (%s): swap them",
				 r->bad, r->good);
	return merge_bases(g, g->first_good, g->bad, &g->bases, err);
}

static int check_range(struct git *g, struct error *err)
{
	const struct bisect_git_range *r = g->range;
	struct strbuf out = STRBUF_INIT;
	int ret = list_revisions(g, "--topo-order", &out, err);

	if (!ret && !out.len && r->npaths)
		ret = error_set(err, -EINVAL,
				"%s: no commit between %s and %s touches the given paths", r->tree,
				r->good, r->bad);
	else if (!ret && !out.len)
		ret = error_set(err, -EINVAL, "%s: no commit between %s and %s", r->tree, r->good,
				r->bad);
	strbuf_release(&out);
	return ret;
}

static int open_range(struct git *g, struct error *err)
{
	const struct bisect_git_range *r = g->range;
	int ret = git_find_commit(r->tree, r->good, &g->first_good, err);

	if (ret)
		return ret;
	ret = git_find_commit(r->tree, r->bad, &g->first_bad, err);
	if (ret)
		return ret;
	g->bad = xstrdup(g->first_bad);
	list_add(&g->good, g->first_good);
	ret = find_bases(g, err);
	if (ret)
		return ret;
	return check_range(g, err);
}

int bisect_git_open(const struct bisect_git_range *range, struct bisect_space **space,
		    struct error *err)
{
	struct git *g = xcalloc(1, sizeof(*g));
	int ret;

	g->space.ops = &git_ops;
	g->range = range;
	ret = open_range(g, err);
	if (ret) {
		git_release(&g->space);
		return ret;
	}
	*space = &g->space;
	return 0;
}

const char *bisect_git_good(const struct bisect_space *space)
{
	return ((const struct git *)space)->first_good;
}

const char *bisect_git_bad(const struct bisect_space *space)
{
	return ((const struct git *)space)->first_bad;
}

const char *bisect_git_first_bad(const struct bisect_space *space)
{
	return ((const struct git *)space)->bad;
}

const struct bisect_git_range *bisect_git_range(const struct bisect_space *space)
{
	return ((const struct git *)space)->range;
}
