// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/confirm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/bisect/ends.h"
#include "orchestrator/bisect/rate.h"

/* The kernels that are tested again. Without a revert only the first two are. */
enum { PARENT, CULPRIT, BAD, REVERT, KERNELS };
#define KERNELS_WITHOUT_REVERT (CULPRIT + 1)

/* The boots have another session and other seeds than those of the search, so that none of those is
 * counted again. */
struct confirm {
	struct bisect_session *s;
	char *session;
	const char *ids[KERNELS];
	struct bisect_built built[KERNELS];
	bool decided[KERNELS]; /* failures: which end it is like needs no more boots */
	size_t n;	       /* KERNELS or KERNELS_WITHOUT_REVERT */
};

/* A revert of the last commit is its parent: the same bytes under two names are booted once. */
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

static void drop_revert(struct confirm *c)
{
	c->n = KERNELS_WITHOUT_REVERT;
}

static int build_kernels(struct confirm *c, struct error *err)
{
	int ret = c->s->lab.build(c->s->lab.arg, c->ids, c->n, c->built, err);

	if (ret)
		return ret;
	/* a revert may apply cleanly and still not build */
	if (c->n == KERNELS && c->built[REVERT].why)
		drop_revert(c);
	for (size_t i = 0; i < c->n; i++)
		if (c->built[i].why)
			return error_set(err, -ENOEXEC, "%s does not build any more: %s", c->ids[i],
					 c->built[i].why);
	merge_twins(c);
	return 0;
}

/* Kernels that need boots, without their twins; returns how many. */
static size_t list_open(const struct confirm *c, const struct bisect_built **kernels)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		size_t j = 0;

		while (j < n && strcmp(kernels[j]->key, c->built[i].key))
			j++;
		if (j == n && !c->decided[i])
			kernels[n++] = &c->built[i];
	}
	return n;
}

static int boot_kernels(struct confirm *c, int boots, struct error *err)
{
	const struct bisect_built *kernels[KERNELS];
	char *failed[KERNELS] = {NULL};
	const struct bisect_boots b = {
		.session = c->session,
		.kernels = kernels,
		.n = list_open(c, kernels),
		.wanted = boots,
		.failed = failed,
	};
	int ret = 0;

	if (c->s->hunt) /* which are what these kernels are compared with */
		ret = bisect_boot_ends(c->s, boots, err);
	if (ret)
		return ret;
	ret = bisect_fill_boots(c->s, &b, err);
	for (size_t i = 0; i < b.n; i++) {
		/* a revert may build and still not run */
		if (!ret && failed[i] && kernels[i] == &c->built[REVERT])
			drop_revert(c);
		else if (!ret && failed[i])
			ret = error_set(err, -ENODATA, "%s", failed[i]);
		free(failed[i]);
	}
	return ret;
}

/* Fresh boots of one kernel by themselves: which end are they like? */
static int find_side(struct confirm *c, int kernel, const struct bisect_rate *rate,
		     enum bisect_verdict *side, struct error *err)
{
	struct bisect_rate ends[BISECT_ENDS];

	for (int end = 0; end < BISECT_ENDS; end++) {
		int ret = bisect_count_rate(c->s, c->s->session, c->s->built[end].key, &ends[end],
					    err);

		if (ret)
			return ret;
	}
	*side = bisect_rate_find_side(&ends[BISECT_GOOD_END], &ends[BISECT_BAD_END], rate);
	c->decided[kernel] = *side != BISECT_UNTESTED;
	return 0;
}

/* Two kernels differ as the ends do if one is like the good end and the other like the bad one. */
static int judge_rates(struct confirm *c, int base, int new, struct bisect_ratio *out,
		       struct error *err)
{
	enum bisect_verdict base_side, new_side;
	int ret = find_side(c, base, &out->base_rate, &base_side, err);

	if (ret)
		return ret;
	ret = find_side(c, new, &out->new_rate, &new_side, err);
	if (ret)
		return ret;
	out->verdict = VERDICT_UNCHANGED;
	if (base_side == BISECT_UNTESTED || new_side == BISECT_UNTESTED)
		out->verdict = VERDICT_INCONCLUSIVE;
	else if (base_side == BISECT_GOOD && new_side == BISECT_BAD)
		out->verdict = c->s->between.verdict;
	return 0;
}

static int compare_pair(struct confirm *c, int base, int new, struct bisect_ratio *out,
			struct error *err)
{
	int ret = bisect_compare_kernels(c->s, c->session, c->built[base].key, c->built[new].key,
					 out, err);

