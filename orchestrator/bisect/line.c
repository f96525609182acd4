// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/line.h"

#include <errno.h>
#include <stdlib.h>

#include "common/alloc.h"

struct line {
	struct bisect_space space;
	long first, good, bad; /* good < culprit <= bad */
	const char *const *names;
	bool *skipped; /* by number - first */
};

static int line_remaining(struct bisect_space *s, struct bisect_remaining *out, struct error *err)
{
	struct line *l = (struct line *)s;

	(void)err;
	out->total = l->bad - l->good;
	out->bad = xasprintf("%ld", l->bad);
	out->items = xcalloc(out->total, sizeof(*out->items));
	for (long i = l->good + 1; i < l->bad; i++)
		out->items[out->count++] = (struct bisect_candidate){
			.id = xasprintf("%ld", i),
			.reach = i - l->good,
			.skipped = l->skipped[i - l->first],
		};
	return 0;
}

static int line_mark(struct bisect_space *s, const char *id, enum bisect_verdict v,
		     struct error *err)
{
	struct line *l = (struct line *)s;
	long i = strtol(id, NULL, 10);

	(void)err;
	if (v == BISECT_SKIP)
		l->skipped[i - l->first] = true;
	else if (v == BISECT_GOOD && i > l->good && i < l->bad)
		l->good = i;
	else if (v == BISECT_BAD && i < l->bad && i > l->good)
		l->bad = i;
	return 0;
}

static char *line_parent(struct bisect_space *s, const char *id)
{
	long i = strtol(id, NULL, 10);

	return i > ((struct line *)s)->first ? xasprintf("%ld", i - 1) : NULL;
}

static char *line_describe(struct bisect_space *s, const char *id)
{
	struct line *l = (struct line *)s;
	long i = strtol(id, NULL, 10) - l->first;

	return xstrdup(l->names && i > 0 ? l->names[i - 1] : "");
}

static void line_release(struct bisect_space *s)
{
	free(((struct line *)s)->skipped);
	free(s);
}

static const struct bisect_space_ops line_ops = {
	.remaining = line_remaining,
	.mark = line_mark,
	.parent = line_parent,
	.describe = line_describe,
	.release = line_release,
};

int bisect_line_open(long first, long last, const char *const *names, struct bisect_space **space,
		     struct error *err)
{
	struct line *l;

	if (first >= last)
		return error_set(err, -EINVAL, "the good end (%ld) must come before the bad (%ld)",
				 first, last);
	l = xcalloc(1, sizeof(*l));
	*l = (struct line){
		.space.ops = &line_ops,
		.first = first,
		.good = first,
		.bad = last,
		.names = names,
		.skipped = xcalloc(last - first + 1, sizeof(bool)),
	};
	*space = &l->space;
	return 0;
}
