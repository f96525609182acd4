// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "orchestrator/bisect/rate.h"

/* The candidates of one call of bisect_test(). Those without a verdict yet are BISECT_UNTESTED. */
struct batch {
	struct bisect_session *s;
	const char *const *ids;
	size_t n;
	enum bisect_verdict *verdicts;
	struct bisect_built *built;
	double started;
};

/* Gives candidate @i its verdict; @f has what else is known. */
static int decide_step(struct batch *b, size_t i, enum bisect_verdict verdict,
		       struct bisect_finding f, struct error *err)
{
	f.candidate = b->ids[i];
	f.built = &b->built[i];
	f.verdict = verdict;
	f.seconds = clock_seconds() - b->started;
	b->verdicts[i] = verdict;
	return bisect_record_step(b->s, &f, err);
}

static int skip_step(struct batch *b, size_t i, const char *why, struct error *err)
{
	return decide_step(b, i, BISECT_SKIP, (struct bisect_finding){.why = why}, err);
}

static void use_stored_verdicts(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct results_bisect_step *step = bisect_find_step(b->s, b->ids[i]);

		b->verdicts[i] = BISECT_UNTESTED;
		if (step)
			b->verdicts[i] = bisect_verdict_parse(step->verdict);
	}
}

/* The indices of what is untested; returns how many. */
static size_t list_untested(const struct batch *b, size_t *at)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->verdicts[i] == BISECT_UNTESTED)
			at[n++] = i;
	return n;
}

/* ---- building ---- */

/* The @n candidates at[]; their kernels are the batch's even when the lab fails in the middle. */
static int build_listed(struct batch *b, const size_t *at, size_t n, struct error *err)
{
	struct bisect_built *built = xcalloc(n, sizeof(*built));
	const char **ids = xcalloc(n, sizeof(*ids));
	int ret;

	for (size_t i = 0; i < n; i++)
		ids[i] = b->ids[at[i]];
	ret = b->s->lab.build(b->s->lab.arg, ids, n, built, err);
	for (size_t i = 0; i < n; i++)
		b->built[at[i]] = built[i];
	free(built);
	free(ids);
	return ret;
}

static int build_untested(struct batch *b, struct error *err)
{
	size_t *at = xcalloc(b->n, sizeof(*at));
	size_t n = list_untested(b, at);
	int ret = 0;

	if (n)
		ret = build_listed(b, at, n, err);
	for (size_t i = 0; !ret && i < n; i++)
		if (b->built[at[i]].why)
			ret = skip_step(b, at[i], b->built[at[i]].why, err);
	free(at);
	return ret;
}

static int use_twin(struct batch *b, size_t i, const struct results_bisect_step *twin,
		    struct error *err)
{
	__cleanup_free char *why = xasprintf("the same bzImage as %s", twin->candidate);
	const struct bisect_position at = {twin->position, twin->low, twin->high};
	const struct bisect_finding f = {.position = &at, .why = why};

	return decide_step(b, i, bisect_verdict_parse(twin->verdict), f, err);
}

