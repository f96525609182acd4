// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/subprocess.h"

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

int bisect_git_run(const char *tree, const char *const *args, int *status, struct strbuf *out,
		   struct error *err)
{
	/* a commit of our own gets the same id each time: a resumed bisect knows it again */
	static const char *const env[] = {"LC_ALL=C",
					  "GIT_AUTHOR_NAME=nestlab",
					  "GIT_AUTHOR_EMAIL=nestlab@localhost",
					  "GIT_AUTHOR_DATE=@0 +0000",
					  "GIT_COMMITTER_NAME=nestlab",
					  "GIT_COMMITTER_EMAIL=nestlab@localhost",
					  "GIT_COMMITTER_DATE=@0 +0000",
					  "GIT_DIR",
					  "GIT_WORK_TREE",
					  "GIT_INDEX_FILE",
					  NULL};
	struct strbuf ignored = STRBUF_INIT;
	struct subprocess sp = {.env = env, .out = out ? out : &ignored};
	const char **argv;
	size_t n = 0;
	int ret;

	while (args[n])
		n++;
	argv = xcalloc(n + 4, sizeof(*argv));
	argv[0] = "git";
	argv[1] = "-C";
	argv[2] = tree;
	memcpy(&argv[3], args, n * sizeof(*args));
	sp.argv = argv;
	ret = subprocess_run(&sp, status, err);
	if (ret)
		error_prefix(err, ret, "git %s in %s", args[0], tree);
	free(argv);
	while (sp.out->len && sp.out->buf[sp.out->len - 1] == '\n')
		sp.out->buf[--sp.out->len] = '\0';
	strbuf_release(&ignored);
	return ret;
}

static int resolve(const char *tree, const char *name, char **id, struct error *err)
{
	__cleanup_free char *spec = xasprintf("%s^{commit}", name);
	const char *const args[] = {"rev-parse",	"--verify", "--quiet",
				    "--end-of-options", spec,	    NULL};
	struct strbuf out = STRBUF_INIT;
	int status, ret = bisect_git_run(tree, args, &status, &out, err);

	*id = NULL;
	if (!ret && (status || !out.len))
		ret = error_set(err, -EINVAL, "%s: no such commit in %s", name, tree);
	if (!ret)
		*id = strbuf_detach(&out);
	strbuf_release(&out);
	return ret;
}

static int is_ancestor(struct git *g, const char *older, const char *newer, bool *yes,
		       struct error *err)
{
	const char *const args[] = {"merge-base", "--is-ancestor", older, newer, NULL};
	int status = 0, ret = bisect_git_run(g->range->tree, args, &status, NULL, err);

	*yes = status == 0;
	if (!ret && status > 1)
		ret = error_set(err, -EIO, "git merge-base %s %s in %s: exit status %d", older,
				newer, g->range->tree, status);
	return ret;
}

static int merge_bases(struct git *g, const char *a, const char *b, struct list *out,
		       struct error *err)
{
	const char *const args[] = {"merge-base", "--all", a, b, NULL};
	struct strbuf text = STRBUF_INIT;
	int status, ret = bisect_git_run(g->range->tree, args, &status, &text, err);

	if (!ret)
		list_add_lines(out, text.buf);
	strbuf_release(&text);
	return ret;
}

/* `git rev-list FORMAT bad ^good... -- paths` */
static int rev_list(struct git *g, const char *format, struct strbuf *out, struct error *err)
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
	ret = bisect_git_run(g->range->tree, args, NULL, out, err);
	for (size_t i = 0; i < g->good.count; i++)
		free(limits[i]);
	free(limits);
	free(args);
	return ret;
}

/* ---- the space ---- */

static long line_of(const struct list *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i], id))
			return i;
	return -1;
}

/*
 * --bisect-all tells min(reach, total - reach). Which of the two it is follows from the topological
 * order where a commit comes after everything that contains it, so that what stands before it cannot
 * be within its reach. Beside merges both may be possible; the larger is taken then, which can cost a
 * step but never the answer.
 */
static long reach_of(long distance, long before, long total)
{
	return total - distance <= total - before ? total - distance : distance;
}

