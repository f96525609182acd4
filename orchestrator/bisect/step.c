// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/step.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"

/* The candidates of one call of bisect_test(). */
struct batch {
	struct bisect_session *s;
	const char *const *ids;
	size_t n;
	enum bisect_verdict *verdicts;
	struct bisect_built *built;
	double started;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void bisect_built_free(struct bisect_built *b)
{
	free(b->why);
	free(b->variant);
	free(b->key);
	free(b->sha256);
	*b = (struct bisect_built){0};
}

/* ---- steps ---- */

const struct results_bisect_step *bisect_find_step(const struct bisect_session *s, const char *id)
{
	for (size_t i = 0; i < s->nsteps; i++)
		if (!strcmp(s->steps[i].candidate, id))
			return &s->steps[i];
	return NULL;
}

static const struct results_bisect_step *find_bytes(const struct bisect_session *s,
						    const char *sha256)
{
	for (size_t i = 0; i < s->nsteps; i++)
		if (*sha256 && !strcmp(s->steps[i].bzimage_sha256, sha256))
			return &s->steps[i];
	return NULL;
}

/* Stores a verdict, first in the database; @pos may be NULL. */
static int record(struct bisect_session *s, const char *id, const struct bisect_built *b,
		  enum bisect_verdict v, const struct bisect_position *pos, int boots,
		  double seconds, const char *why, struct error *err)
{
	struct results_bisect_step step = {
		.candidate = xstrdup(id),
		.kernel_key = xstrdup(b->key ? b->key : ""),
		.bzimage_sha256 = xstrdup(b->sha256 ? b->sha256 : ""),
		.verdict = xstrdup(bisect_verdict_name(v)),
		.position = pos ? pos->at : NAN,
		.low = pos ? pos->low : NAN,
		.high = pos ? pos->high : NAN,
		.boots = boots,
		.seconds = seconds,
		.why = xstrdup(why),
	};
	int ret = results_bisect_add_step(s->db, s->id, &step, err);

	if (ret) {
		results_bisect_step_free(&step);
		return ret;
	}
	s->steps = xrealloc(s->steps, s->nsteps + 1, sizeof(*s->steps));
	s->steps[s->nsteps++] = step;
	if (s->on_step)
		s->on_step(s->arg, &s->steps[s->nsteps - 1]);
	return 0;
}

static int decide(struct batch *b, size_t i, enum bisect_verdict v,
		  const struct bisect_position *pos, int boots, const char *why, struct error *err)
{
	b->verdicts[i] = v;
	return record(b->s, b->ids[i], &b->built[i], v, pos, boots, now() - b->started, why, err);
}

/* ---- boots ---- */

static bool is_guest_class(enum results_class c)
{
	return c == RESULTS_GUEST || c == RESULTS_INTEGRITY || c == RESULTS_JOB;
}

static int count_failures(const struct results_tally *t, bool guest)
{
	int n = 0;

	for (int c = RESULTS_OK + 1; c < RESULTS_CANCELLED; c++)
		if (is_guest_class(c) == guest)
			n += t->boots[c];
	return n;
}

/* What a kernel still needs: boots first .. first + count - 1. */
struct need {
	int first, count;
	bool served;
	bool known;	  /* old_failures is set */
	int old_failures; /* for the host, before we came: what was wrong then may be mended */
};

static int host_trouble(int failures, const char *text, struct error *err)
{
	return error_set(err, -EAGAIN,
			 "the host failed in %d boots of one kernel, the last time with: %s; once "
			 "that is mended, nestlab bisect --resume goes on",
			 failures, text);
}

static int find_need(struct bisect_session *s, const char *session, const struct bisect_built *b,
		     int boots, struct need *need, char **failed, struct error *err)
{
	struct results_tally t;
	int ret = results_tally_boots(s->db, session, b->key, &t, err);
	int guest = count_failures(&t, true), host = count_failures(&t, false);

	if (!ret && need->served && t.last < need->first)
		ret = error_set(err, -EIO, "boot %d of kernel %.12s was made, but not stored",
				need->first, b->key);
	if (!need->known)
		need->old_failures = host;
	*need = (struct need){
		.first = t.last + 1,
		.count = boots - t.boots[RESULTS_OK],
		.known = true,
		.old_failures = need->old_failures,
	};
	host -= need->old_failures;
	if (!ret && need->count > 0 && guest >= s->limits.guest_failures) {
		need->count = 0;
		*failed = xasprintf("%d boots failed: %s", guest, t.error);
	} else if (!ret && need->count > 0 && host >= s->limits.host_failures) {
		ret = host_trouble(host, t.error, err);
	}
	free(t.error);
	return ret;
}

/* Makes the boots of all kernels that need the same ones as kernel @from does, in one go. */
static int serve(struct bisect_session *s, const char *session,
		 const struct bisect_built *const *kernels, struct need *needs, size_t n,
		 size_t from, struct error *err)
{
	const struct bisect_built **group = xcalloc(n, sizeof(*group));
	uint64_t offset = strcmp(session, s->session) ? BISECT_FRESH_SEEDS : 0;
	size_t count = 0;
	int ret;

	for (size_t i = from; i < n; i++) {
		if (needs[i].served || needs[i].count <= 0 || needs[i].first != needs[from].first ||
		    needs[i].count != needs[from].count)
			continue;
		needs[i].served = true;
		group[count++] = kernels[i];
	}
	ret = s->lab.boot(s->lab.arg, session, group, count, needs[from].first, needs[from].count,
			  offset, err);
	s->boots_made += count * needs[from].count;
	free(group);
	return ret;
}

int bisect_fill_boots(struct bisect_session *s, const char *session,
		      const struct bisect_built *const *kernels, size_t n, int boots, char **failed,
		      struct error *err)
{
	struct need *needs = xcalloc(n, sizeof(*needs));
	bool more = true;
	int ret = 0;