/* A candidate with the same bzImage as a judged one gets the same verdict without a boot. */
static int use_twins(struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct results_bisect_step *twin;
		int ret;

		if (b->verdicts[i] != BISECT_UNTESTED)
			continue;
		twin = bisect_find_twin(b->s, b->built[i].sha256);
		if (!twin)
			continue;
		ret = use_twin(b, i, twin, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Of those with the same bytes in one batch, only the first is booted. */
static bool is_twin_of_earlier(const struct batch *b, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (b->verdicts[j] == BISECT_UNTESTED &&
		    !strcmp(b->built[j].sha256, b->built[i].sha256))
			return true;
	return false;
}

/* ---- measuring ---- */

static int compare_with_ends(struct batch *b, size_t i, struct bisect_ratio *to_good,
			     struct bisect_ratio *to_bad, struct error *err)
{
	const struct bisect_session *s = b->s;
	const char *key = b->built[i].key;
	int ret = bisect_compare_kernels(s, s->session, s->built[BISECT_GOOD_END].key, key, to_good,
					 err);

	if (ret)
		return ret;
	return bisect_compare_kernels(s, s->session, s->built[BISECT_BAD_END].key, key, to_bad,
				      err);
}

static enum bisect_verdict find_side(const struct bisect_session *s,
				     const struct bisect_ratio *to_good,
				     const struct bisect_ratio *to_bad, struct bisect_position *pos)
{
	const struct bisect_rate *good = &to_good->base_rate, *bad = &to_bad->base_rate;

	if (s->hunt) {
		*pos = bisect_rate_locate(good, bad, &to_good->new_rate);
		return bisect_rate_find_side(good, bad, &to_good->new_rate);
	}
	*pos = bisect_locate(&s->ends, to_good, to_bad);
	return bisect_find_side(&s->ends, pos);
}

/* The numbers behind a verdict; the caller frees. */
static char *explain_step(const struct bisect_ratio *to_good, const struct bisect_ratio *to_bad,
			  const char *how)
{
	__cleanup_free char *numbers = bisect_ratio_text(to_good);

	if (to_good->is_rate)
		return xasprintf("fails in %u of %u boots, good end %u of %u, bad end %u of %u; %s",
				 to_good->new_rate.failed, to_good->new_rate.boots,
				 to_good->base_rate.failed, to_good->base_rate.boots,
				 to_bad->base_rate.failed, to_bad->base_rate.boots, how);
	return xasprintf("%.6g %s, %s of good; %s", to_good->new_median, to_good->unit, numbers,
			 how);
}

/* Gives the candidate its verdict, or leaves it untested: more boots may tell. */
static int judge_step(struct batch *b, size_t i, int look, int looks, struct error *err)
{
	const struct bisect_session *s = b->s;
	struct bisect_ratio to_good, to_bad;
	struct bisect_position pos;
	enum bisect_verdict verdict;
	const char *how = "sure";
	__cleanup_free char *why = NULL;
	int ret = compare_with_ends(b, i, &to_good, &to_bad, err);

	if (ret == -ENODATA) /* it boots, but the measurement was skipped or failed */
		return skip_step(b, i, err->text, err);
	if (ret)
		return ret;
	verdict = find_side(s, &to_good, &to_bad, &pos);
	if (verdict == BISECT_UNTESTED) {
		/* more boots may decide it, so it stays untested */
		if (look < looks)
			return 0;
		verdict = BISECT_SKIP;
		how = "not sure which end is nearer";
	}
	why = explain_step(&to_good, &to_bad, how);
	return decide_step(b, i, verdict,
			   (struct bisect_finding){
				   .position = &pos,
				   .boots = bisect_boots_at_look(s, look),
				   .why = why,
			   },
			   err);
}

/* Boots the undecided steps. From the second look on the ends get more boots, too: each step is
 * compared with them, and few boots of an end limit every comparison. */
static int boot_steps(struct batch *b, const size_t *at, size_t n, int look, struct error *err)
{
	struct bisect_session *s = b->s;
	const struct bisect_built **kernels = xcalloc(n + BISECT_ENDS, sizeof(*kernels));
	struct bisect_boots boots = {
		.session = s->session,
		.kernels = kernels,
		.n = n,
		.wanted = bisect_boots_at_look(s, look),
		.failed = xcalloc(n + BISECT_ENDS, sizeof(char *)),
	};
	int ret;

	for (size_t i = 0; i < n; i++)
		kernels[i] = &b->built[at[i]];
	for (int end = 0; look > 1 && end < BISECT_ENDS; end++)
		kernels[boots.n++] = &s->built[end];
	ret = bisect_fill_boots(s, &boots, err);
	for (size_t i = 0; !ret && i < n; i++)
		if (boots.failed[i])
			ret = skip_step(b, at[i], boots.failed[i], err);
	for (size_t i = 0; i < boots.n; i++)
		free(boots.failed[i]);
	free(boots.failed);
	free(kernels);
	return ret;
}

static int look_at_steps(struct batch *b, const size_t *at, size_t n, int look, struct error *err)
{
	int ret = boot_steps(b, at, n, look, err);

	for (size_t i = 0; !ret && i < n; i++)
		if (b->verdicts[at[i]] == BISECT_UNTESTED)
			ret = judge_step(b, at[i], look, bisect_count_looks(b->s), err);
	return ret;
}

/* Each look adds boots to the steps that are still undecided (bisect_boots_at_look()). The number of looks
 * is known beforehand, since a metric's significance level is shared among them. */
static int measure_untested(struct batch *b, struct error *err)
{
	int looks = bisect_count_looks(b->s), ret = 0;
	size_t *at = xcalloc(b->n, sizeof(*at));

	for (int look = 1; look <= looks; look++) {
		size_t n = 0;

		for (size_t i = 0; i < b->n; i++)
			if (b->verdicts[i] == BISECT_UNTESTED && !is_twin_of_earlier(b, i))
				at[n++] = i;
		if (!n)
			break;
		ret = look_at_steps(b, at, n, look, err);
		if (ret)
			break;
	}
	free(at);
	return ret;
}

/* ---- one round ---- */

/* In the order of what costs least: a stored verdict, then the bytes of the build, then boots. A
 * twin within the batch is not booted; it gets its verdict at the end. */
static int test_batch(struct batch *b, struct error *err)
{
	int ret;

	use_stored_verdicts(b);
	ret = build_untested(b, err);
	if (ret)
		return ret;
	ret = use_twins(b, err); /* of earlier rounds */
	if (ret)
		return ret;
	ret = measure_untested(b, err);
	if (ret)
		return ret;
	return use_twins(b, err); /* of this one */
}

int bisect_test(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		struct error *err)
{
	struct batch b = {
		.s = arg,
		.ids = ids,
		.n = n,
		.verdicts = verdicts,
		.built = xcalloc(n, sizeof(*b.built)),
		.started = clock_seconds(),
	};
	int ret = test_batch(&b, err);

	for (size_t i = 0; i < n; i++)
		bisect_built_free(&b.built[i]);
	free(b.built);
	return ret;
}
