// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "orchestrator/bisect/rate.h"

static const char *const end_names[] = {
	[BISECT_GOOD_END] = "good",
	[BISECT_BAD_END] = "bad",
};

/* Builds one end after the other, so that the bad end can start from the tree of the good one. */
static int build_ends(struct bisect_session *s, struct error *err)
{
	const char *const ids[] = {s->good, s->bad};

	for (int end = 0; end < BISECT_ENDS; end++) {
		int ret = s->lab.build(s->lab.arg, &ids[end], 1, &s->built[end], err);

		if (ret)
			return ret;
		if (s->built[end].why)
			return error_set(err, -ENOEXEC, "the %s end, %s, does not build: %s",
					 end_names[end], ids[end], s->built[end].why);
	}
	if (strcmp(s->built[BISECT_GOOD_END].sha256, s->built[BISECT_BAD_END].sha256))
		return 0;
	return error_set(err, -EDOM, "the ends are the same kernel, byte for byte (bzImage %.12s)",
			 s->built[BISECT_GOOD_END].sha256);
}

int bisect_boot_ends(struct bisect_session *s, int boots, struct error *err)
{
	const struct bisect_built *const kernels[] = {&s->built[BISECT_GOOD_END],
						      &s->built[BISECT_BAD_END]};
	char *failed[BISECT_ENDS] = {NULL};
	const struct bisect_boots b = {
		.session = s->session,
		.kernels = kernels,
		.n = BISECT_ENDS,
		.wanted = boots,
		.failed = failed,
	};
	int ret = bisect_fill_boots(s, &b, err);

	for (int end = 0; end < BISECT_ENDS; end++) {
		if (!ret && failed[end])
			ret = error_set(err, -ENOEXEC, "the %s end cannot be measured: %s",
					end_names[end], failed[end]);
		free(failed[end]);
	}
	return ret;
}

/* What the comparison rests on: more than were asked for now where a bisect was resumed. */
static int count_end_boots(const struct bisect_session *s, int *boots, struct error *err)
{
	for (int end = 0; end < BISECT_ENDS; end++) {
		int ret = bisect_count_boots(s, s->session, s->built[end].key, &boots[end], err);

		if (ret)
			return ret;
	}
	return 0;
}

static int compare_both(struct bisect_session *s, struct error *err)
{
	return bisect_compare_kernels(s, s->session, s->built[BISECT_GOOD_END].key,
				      s->built[BISECT_BAD_END].key, &s->between, err);
}

/* ---- by a metric ---- */

/* They differ, but by less than what matters: boots do not change that, another question does. */
static int refuse_small_difference(const struct bisect_session *s, const char *numbers,
				   struct error *err)
{
	return error_append(
		err, -EDOM,
		"they differ beyond doubt, by %s, less than %g %%: `--threshold %g` hunts it",
		numbers, s->between.smallest_effect, bisect_suggest_threshold(&s->between));
}

static int refuse_same_ends(const struct bisect_session *s, const char *numbers, struct error *err)
{
	return error_append(
		err, -EDOM,
		"they are the same to within %g %%: %s; a difference that small is not hunted without --threshold",
		s->between.smallest_effect, numbers);
}

static int refuse_ends(const struct bisect_session *s, struct error *err)
{
	__cleanup_free char *numbers = bisect_ratio_text(&s->between);
	double effect = 1 + s->between.smallest_effect / 100;
	bool small = s->between.ratio < effect && s->between.ratio > 1 / effect;
	int boots[BISECT_ENDS];
	int ret = count_end_boots(s, boots, err);

	if (ret)
		return ret;
	error_set(err, -EDOM,
		  "the ends cannot be told apart: good %.6g (%d boots), bad %.6g %s (%d boots): ",
		  s->between.base_median, boots[BISECT_GOOD_END], s->between.new_median,
		  s->between.unit, boots[BISECT_BAD_END]);
	if (small && bisect_excludes_no_change(&s->between))
		return refuse_small_difference(s, numbers, err);
	if (s->between.verdict == VERDICT_UNCHANGED)
		return refuse_same_ends(s, numbers, err);
	error_append(err, -EDOM, "they do not differ beyond doubt: %s", numbers);
	if (s->between.more_boots)
		error_append(err, -EDOM,
			     "; about %d boots more of each (--max-boots %d) may decide it",
			     s->between.more_boots, boots[BISECT_BAD_END] + s->between.more_boots);
	return -EDOM;
}

