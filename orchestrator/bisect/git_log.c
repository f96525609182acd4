// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/git_log.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/bisect/git.h"

static void add_mark(struct bisect_space *space, const char *word, const char *id, const char *why,
		     struct strbuf *log)
{
	__cleanup_free char *subject = space->ops->describe(space, id);

	strbuf_addf(log, "# %s: [%s] %s\n", word, id, subject);
	if (why)
		strbuf_addf(log, "#   %s\n", why);
	strbuf_addf(log, "git bisect %s %s\n", word, id);
}

/* As git quotes: in single quotes, with ' and ! outside of them. */
static void add_quoted(struct strbuf *log, const char *text)
{
	strbuf_addstr(log, " '");
	for (; *text; text++) {
		if (*text == '\'' || *text == '!')
			strbuf_addf(log, "'\\%c'", *text);
		else
			strbuf_addch(log, *text);
	}
	strbuf_addch(log, '\'');
}

static void add_start(const struct bisect_space *space, struct strbuf *log)
{
	const struct bisect_git_range *range = bisect_git_range(space);

	strbuf_addstr(log, "git bisect start");
	if (range->first_parent)
		add_quoted(log, "--first-parent");
	add_quoted(log, bisect_git_bad(space));
	add_quoted(log, bisect_git_good(space));
	add_quoted(log, "--");
	for (size_t i = 0; i < range->npaths; i++)
		add_quoted(log, range->paths[i]);
	strbuf_addch(log, '\n');
}

/* git takes the last commit that is marked bad for the bad end, so a bad step that narrows nothing
 * is written as a comment. */
static int add_step(struct bisect_space *space, const struct bisect_git_step *step,
		    struct strbuf *log, struct error *err)
{
	__cleanup_free char *before = xstrdup(bisect_git_first_bad(space));
	int ret = space->ops->mark(space, step->id, step->verdict, err);
	const char *bad = bisect_git_first_bad(space);

	if (ret)
		return ret;
	if (step->verdict != BISECT_BAD)
		add_mark(space, bisect_verdict_name(step->verdict), step->id, step->why, log);
	else if (strcmp(before, bad))
		add_mark(space, "bad", bad, step->why, log);
	else
		strbuf_addf(log, "# bad, as known before: [%s]\n", step->id);
	return 0;
}

static bool is_end(const struct bisect_space *space, const char *id)
{
	return !strcmp(id, bisect_git_good(space)) || !strcmp(id, bisect_git_bad(space));
}

/* The steps that are bad, or all the others. */
static int add_steps(struct bisect_space *space, const struct bisect_git_step *steps, size_t n,
		     bool bad, struct strbuf *log, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int ret;

		if ((steps[i].verdict == BISECT_BAD) != bad || is_end(space, steps[i].id))
			continue;
		ret = add_step(space, &steps[i], log, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* The bad ones come last, as in bisect_search(): after a bad one git refuses a good one that contradicts
 * it. */
int bisect_git_log(struct bisect_space *space, const struct bisect_git_step *steps, size_t n,
		   const char *culprit, struct strbuf *log, struct error *err)
{
	int ret;

	add_start(space, log);
	ret = add_steps(space, steps, n, false, log, err);
	if (ret)
		return ret;
	ret = add_steps(space, steps, n, true, log, err);
	if (ret)
		return ret;
	if (culprit) {
		__cleanup_free char *subject = space->ops->describe(space, culprit);

		strbuf_addf(log, "# first bad commit: [%s] %s\n", culprit, subject);
	}
	return 0;
}