	if (ret || !c->s->hunt)
		return ret;
	return judge_rates(c, base, new, out, err);
}

static bool is_same_way(const struct bisect_session *s, const struct bisect_ratio *r)
{
	return bisect_differs(r) && r->verdict == s->between.verdict;
}

/* Both pairs have to differ in the direction of the ends: a change that only the search saw, or one
 * that goes the other way, is not confirmed. */
static int boot_and_compare(struct confirm *c, int look, struct bisect_confirmation *out,
			    struct error *err)
{
	int ret = boot_kernels(c, bisect_boots_at_look(c->s, look), err);

	if (ret)
		return ret;
	ret = compare_pair(c, PARENT, CULPRIT, &out->itself, err);
	if (ret)
		return ret;
	out->confirmed = is_same_way(c->s, &out->itself);
	out->reverted = c->n == KERNELS;
	if (!out->reverted)
		return 0;
	out->confirmed = false;
	ret = compare_pair(c, REVERT, BAD, &out->revert, err);
	if (ret)
		return ret;
	out->confirmed = is_same_way(c->s, &out->itself) && is_same_way(c->s, &out->revert);
	return 0;
}

/* Can more boots decide what is not decided yet? */
static bool is_open(const struct bisect_confirmation *out)
{
	if (out->itself.verdict == VERDICT_INCONCLUSIVE)
		return true;
	return out->reverted && out->revert.verdict == VERDICT_INCONCLUSIVE;
}

static void describe_ratios(struct bisect_confirmation *out)
{
	__cleanup_free char *itself = bisect_ratio_text(&out->itself);
	__cleanup_free char *revert = NULL;

	if (out->reverted) {
		revert = bisect_ratio_text(&out->revert);
		snprintf(
			out->text, sizeof(out->text),
			"in new boots: %s compared with the candidate before it; the bad end is %s compared with the bad end without it",
			itself, revert);
		return;
	}
	snprintf(
		out->text, sizeof(out->text),
		"in new boots: %s compared with the candidate before it; it could not be tested by a revert",
		itself);
}

static void describe_rates(struct bisect_confirmation *out)
{
	int len =
		snprintf(out->text, sizeof(out->text),
			 "in new boots: it fails in %u of %u, the candidate before it in %u of %u",
			 out->itself.new_rate.failed, out->itself.new_rate.boots,
			 out->itself.base_rate.failed, out->itself.base_rate.boots);

	if (out->reverted)
		snprintf(out->text + len, sizeof(out->text) - len,
			 "; the bad end in %u of %u, without the culprit in %u of %u",
			 out->revert.new_rate.failed, out->revert.new_rate.boots,
			 out->revert.base_rate.failed, out->revert.base_rate.boots);
	else
		snprintf(out->text + len, sizeof(out->text) - len,
			 "; it could not be tested by a revert");
}

static void describe_confirmation(struct bisect_confirmation *out)
{
	if (out->itself.is_rate) {
		describe_rates(out);
		return;
	}
	describe_ratios(out);
}

static int confirm_culprit(struct confirm *c, struct bisect_confirmation *out, struct error *err)
{
	int looks = bisect_count_looks(c->s);
	int ret = build_kernels(c, err);

	if (ret)
		return ret;
	for (int look = 1; look <= looks; look++) {
		ret = boot_and_compare(c, look, out, err);
		if (ret)
			return ret;
		if (out->confirmed || !is_open(out))
			break;
	}
	describe_confirmation(out);
	return 0;
}

int bisect_confirm(struct bisect_session *s, const char *parent, const char *culprit,
		   const char *revert, struct bisect_confirmation *out, struct error *err)
{
	struct confirm c = {
		.s = s,
		.session = xasprintf("%s-again", s->session),
		.ids = {parent, culprit, s->bad, revert},
		.n = revert ? KERNELS : KERNELS_WITHOUT_REVERT,
	};
	int ret;

	*out = (struct bisect_confirmation){0};
	ret = confirm_culprit(&c, out, err);
	if (ret == -ENODATA || ret == -ENOEXEC) { /* this is an answer: it cannot be confirmed */
		snprintf(out->text, sizeof(out->text), "%s", err->text);
		ret = 0;
	}
	for (int i = 0; i < KERNELS; i++)
		bisect_built_free(&c.built[i]);
	free(c.session);
	return ret;
}