/* Can boots still turn this into ends that differ? */
static bool is_decided(const struct bisect_ratio *between)
{
	return between->verdict != VERDICT_INCONCLUSIVE || !between->more_boots;
}

/* Boots the ends until the comparison is sure, or the maximum is reached, or no boot would help. */
static int compare_numbers(struct bisect_session *s, struct error *err)
{
	int looks = bisect_count_looks(s);

	for (int look = 1; look <= looks; look++) {
		int ret = bisect_boot_ends(s, bisect_boots_at_look(s, look), err);

		if (ret)
			return ret;
		ret = compare_both(s, err);
		if (ret)
			return ret;
		if (is_decided(&s->between))
			break;
	}
	if (!bisect_differs(&s->between))
		return refuse_ends(s, err);
	s->ends.ratio = s->between.ratio;
	return bisect_find_border(s->ends.ratio, s->limits.threshold, &s->ends.border, err);
}

/* ---- by failures ---- */

static int refuse_rates(const struct bisect_session *s, struct error *err)
{
	const struct bisect_rate *good = &s->between.base_rate, *bad = &s->between.new_rate;
	int needed = bisect_rate_boots_needed(&s->between, BISECT_ALPHA);
	__cleanup_free char *what = bisect_hunt_text(s->hunt);

	error_set(err, -EDOM,
		  "%s: in %u of %u boots of the good end and in %u of %u of the bad one", what,
		  good->failed, good->boots, bad->failed, bad->boots);
	if (s->between.verdict == VERDICT_IMPROVED)
		return error_append(err, -EDOM,
				    ": the good end fails more often; are the ends swapped?");
	if (!bad->failed)
		return error_append(
			err, -EDOM,
			": the bad end has to fail; if it fails rarely, give it more boots (--max-boots)");
	error_append(err, -EDOM, ", which do not differ beyond doubt");
	if (needed)
		error_append(err, -EDOM, "; about %d boots of each (--max-boots %d) may decide it",
			     needed, needed);
	return -EDOM;
}

/* Until the way in which the bad end fails is known, any failure of it tells; afterwards only those of
 * that way do, so boots may be missing again. */
static int choose_signature(struct bisect_session *s, int boots, struct error *err)
{
	int ret;

	if (!bisect_hunt_needs_signature(s->hunt))
		return 0;
	ret = bisect_hunt_choose(s->hunt, s->db, s->session, s->built[BISECT_GOOD_END].key,
				 s->built[BISECT_BAD_END].key, boots, err);
	if (ret || !s->hunt->signature)
		return ret;
	return bisect_boot_ends(s, boots, err);
}

static void forget_signature(struct bisect_session *s)
{
	free(s->hunt->signature);
	s->hunt->signature = NULL;
}

static int look_at_rates(struct bisect_session *s, int boots, struct error *err)
{
	int ret;

	forget_signature(s);
	ret = bisect_boot_ends(s, boots, err);
	if (ret)
		return ret;
	ret = choose_signature(s, boots, err);
	if (ret)
		return ret;
	ret = compare_both(s, err);
	if (ret)
		return ret;
	/* it failed only in boots beyond those of this look: their way is not known yet */
	if (bisect_hunt_needs_signature(s->hunt) && !s->hunt->signature &&
	    s->between.verdict == VERDICT_REGRESSED)
		s->between.verdict = VERDICT_INCONCLUSIVE;
	return 0;
}

/* Where a bisect goes on that is resumed, with the look that decided or, if none had, with the last whole
 * one: the signature is chosen from its boots again. */