/* A line of --bisect-all: "ID (dist=N, refs...)". */
static void add_candidate(struct git *g, struct bisect_remaining *out, char *line,
			  const struct list *order)
{
	char *dist = strstr(line, "dist=");
	long distance = dist ? strtol(dist + 5, NULL, 10) : 0;
	char *end = strchr(line, ' ');

	if (end)
		*end = '\0';
	if (!strcmp(line, g->bad))
		return;
	out->items[out->count++] = (struct bisect_candidate){
		.id = xstrdup(line),
		.reach = reach_of(distance, line_of(order, line), out->total),
		.skipped = list_has(&g->skipped, line),
	};
}

static int require_bases(struct git *g, struct bisect_remaining *out)
{
	out->required = true;
	out->total = g->bases.count + 1;
	out->items = xcalloc(g->bases.count, sizeof(*out->items));
	for (size_t i = 0; i < g->bases.count; i++)
		out->items[out->count++] = (struct bisect_candidate){
			.id = xstrdup(g->bases.items[i]),
			.reach = i + 1,
		};
	return 0;
}

/* Of all commits that touch the paths none is left, and the bad one does not touch them. */
static int outside_of_paths(struct git *g, struct error *err)
{
	return error_set(err, -EXDEV,
			 "every commit that touches the given paths is as good as %s, and %s is "
			 "bad: what made it bad is outside of these paths",
			 g->range->good, g->range->bad);
}

static int git_remaining(struct bisect_space *s, struct bisect_remaining *out, struct error *err)
{
	struct git *g = (struct git *)s;
	struct strbuf all = STRBUF_INIT, topo = STRBUF_INIT;
	struct list lines = {0}, order = {0};
	int ret;

	out->bad = xstrdup(g->bad);
	if (g->bases.count)
		return require_bases(g, out);
	ret = rev_list(g, "--bisect-all", &all, err);
	ret = ret ? ret : rev_list(g, "--topo-order", &topo, err);
	if (!ret) {
		list_add_lines(&lines, all.buf);
		list_add_lines(&order, topo.buf);
		out->total = lines.count;
		out->items = xcalloc(lines.count, sizeof(*out->items));
		for (size_t i = 0; i < lines.count; i++)
			add_candidate(g, out, lines.items[i], &order);
		if (!lines.count)
			ret = outside_of_paths(g, err);
	}
	list_free(&lines);
	list_free(&order);
	strbuf_release(&all);
	strbuf_release(&topo);
	return ret;
}

static int bad_base(struct git *g, const char *base, struct error *err)
{
	return error_set(err, -EXDEV,
			 "%s, where %s and %s part, is as bad as the bad end: the good end holds a "
			 "fix, so no commit up to the bad end made it bad; bisect between %.12s "
			 "(bad) and %s (good) for the fix",
			 base, g->range->good, g->range->bad, base, g->range->good);
}

/* Is @id an ancestor of a good one? */
static int is_behind_good(struct git *g, const char *id, bool *yes, struct error *err)
{
	int ret = 0;

	*yes = false;
	for (size_t i = 0; !ret && !*yes && i < g->good.count; i++)
		ret = is_ancestor(g, id, g->good.items[i], yes, err);
	return ret;
}

/*
 * The culprit is in the history of every bad one. Of two of which neither contains the other (two
 * steps of one round beside a merge) it is in what they share: if that has one tip, this is bad too.
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
	bool base = list_take(&g->bases, id);

	if (v == BISECT_BAD)
		return base ? bad_base(g, id, err) : mark_bad(g, id, err);
	list_add(v == BISECT_GOOD ? &g->good : &g->skipped, id);
	return 0;
}

static char *git_parent(struct bisect_space *s, const char *id)
{
	__cleanup_free char *name = xasprintf("%s^", id);
	char *parent = NULL;

	return resolve(((struct git *)s)->range->tree, name, &parent, NULL) ? NULL : parent;
}

static char *git_describe(struct bisect_space *s, const char *id)
{
	const char *const args[] = {"show", "-s", "--format=%s", id, NULL};
	struct strbuf out = STRBUF_INIT;

	bisect_git_run(((struct git *)s)->range->tree, args, NULL, &out, NULL);
	return strbuf_detach(&out);
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
	bool ancestor, reversed;
	int ret = is_ancestor(g, g->first_good, g->bad, &ancestor, err);

	ret = ret ? ret : is_ancestor(g, g->bad, g->first_good, &reversed, err);
	if (ret || ancestor)
		return !ret && reversed ? error_set(err, -EINVAL, "%s and %s are the same commit",
						    g->range->good, g->range->bad)
					: ret;
	if (reversed)
		return error_set(err, -EINVAL,
				 "the bad end (%s) is an ancestor of the good end (%s): swap them",
				 g->range->bad, g->range->good);
	return merge_bases(g, g->first_good, g->bad, &g->bases, err);
}

static int check_range(struct git *g, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	int ret = rev_list(g, "--topo-order", &out, err);

	if (!ret && !out.len)
		ret = error_set(err, -EINVAL, "%s: no commit between %s and %s%s", g->range->tree,
				g->range->good, g->range->bad,
				g->range->npaths ? " touches the given paths" : "");
	strbuf_release(&out);
	return ret;
}

int bisect_git_open(const struct bisect_git_range *range, struct bisect_space **space,
		    struct error *err)
{
	struct git *g = xcalloc(1, sizeof(*g));
	int ret;

	g->space.ops = &git_ops;
	g->range = range;
	ret = resolve(range->tree, range->good, &g->first_good, err);
	ret = ret ? ret : resolve(range->tree, range->bad, &g->first_bad, err);
	if (!ret) {
		g->bad = xstrdup(g->first_bad);
		list_add(&g->good, g->first_good);
		ret = find_bases(g, err);
	}
	ret = ret ? ret : check_range(g, err);
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

/* ---- the log ---- */

