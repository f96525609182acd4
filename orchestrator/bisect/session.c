// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/session.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "orchestrator/bisect/rate.h"

void bisect_built_free(struct bisect_built *b)
{
	free(b->why);
	free(b->variant);
	free(b->key);
	free(b->sha256);
	*b = (struct bisect_built){0};
}

void bisect_session_release(struct bisect_session *s)
{
	results_bisect_steps_free(s->steps, s->nsteps);
	for (int end = 0; end < BISECT_ENDS; end++)
		bisect_built_free(&s->built[end]);
}

/* Most failures come in every boot and are decided by the first few. Later one boot tells little, and two
 * keep two cores busy. */
static int boots_at_next_look(const struct bisect_session *s, int boots)
{
	if (!s->hunt)
		return boots * 2;
	if (boots < 4)
		return boots + 1;
	if (boots < 24)
		return boots + 2;
	return boots + boots / 8;
}

int bisect_count_looks(const struct bisect_session *s)
{
	int looks = 1;

	for (int boots = s->limits.boots; boots < s->limits.max_boots;
	     boots = boots_at_next_look(s, boots))
		looks++;
	return looks;
}

int bisect_boots_at_look(const struct bisect_session *s, int look)
{
	int boots = s->limits.boots;

	while (--look > 0 && boots < s->limits.max_boots)
		boots = boots_at_next_look(s, boots);
	return boots < s->limits.max_boots ? boots : s->limits.max_boots;
}

/* ---- verdicts ---- */

const struct results_bisect_step *bisect_find_step(const struct bisect_session *s, const char *id)
{
	for (size_t i = 0; i < s->nsteps; i++)
		if (!strcmp(s->steps[i].candidate, id))
			return &s->steps[i];
	return NULL;
}

const struct results_bisect_step *bisect_find_twin(const struct bisect_session *s,
						   const char *sha256)
{
	if (!*sha256) /* candidates without a kernel are not alike */
		return NULL;
	for (size_t i = 0; i < s->nsteps; i++)
		if (!strcmp(s->steps[i].bzimage_sha256, sha256))
			return &s->steps[i];
	return NULL;
}

static char *copy_or_empty(const char *text)
{
	return xstrdup(text ? text : "");
}

/* The database comes first: a verdict that is known here but not stored would be lost with the
 * process. */
