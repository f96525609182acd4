// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/ddmin.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/strbuf.h"

struct ddmin {
	size_t n;    /* differences in all */
	size_t *set; /* the smallest set known to be bad: indices, ascending */
	size_t size;
	size_t parts;
	size_t parallel;
	const struct bisect_tester *tester;
};

char *bisect_set_name(const bool *flags, size_t n)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		if (flags[i])
			strbuf_addf(&sb, sb.len ? ",%zu" : "%zu", i);
	return strbuf_detach(&sb);
}

int bisect_set_parse(const char *name, bool *flags, size_t n, struct error *err)
{
	const char *p = name;

	memset(flags, 0, n * sizeof(*flags));
	while (*p) {
		char *end;
		unsigned long i = strtoul(p, &end, 10);

		if (!isdigit((unsigned char)*p) || i >= n || (*end && (*end != ',' || !end[1])))
			return error_set(err, -EINVAL,
					 "\"%s\" is not a set of differences below %zu", name, n);
		flags[i] = true;
		p = end;
		if (*p == ',')
			p++;
	}
	return 0;
}

/* Part @part of the current set, or all but it. The name of the result. */
static char *name_part(const struct ddmin *d, size_t part, bool complement)
{
	size_t from = d->size * part / d->parts, to = d->size * (part + 1) / d->parts;
	bool *flags = xcalloc(d->n, sizeof(*flags));
	char *name;

	for (size_t i = 0; i < d->size; i++)
		flags[d->set[i]] = (i >= from && i < to) != complement;
	name = bisect_set_name(flags, d->n);
	free(flags);
	return name;
}

/* Tests @n parts (or their complements) from @at on; *found: the first bad one's number, if any is. */
static int test_some_parts(struct ddmin *d, size_t at, size_t n, bool complement, size_t *found,
			   struct error *err)
{
	enum bisect_verdict *verdicts = xcalloc(n, sizeof(*verdicts));
	char **names = xcalloc(n, sizeof(*names));
	int ret;

	for (size_t i = 0; i < n; i++)
		names[i] = name_part(d, at + i, complement);
	ret = d->tester->test(d->tester->arg, (const char *const *)names, n, verdicts, err);
	for (size_t i = n; !ret && i-- > 0;)
		if (verdicts[i] == BISECT_BAD)
			*found = at + i;
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	free(verdicts);
	return ret;
}

/*
 * Tests the parts (or their complements) in order, @parallel at once, up to the first bad one.
 * *found: its number, d->parts if none is bad.
 */
static int test_parts(struct ddmin *d, bool complement, size_t *found, struct error *err)
{
	*found = d->parts;
	for (size_t at = 0; *found == d->parts && at < d->parts; at += d->parallel) {
		size_t n = d->parallel;
		int ret;

		if (n > d->parts - at)
			n = d->parts - at;
		ret = test_some_parts(d, at, n, complement, found, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Makes part @part, or all but it, the current set. */
static void reduce_set_to(struct ddmin *d, size_t part, bool complement)
{
	size_t from = d->size * part / d->parts, to = d->size * (part + 1) / d->parts;
	size_t kept = 0;

	for (size_t i = 0; i < d->size; i++)
		if ((i >= from && i < to) != complement)
			d->set[kept++] = d->set[i];
	d->size = kept;
}

/* One pass of ddmin at the current granularity. *done: the set cannot be made smaller. */
static int reduce_set(struct ddmin *d, bool *done, struct error *err)
{
	size_t found;
	int ret = test_parts(d, false, &found, err);

	if (ret)
		return ret;
	if (found < d->parts) {
		reduce_set_to(d, found, false);
		/* a part alone is bad: start over within it */
		d->parts = 2;
		return 0;
	}
	if (d->parts > 2) { /* of two parts each is the other's complement */
		ret = test_parts(d, true, &found, err);
		if (ret)
			return ret;
	}
	if (found < d->parts) {
		reduce_set_to(d, found, true);
		/* one part is not needed: go on without it at the same size of parts */
		d->parts--;
		return 0;
	}
	/* nothing can be left out at this size of parts: halve them, until each is one
	 * difference */
	*done = d->parts >= d->size;
	d->parts *= 2;
	if (d->parts > d->size)
		d->parts = d->size;
	return 0;
}

static int minimize_set(struct ddmin *d, struct error *err)
{
	bool done = false;

	while (!done && d->size > 1) {
		int ret;

		if (cancel_requested())
			return cancel_error(err);
		if (d->tester->round)
			d->tester->round(d->tester->arg, d->size, bisect_rounds_left(d->size, 1));
		ret = reduce_set(d, &done, err);
		if (ret)
			return ret;
	}
	return 0;
}

int bisect_ddmin(size_t n, size_t parallel, const struct bisect_tester *tester, char **guilty,
		 struct error *err)
{
	struct ddmin d = {.n = n, .size = n, .parts = 2, .parallel = parallel, .tester = tester};
	int ret;

	*guilty = NULL;
	d.set = xcalloc(n, sizeof(*d.set));
	for (size_t i = 0; i < n; i++)
		d.set[i] = i;
	ret = minimize_set(&d, err);
	if (!ret) {
		d.parts = 1;
		*guilty = name_part(&d, 0, false);
	}
	free(d.set);
	return ret;
}