	while (!ret && more) {
		more = false;
		for (size_t i = 0; !ret && i < n; i++) {
			if (!failed[i])
				ret = find_need(s, session, kernels[i], boots, &needs[i],
						&failed[i], err);
			if (failed[i])
				needs[i].count = 0;
		}
		for (size_t i = 0; !ret && i < n; i++) {
			if (needs[i].served || needs[i].count <= 0)
				continue;
			more = true;
			ret = serve(s, session, kernels, needs, n, i, err);
		}
	}
	free(needs);
	return ret;
}

int bisect_looks(const struct bisect_limits *l)
{
	int looks = 1;

	for (int boots = l->boots; boots < l->max_boots; boots *= 2)
		looks++;
	return looks;
}

int bisect_boots_at_look(const struct bisect_limits *l, int look)
{
	int boots = l->boots;

	while (--look > 0 && boots < l->max_boots)
		boots *= 2;
	return boots < l->max_boots ? boots : l->max_boots;
}

/* ---- the ends ---- */

/* One after the other: the bad end is built from the tree of the good one, where that can be. */
static int build_ends(struct bisect_session *s, struct error *err)
{
	const char *const ids[] = {s->good, s->bad};
	static const char *const names[] = {"good", "bad"};
	int ret = 0;

	for (int i = 0; !ret && i < 2; i++) {
		ret = s->lab.build(s->lab.arg, &ids[i], 1, &s->built[i], err);
		if (!ret && s->built[i].why)
			ret = error_set(err, -ENOEXEC, "the %s end, %s, does not build: %s",
					names[i], ids[i], s->built[i].why);
	}
	if (!ret && !strcmp(s->built[0].sha256, s->built[1].sha256))
		ret = error_set(err, -EDOM,
				"the ends are the same kernel, byte for byte (bzImage %.12s)",
				s->built[0].sha256);
	return ret;
}

static int boot_ends(struct bisect_session *s, int boots, struct error *err)
{
	const struct bisect_built *const kernels[] = {&s->built[0], &s->built[1]};
	static const char *const names[] = {"good", "bad"};
	char *failed[2] = {NULL, NULL};
	int ret = bisect_fill_boots(s, s->session, kernels, 2, boots, failed, err);

	for (int i = 0; i < 2; i++) {
		if (!ret && failed[i])
			ret = error_set(err, -ENOEXEC, "the %s end cannot be measured: %s",
					names[i], failed[i]);
		free(failed[i]);
	}
	return ret;
}

static int refuse(const struct bisect_session *s, int boots, struct error *err)
{
	__cleanup_free char *numbers = bisect_ratio_text(&s->between);

	return error_set(err, -EDOM,
			 "the ends do not differ beyond doubt: good %.6g, bad %.6g %s, %s, in %d "
			 "boots each",
			 s->between.base_median, s->between.new_median, s->between.unit, numbers,
			 boots);
}

/* *boots: of each end, when they were judged. */
static int compare_ends(struct bisect_session *s, int *boots, struct error *err)
{
	int looks = bisect_looks(&s->limits), ret = 0;

	for (int look = 1; !ret && look <= looks; look++) {
		*boots = bisect_boots_at_look(&s->limits, look);
		ret = boot_ends(s, *boots, err);
		ret = ret ? ret
			  : s->lab.compare(s->lab.arg, s->session, s->built[0].key, s->built[1].key,
					   looks, &s->between, err);
		if (!ret && s->between.verdict != VERDICT_INCONCLUSIVE)
			break;
	}
	if (!ret && !bisect_differs(&s->between))
		ret = refuse(s, *boots, err);
	s->ends.ratio = s->between.ratio;
	return ret ? ret : bisect_border(s->ends.ratio, s->limits.threshold, &s->ends.border, err);
}

static int record_ends(struct bisect_session *s, int boots, double seconds, struct error *err)
{
	static const struct bisect_position at[] = {{0, 0, 0}, {1, 1, 1}};
	__cleanup_free char *why = bisect_ratio_text(&s->between);
	int ret = 0;

	if (!bisect_find_step(s, s->good))
		ret = record(s, s->good, &s->built[0], BISECT_GOOD, &at[0], boots, seconds,
			     "the good end", err);
	if (!ret && !bisect_find_step(s, s->bad))
		ret = record(s, s->bad, &s->built[1], BISECT_BAD, &at[1], boots, seconds, why, err);
	return ret;
}

int bisect_check_ends(struct bisect_session *s, struct error *err)
{
	double started = now();
	int boots = 0, ret = results_bisect_steps(s->db, s->id, &s->steps, &s->nsteps, err);

	ret = ret ? ret : build_ends(s, err);
	ret = ret ? ret : compare_ends(s, &boots, err);
	return ret ? ret : record_ends(s, boots, now() - started, err);
}

void bisect_session_release(struct bisect_session *s)
{
	results_bisect_steps_free(s->steps, s->nsteps);
	bisect_built_free(&s->built[0]);
	bisect_built_free(&s->built[1]);
}

/* ---- one batch ---- */

static void take_stored(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct results_bisect_step *step = bisect_find_step(b->s, b->ids[i]);

		b->verdicts[i] = step ? bisect_verdict_parse(step->verdict) : BISECT_UNTESTED;
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

static int build_batch(struct batch *b, struct error *err)
{
	struct bisect_built *built = xcalloc(b->n, sizeof(*built));
	const char **ids = xcalloc(b->n, sizeof(*ids));
	size_t *at = xcalloc(b->n, sizeof(*at));
	size_t n = list_untested(b, at);
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		ids[i] = b->ids[at[i]];
	if (n)
		ret = b->s->lab.build(b->s->lab.arg, ids, n, built, err);
	for (size_t i = 0; i < n; i++) {
		b->built[at[i]] = built[i];
		if (!ret && built[i].why)
			ret = decide(b, at[i], BISECT_SKIP, NULL, 0, built[i].why, err);
	}
	free(built);
	free(ids);
	free(at);
	return ret;
}

/* Verdicts for those whose bytes were judged already. */
static int take_twins(struct batch *b, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < b->n; i++) {
		const struct results_bisect_step *twin;
		struct bisect_position pos;

		if (b->verdicts[i] != BISECT_UNTESTED)
			continue;
		twin = find_bytes(b->s, b->built[i].sha256);
		if (twin) {
			__cleanup_free char *why =
				xasprintf("the same bzImage as %s", twin->candidate);

			pos = (struct bisect_position){twin->position, twin->low, twin->high};
			ret = decide(b, i, bisect_verdict_parse(twin->verdict), &pos, 0, why, err);
		}
	}
	return ret;
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

static int judge_one(struct batch *b, size_t i, int look, int looks, struct error *err)
{
	struct bisect_session *s = b->s;
	struct bisect_ratio to_good, to_bad;
	struct bisect_position pos;
	enum bisect_verdict v;
	__cleanup_free char *numbers = NULL;
	__cleanup_free char *why = NULL;
	int ret = s->lab.compare(s->lab.arg, s->session, s->built[0].key, b->built[i].key, looks,
				 &to_good, err);

	ret = ret ? ret
		  : s->lab.compare(s->lab.arg, s->session, s->built[1].key, b->built[i].key, looks,
				   &to_bad, err);
	if (ret == -ENODATA)
		return decide(b, i, BISECT_SKIP, NULL, 0, err->text, err);
	if (ret)
		return ret;
	pos = bisect_locate(&s->ends, &to_good, &to_bad);
	v = bisect_judge(&s->ends, &pos);
	if (v == BISECT_UNTESTED && look < looks)
		return 0; /* more boots */
	numbers = bisect_ratio_text(&to_good);
	why = xasprintf("%.6g %s, %s of good; %s", to_good.new_median, to_good.unit, numbers,
			v == BISECT_UNTESTED ? "not sure which end it is nearer" : "sure");
	return decide(b, i, v == BISECT_UNTESTED ? BISECT_SKIP : v, &pos,
		      bisect_boots_at_look(&s->limits, look), why, err);
}

/* Boots what is undecided; from the second look on the ends too, which every step is held against. */
static int boot_batch(struct batch *b, const size_t *at, size_t n, int look, struct error *err)
{
	struct bisect_session *s = b->s;
	const struct bisect_built **kernels = xcalloc(n + 2, sizeof(*kernels));
	char **failed = xcalloc(n + 2, sizeof(*failed));
	size_t count = n + (look > 1 ? 2 : 0);
	int ret;

	for (size_t i = 0; i < n; i++)
		kernels[i] = &b->built[at[i]];
	kernels[n] = &s->built[0];
	kernels[n + 1] = &s->built[1];
	ret = bisect_fill_boots(s, s->session, kernels, count,
				bisect_boots_at_look(&s->limits, look), failed, err);
	for (size_t i = 0; i < n; i++)
		if (!ret && failed[i])
			ret = decide(b, at[i], BISECT_SKIP, NULL, 0, failed[i], err);
	for (size_t i = 0; i < count; i++)
		free(failed[i]);
	free(failed);
	free(kernels);
	return ret;
}

static int measure_batch(struct batch *b, struct error *err)
{
	int looks = bisect_looks(&b->s->limits), ret = 0;
	size_t *at = xcalloc(b->n, sizeof(*at));

	for (int look = 1; !ret && look <= looks; look++) {
		size_t n = 0;

		for (size_t i = 0; i < b->n; i++)
			if (b->verdicts[i] == BISECT_UNTESTED && !is_twin_of_earlier(b, i))
				at[n++] = i;
		if (!n)
			break;
		ret = boot_batch(b, at, n, look, err);
		for (size_t i = 0; !ret && i < n; i++)
			if (b->verdicts[at[i]] == BISECT_UNTESTED)
				ret = judge_one(b, at[i], look, looks, err);
	}
	free(at);
	return ret;
}

int bisect_test(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		struct error *err)
{
	struct batch b = {.s = arg, .ids = ids, .n = n, .verdicts = verdicts, .started = now()};
	int ret;

	b.built = xcalloc(n, sizeof(*b.built));
	take_stored(&b);
	ret = build_batch(&b, err);
	ret = ret ? ret : take_twins(&b, err);
	ret = ret ? ret : measure_batch(&b, err);
	ret = ret ? ret : take_twins(&b, err);
	for (size_t i = 0; i < n; i++)
		bisect_built_free(&b.built[i]);
	free(b.built);
	return ret;
}