static void log_mark(struct git *g, const char *word, const char *id, const char *why,
		     struct strbuf *log)
{
	__cleanup_free char *subject = git_describe(&g->space, id);

	strbuf_addf(log, "# %s: [%s] %s\n", word, id, subject);
	if (why)
		strbuf_addf(log, "#   %s\n", why);
	strbuf_addf(log, "git bisect %s %s\n", word, id);
}

/* As git quotes: in single quotes, with ' and ! outside of them. */
static void add_quoted(struct strbuf *log, const char *text)
{
	strbuf_addstr(log, " '");
	for (; *text; text++)
		strbuf_addf(log, *text == '\'' || *text == '!' ? "'\\%c'" : "%c", *text);
	strbuf_addch(log, '\'');
}

static void log_start(struct git *g, struct strbuf *log)
{
	strbuf_addstr(log, "git bisect start");
	if (g->range->first_parent)
		add_quoted(log, "--first-parent");
	add_quoted(log, g->first_bad);
	add_quoted(log, g->first_good);
	add_quoted(log, "--");
	for (size_t i = 0; i < g->range->npaths; i++)
		add_quoted(log, g->range->paths[i]);
	strbuf_addch(log, '\n');
}

/* git believes the last bad one it is told: a bad one that narrows nothing stays a comment. */
static int log_step(struct git *g, const struct bisect_git_step *step, struct strbuf *log,
		    struct error *err)
{
	__cleanup_free char *before = xstrdup(g->bad);
	int ret = git_mark(&g->space, step->id, step->verdict, err);

	if (ret)
		return ret;
	if (step->verdict != BISECT_BAD)
		log_mark(g, bisect_verdict_name(step->verdict), step->id, step->why, log);
	else if (strcmp(before, g->bad))
		log_mark(g, "bad", g->bad, step->why, log);
	else
		strbuf_addf(log, "# bad, and known to be: [%s]\n", step->id);
	return 0;
}

/* The steps that are bad, or all the others. */
static int log_steps(struct git *g, const struct bisect_git_step *steps, size_t n, bool bad,
		     struct strbuf *log, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++)
		if ((steps[i].verdict == BISECT_BAD) == bad && strcmp(steps[i].id, g->first_good) &&
		    strcmp(steps[i].id, g->first_bad))
			ret = log_step(g, &steps[i], log, err);
	return ret;
}

/* Good ones first, as bisect_search() marks them: after a bad one git refuses a good one that contradicts
 * it. */
int bisect_git_log(struct bisect_space *space, const struct bisect_git_step *steps, size_t n,
		   const char *culprit, struct strbuf *log, struct error *err)
{
	struct git *g = (struct git *)space;
	int ret;

	log_start(g, log);
	ret = log_steps(g, steps, n, false, log, err);
	ret = ret ? ret : log_steps(g, steps, n, true, log, err);
	if (!ret && culprit) {
		__cleanup_free char *subject = git_describe(space, culprit);

		strbuf_addf(log, "# first bad commit: [%s] %s\n", culprit, subject);
	}
	return ret;
}