static int find_first_look(struct bisect_session *s, int *first, struct error *err)
{
	const struct results_bisect_step *bad = bisect_find_step(s, s->bad);
	int looks = bisect_count_looks(s), boots[BISECT_ENDS], have, ret;

	*first = 1;
	forget_signature(s);
	ret = count_end_boots(s, boots, err);
	if (ret)
		return ret;
	have = boots[BISECT_GOOD_END];
	if (boots[BISECT_BAD_END] < have)
		have = boots[BISECT_BAD_END];
	if (bad)
		have = bad->boots;
	while (*first < looks && bisect_boots_at_look(s, *first + 1) <= have)
		++*first;
	return 0;
}

/* *boots: of the look that decided, or of the last one. */
static int compare_rates(struct bisect_session *s, int *boots, struct error *err)
{
	int looks = bisect_count_looks(s), first;
	int ret = find_first_look(s, &first, err);

	if (ret)
		return ret;
	for (int look = first; look <= looks; look++) {
		*boots = bisect_boots_at_look(s, look);
		ret = look_at_rates(s, *boots, err);
		if (ret)
			return ret;
		if (s->between.verdict != VERDICT_INCONCLUSIVE)
			break;
	}
	if (s->between.verdict != VERDICT_REGRESSED)
		return refuse_rates(s, err);
	return 0;
}

/* ---- both ---- */

/* *boots: that the ends' steps are stored with. */
static int compare_ends(struct bisect_session *s, int *boots, struct error *err)
{
	int ret;

	if (s->hunt) {
		ret = compare_rates(s, &boots[BISECT_GOOD_END], err);
		boots[BISECT_BAD_END] = boots[BISECT_GOOD_END];
		return ret;
	}
	ret = compare_numbers(s, err);
	if (ret)
		return ret;
	return count_end_boots(s, boots, err);
}

/* Why the bad end is bad; the caller frees. */
static char *explain_bad_end(const struct bisect_session *s)
{
	__cleanup_free char *difference = bisect_ratio_text(&s->between);
	__cleanup_free char *what = NULL;

	if (!s->hunt)
		return xstrdup(difference);
	what = bisect_hunt_text(s->hunt);
	return xasprintf("%s (%s)", difference, what);
}

/* An end that is stored already was checked before the bisect was resumed. It is compared again, by
 * the stored boots, but not recorded twice. */
static int record_end(struct bisect_session *s, enum bisect_end_index end, struct bisect_finding *f,
		      struct error *err)
{
	static const struct bisect_position at[] = {
		[BISECT_GOOD_END] = {0, 0, 0},
		[BISECT_BAD_END] = {1, 1, 1},
	};

	if (bisect_find_step(s, f->candidate))
		return 0;
	f->built = &s->built[end];
	f->position = &at[end];
	return bisect_record_step(s, f, err);
}

static int record_ends(struct bisect_session *s, const int *boots, double seconds,
		       struct error *err)
{
	__cleanup_free char *difference = explain_bad_end(s);
	struct bisect_finding good = {
		.candidate = s->good,
		.verdict = BISECT_GOOD,
		.boots = boots[BISECT_GOOD_END],
		.seconds = seconds,
		.why = "the good end",
	};
	struct bisect_finding bad = {
		.candidate = s->bad,
		.verdict = BISECT_BAD,
		.boots = boots[BISECT_BAD_END],
		.seconds = seconds,
		.why = difference,
	};
	int ret = record_end(s, BISECT_GOOD_END, &good, err);

	if (ret)
		return ret;
	return record_end(s, BISECT_BAD_END, &bad, err);
}

int bisect_check_ends(struct bisect_session *s, struct error *err)
{
	double started = clock_seconds();
	int boots[BISECT_ENDS] = {0};
	int ret = results_bisect_steps(s->db, s->id, &s->steps, &s->nsteps, err);

	if (ret)
		return ret;
	ret = build_ends(s, err);
	if (ret)
		return ret;
	ret = compare_ends(s, boots, err);
	if (ret)
		return ret;
	return record_ends(s, boots, clock_seconds() - started, err);
}