int bisect_record_step(struct bisect_session *s, const struct bisect_finding *f, struct error *err)
{
	static const struct bisect_position unknown = {NAN, NAN, NAN};
	const struct bisect_position *at = f->position ? f->position : &unknown;
	struct results_bisect_step step = {
		.candidate = xstrdup(f->candidate),
		.kernel_key = copy_or_empty(f->built->key),
		.bzimage_sha256 = copy_or_empty(f->built->sha256),
		.verdict = xstrdup(bisect_verdict_name(f->verdict)),
		.position = at->at,
		.low = at->low,
		.high = at->high,
		.boots = f->boots,
		.seconds = f->seconds,
		.why = xstrdup(f->why),
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

/* ---- comparing ---- */

int bisect_count_rate(const struct bisect_session *s, const char *session, const char *key,
		      struct bisect_rate *out, struct error *err)
{
	struct bisect_counts c;
	int ret = bisect_hunt_count(s->hunt, s->db, session, key, &c, err);

	if (ret)
		return ret;
	*out = (struct bisect_rate){
		.failed = (unsigned int)c.this_way,
		.boots = (unsigned int)(c.this_way + c.passed),
	};
	free(c.error);
	return 0;
}

static int compare_rates(const struct bisect_session *s, const char *session, const char *base_key,
			 const char *new_key, struct bisect_ratio *out, struct error *err)
{
	struct bisect_rate base, new;
	int ret = bisect_count_rate(s, session, base_key, &base, err);

	if (ret)
		return ret;
	ret = bisect_count_rate(s, session, new_key, &new, err);
	if (ret)
		return ret;
	bisect_rate_compare(&base, &new, BISECT_ALPHA, out);
	return 0;
}

int bisect_compare_kernels(const struct bisect_session *s, const char *session,
			   const char *base_key, const char *new_key, struct bisect_ratio *out,
			   struct error *err)
{
	if (s->hunt)
		return compare_rates(s, session, base_key, new_key, out, err);
	return s->lab.compare(s->lab.arg, session, base_key, new_key, bisect_count_looks(s), out,
			      err);
}

/* ---- boots ---- */

/* What a kernel still needs: boots first .. first + count - 1. */
struct need {
	int first, count;
	bool served; /* they were asked of the lab */
	bool known;  /* old_host_failures is set */
	/* Boots that had failed for the host before this process started. They do not count:
	 * whoever resumed the bisect may have repaired the host. */
	int old_host_failures;
};

/* A boot of class job counts against the kernel, since another boot would end the same way (a
 * kernel without KVM, say). */
static bool is_guest_class(enum results_class c)
{
	return c == RESULTS_GUEST || c == RESULTS_INTEGRITY || c == RESULTS_JOB;
}

static int count_failures(const struct results_tally *t, bool of_guest)
{
	int n = 0;

	for (int c = RESULTS_OK + 1; c < RESULTS_CANCELLED; c++)
		if (is_guest_class(c) == of_guest)
			n += t->boots[c];
	return n;
}

/* What the boots of a kernel in a session came to. */
struct told {
	int last;    /* highest boot number */
	int telling; /* passed, or failed in the way that is looked for */
	int of_guest, of_host;
	char *error; /* of the newest that does not tell */
};

static int count_by_class(const struct bisect_session *s, const char *session, const char *key,
			  struct told *out, struct error *err)
{
	struct results_tally t;
	int ret = results_tally_boots(s->db, session, key, &t, err);

	if (ret) {
		free(t.error);
		return ret;
	}
	*out = (struct told){
		.last = t.last,
		.telling = t.boots[RESULTS_OK],
		.of_guest = count_failures(&t, true),
		.of_host = count_failures(&t, false),
		.error = t.error,
	};
	return 0;
}

static int count_by_manner(const struct bisect_session *s, const char *session, const char *key,
			   struct told *out, struct error *err)
{
	struct bisect_counts c;
	int ret = bisect_hunt_count(s->hunt, s->db, session, key, &c, err);

	if (ret)
		return ret;
	*out = (struct told){
		.last = c.last,
		.telling = c.passed + c.this_way,
		.of_guest = c.otherwise,
		.of_host = c.of_host,
		.error = c.error,
	};
	return 0;
}

static int count_told(const struct bisect_session *s, const char *session, const char *key,
		      struct told *out, struct error *err)
{
	if (s->hunt)
		return count_by_manner(s, session, key, out, err);
	return count_by_class(s, session, key, out, err);
}

int bisect_count_boots(const struct bisect_session *s, const char *session, const char *key,
		       int *boots, struct error *err)
{
	struct told t;
	int ret = count_told(s, session, key, &t, err);

	if (ret)
		return ret;
	*boots = t.telling;
	free(t.error);
	return 0;
}

/* Where many boots are wanted, more of them may fail in another way now and then. */
static int guest_failures_allowed(const struct bisect_session *s, int wanted)
{
	int allowed = s->limits.guest_failures;

	if (s->hunt && wanted / 4 > allowed)
		allowed = wanted / 4;
	return allowed;
}

/* Finds which boots a kernel still needs, given those that are stored; may set *failed. */
static int assess_need(const struct bisect_session *s, const struct told *t, int wanted,
		       struct need *need, char **failed, struct error *err)
{
	int of_host = t->of_host;

	if (!need->known)
		need->old_host_failures = of_host;
	of_host -= need->old_host_failures;
	need->known = true;
	need->served = false;
	need->first = t->last + 1;
	need->count = wanted - t->telling;
	if (need->count <= 0)
		return 0;
	if (t->of_guest >= guest_failures_allowed(s, wanted)) {
		need->count = 0;
		*failed = xasprintf("%d boots failed%s: %s", t->of_guest,
				    s->hunt ? " in another way" : "", t->error);
		return 0;
	}
	if (of_host >= s->limits.host_failures)
		return error_set(
			err, -EAGAIN,
			"the host failed in %d boots of one kernel, the last time with: %s; repair that, then continue with %s bisect --resume",
			of_host, t->error, shell_program());
	return 0;
}

static int find_need(const struct bisect_session *s, const struct bisect_boots *b, size_t i,
		     struct need *need, struct error *err)
{
	const char *key = b->kernels[i]->key;
	struct told t;
	int ret = count_told(s, b->session, key, &t, err);

	if (ret)
		return ret;
	/* a lab that stores no boot would be asked for it for ever */
	if (need->served && t.last < need->first)
		ret = error_set(err, -EIO, "boot %d of kernel %.12s was made, but not stored",
				need->first, key);
	else
		ret = assess_need(s, &t, b->wanted, need, &b->failed[i], err);
	free(t.error);
	return ret;
}

static int find_needs(const struct bisect_session *s, const struct bisect_boots *b,
		      struct need *needs, struct error *err)
{
	for (size_t i = 0; i < b->n; i++) {
		int ret;

		if (b->failed[i]) {
			needs[i].count = 0;
			continue;
		}
		ret = find_need(s, b, i, &needs[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

static bool is_same_need(const struct need *a, const struct need *b)
{
	return a->first == b->first && a->count == b->count;
}

/* Asks the lab for the boots of all kernels that need the same ones as kernel @from does, in one go. */
static int serve_need(struct bisect_session *s, const struct bisect_boots *b, struct need *needs,
		      size_t from, struct error *err)
{
	const struct bisect_built **group = xcalloc(b->n, sizeof(*group));
	bool fresh = strcmp(b->session, s->session) != 0;
	size_t count = 0;
	int ret;

	for (size_t i = from; i < b->n; i++) {
		if (needs[i].served || !is_same_need(&needs[i], &needs[from]))
			continue;
		needs[i].served = true;
		group[count++] = b->kernels[i];
	}
	ret = s->lab.boot(s->lab.arg, b->session, group, count, needs[from].first,
			  needs[from].count, fresh ? BISECT_FRESH_SEEDS : 0, err);
	s->boots_made += count * needs[from].count;
	free(group);
	return ret;
}

/* One round of boots; *made: there was something to do. */
static int serve_needs(struct bisect_session *s, const struct bisect_boots *b, struct need *needs,
		       bool *made, struct error *err)
{
	*made = false;
	for (size_t i = 0; i < b->n; i++) {
		int ret;

		if (needs[i].served || needs[i].count <= 0)
			continue;
		*made = true;
		ret = serve_need(s, b, needs, i, err);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * A boot that fails leaves its kernel short of one, so the needs are counted again after each round
 * until there is nothing left to make. Boots of several kernels are asked for together: the engine
 * interleaves them.
 */
int bisect_fill_boots(struct bisect_session *s, const struct bisect_boots *b, struct error *err)
{
	struct need *needs = xcalloc(b->n, sizeof(*needs));
	bool made = true;
	int ret = 0;

	while (made) {
		ret = find_needs(s, b, needs, err);
		if (ret)
			break;
		ret = serve_needs(s, b, needs, &made, err);
		if (ret)
			break;
	}
	free(needs);
	return ret;
}
