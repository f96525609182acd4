// SPDX-License-Identifier: GPL-2.0-only
/* The culprit, tested again. The boots are under a session of their own, with seeds of their own,
 * so none is an old one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/bisect/step.h"

enum { PARENT, CULPRIT, BAD, REVERT, KERNELS };

struct confirm {
	struct bisect_session *s;
	char *session;
	const char *ids[KERNELS];
	struct bisect_built built[KERNELS];
	size_t n; /* 2, or 4 with a revert */
};

/* The same bytes under two names (a revert of the last commit is its parent) are booted once. */
static void merge_twins(struct confirm *c)
{
	for (size_t i = 1; i < c->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(c->built[i].sha256, c->built[j].sha256))
				continue;
			free(c->built[i].key);
			c->built[i].key = xstrdup(c->built[j].key);
		}
	}
}

static int build(struct confirm *c, struct error *err)
{
	int ret = c->s->lab.build(c->s->lab.arg, c->ids, c->n, c->built, err);

	if (!ret && c->n > REVERT && c->built[REVERT].why)
		c->n = BAD; /* the revert applies but does not build: do without */
	for (size_t i = 0; !ret && i < c->n; i++)
		if (c->built[i].why)
			ret = error_set(err, -ENOEXEC, "%s does not build any more: %s", c->ids[i],
					c->built[i].why);
	if (!ret)
		merge_twins(c);
	return ret;
}

static int boot(struct confirm *c, int boots, struct error *err)
{
	const struct bisect_built *kernels[KERNELS];
	char *failed[KERNELS] = {NULL};
	size_t n = 0;
	int ret;

	for (size_t i = 0; i < c->n; i++) {
		size_t j = 0;

		while (j < n && strcmp(kernels[j]->key, c->built[i].key))
			j++;
		if (j == n)
			kernels[n++] = &c->built[i];
	}
	ret = bisect_fill_boots(c->s, c->session, kernels, n, boots, failed, err);
	for (size_t i = 0; i < n; i++) {
		if (!ret && failed[i] && kernels[i] == &c->built[REVERT])
			c->n = BAD; /* it reverts, but not into a kernel that runs: do without */
		else if (!ret && failed[i])
			ret = error_set(err, -ENODATA, "%s", failed[i]);
		free(failed[i]);
	}
	return ret;
}

static int compare(struct confirm *c, int base, int new, struct bisect_ratio *out,
		   struct error *err)
{
	return c->s->lab.compare(c->s->lab.arg, c->session, c->built[base].key, c->built[new].key,
				 bisect_looks(&c->s->limits), out, err);
}

static bool same_way(const struct bisect_session *s, const struct bisect_ratio *r)
{
	return bisect_differs(r) && (r->ratio > 1) == (s->between.ratio > 1);
}

static int look_again(struct confirm *c, int look, struct bisect_confirmation *out,
		      struct error *err)
{
	int ret = boot(c, bisect_boots_at_look(&c->s->limits, look), err);

	ret = ret ? ret : compare(c, PARENT, CULPRIT, &out->itself, err);
	out->reverted = c->n > REVERT;
	if (!ret && out->reverted)
		ret = compare(c, REVERT, BAD, &out->revert, err);
	out->confirmed = !ret && same_way(c->s, &out->itself) &&
			 (!out->reverted || same_way(c->s, &out->revert));
	return ret;
}

static bool is_open(const struct bisect_confirmation *out)
{
	return out->itself.verdict == VERDICT_INCONCLUSIVE ||
	       (out->reverted && out->revert.verdict == VERDICT_INCONCLUSIVE);
}

static void describe(struct bisect_confirmation *out)
{
	__cleanup_free char *itself = bisect_ratio_text(&out->itself);
	__cleanup_free char *revert = out->reverted ? bisect_ratio_text(&out->revert) : NULL;

	snprintf(out->text, sizeof(out->text), "fresh boots: %s over the one before it; %s%s",
		 itself,
		 revert ? "the bad end over itself without it: " : "no clean revert to test",
		 revert ? revert : "");
}

int bisect_confirm(struct bisect_session *s, const char *parent, const char *culprit,
		   const char *revert, struct bisect_confirmation *out, struct error *err)
{
	struct confirm c = {
		.s = s,
		.session = xasprintf("%s-again", s->session),
		.ids = {parent, culprit, s->bad, revert},
		.n = revert ? KERNELS : BAD,
	};
	int looks = bisect_looks(&s->limits);
	int ret;

	*out = (struct bisect_confirmation){0};
	ret = build(&c, err);
	for (int look = 1; !ret && look <= looks; look++) {
		ret = look_again(&c, look, out, err);
		if (out->confirmed || !is_open(out))
			break;
	}
	if (ret == -ENODATA || ret == -ENOEXEC) { /* an answer too: it cannot be confirmed */
		snprintf(out->text, sizeof(out->text), "%s", err->text);
		ret = 0;
	} else if (!ret) {
		describe(out);
	}
	for (int i = 0; i < KERNELS; i++)
		bisect_built_free(&c.built[i]);
	free(c.session);
	return ret;
}
