// SPDX-License-Identifier: GPL-2.0-only
/* Judging a report by a policy. How it looks: report_signoff_page.c. */
#include "results/report/signoff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "results/report/evidence.h"
#include "results/report/words.h"

struct judging {
	struct results_db *db;
	const struct policy *policy;
	const struct report *r;
	struct signoff *out;
};

/* Both texts become the finding's. */
static struct signoff_finding *find(struct judging *j, enum signoff_state state, char *what,
				    char *why)
{
	struct signoff *s = j->out;

	s->findings = xrealloc(s->findings, s->nfindings + 1, sizeof(*s->findings));
	s->findings[s->nfindings] = (struct signoff_finding){state, what, why, 0};
	return &s->findings[s->nfindings++];
}

/* ---- waivers ---- */

static void add_to(char **text, char *more)
{
	char *both = xasprintf("%s; %s", *text, more);

	free(*text);
	free(more);
	*text = both;
}

/*
 * @worse: percent of cost at the interval's far end; INFINITY where that is not known.
 *
 * A finding that is not fine is excused by a waiver that still holds; one that does not is told.
 */
static void apply_waiver(struct judging *j, size_t i, double worse, struct signoff_finding *f)
{
	const struct policy_waiver *w = &j->policy->waivers[i];

	if (f->state == SIGNOFF_OK || f->state == SIGNOFF_WAIVED)
		return;
	j->out->used[i] = true;
	if (strcmp(j->out->today, w->expires) > 0) {
		add_to(&f->why, xasprintf("the waiver of %s expired on %s", w->owner, w->expires));
	} else if (isfinite(w->up_to) && !(worse <= w->up_to)) {
		add_to(&f->why,
		       xasprintf("the waiver of %s goes up to %g%% only", w->owner, w->up_to));
	} else {
		f->state = SIGNOFF_WAIVED;
		add_to(&f->why,
		       xasprintf("waived by %s until %s: %s", w->owner, w->expires, w->reason));
	}
}

/* ---- metrics ---- */

/*
 * How many more boots would bring the interval to one side of what is allowed, if the ratio stays
 * where it is: it narrows with the root of the boots; one more where there is no interval yet.
 * judged->more_boots is about the smallest effect, another line, and about the test: it counts
 * where the interval is beyond and the test is not. Where there is no ratio boots do not help.
 */
static void say_more_boots(const struct results_compared *m, const struct results_judgement *judged,
			   double allowed, struct signoff_finding *f)
{
	double worse = words_worse(m, judged->ratio), low, high, factor, more;
	int boots = m->base.boots < m->new.boots ? m->base.boots : m->new.boots;

	if (!isfinite(worse))
		return;
	words_worse_interval(m, judged, &low, &high);
	factor = worse < allowed ? (high - worse) / (allowed - worse)
				 : (worse - low) / (worse - allowed);
	more = fmax(ceil(boots * factor * factor) - boots, 1);
	if (low > allowed)
		more = fmax(more, judged->more_boots);
	if (more < RESULTS_MORE_BOOTS_MAX)
		add_to(&f->why, xasprintf("about %.0f more boot%s of each kernel would settle it",
					  more, more > 1 ? "s" : ""));
}

/* One number (median or p99) against what is allowed. */
static void judge_number(struct judging *j, const struct results_compared *m, const char *number,
			 const struct results_judgement *judged, double allowed)
{
	__cleanup_free char *name = words_metric(j->r, m);
	__cleanup_free char *worse = words_percent(words_worse(m, judged->ratio));
	__cleanup_free char *interval = NULL;
	enum signoff_state state = SIGNOFF_MISSING;
	const char *said = "undecided with the boots there are";
	struct signoff_finding *f;
	double low, high;

	words_worse_interval(m, judged, &low, &high);
	interval = words_range(low, high);
	if (high <= allowed) {
		state = SIGNOFF_OK;
		said = "within it";
	} else if (low > allowed && judged->p_value <= j->r->comparison.alpha) {
		state = SIGNOFF_FAILED;
		said = "beyond it";
	} else if (low > allowed) {
		said = isfinite(judged->p_value) ? "beyond it, but the test says it may be chance"
						 : "beyond it, but too few boots for a test";
	}
	f = find(j, state, xasprintf("%s, %s", name, number),
		 xasprintf("cost %s (interval %s), allowed +%g%%: %s", worse, interval, allowed,
			   said));
	f->excess = fmax(words_worse(m, judged->ratio) - allowed, 0);
	if (state == SIGNOFF_MISSING)
		say_more_boots(m, judged, allowed, f);
	for (size_t i = 0; i < j->policy->nwaivers; i++)
		if (policy_matches(&j->policy->waivers[i].match, m->scenario, m->metric, m->params))
			apply_waiver(j, i, isnan(high) ? INFINITY : high, f);
}

/* What is not there has no number that "up_to" could bound: a waiver that excuses it has none. */
static void waive_missing(struct judging *j, size_t i, struct signoff_finding *f)
{
	apply_waiver(j, i, INFINITY, f);
}

static void judge_boots(struct judging *j, const struct policy_rule *rule,
			const struct results_compared *m)
{
	__cleanup_free char *name = words_metric(j->r, m);
	struct signoff_finding *f;

	if (m->base.boots >= rule->boots && m->new.boots >= rule->boots)
		return;
	f = find(j, SIGNOFF_MISSING, xasprintf("%s, boots", name),
		 xasprintf("required of each kernel: %d; there: %d of the base, %d of the new one",
			   rule->boots, m->base.boots, m->new.boots));
	for (size_t i = 0; i < j->policy->nwaivers; i++)
		if (policy_matches(&j->policy->waivers[i].match, m->scenario, m->metric, m->params))
			waive_missing(j, i, f);
}

static void judge_metric(struct judging *j, const struct policy_rule *rule, size_t index)
{
	const struct results_compared *m = &j->r->comparison.metrics[index];

	report_select_add(&j->out->selection, index, rule->allowed);
	judge_boots(j, rule, m);
	judge_number(j, m, "median", &m->median, rule->allowed);
	if (isfinite(rule->allowed_p99))
		judge_number(j, m, strcmp(m->better, "higher") ? "p99" : "p1", &m->p99,
			     rule->allowed_p99);
}

static bool matches(const struct policy_rule *rule, const struct results_compared *m)
{
	return policy_matches(&rule->match, m->scenario, m->metric, m->params);
}

struct covering {
	struct judging *j;
	const struct policy_rule *rule;
};

/* A waiver of all that has this value. */
static void waive_values(struct covering *c, const char *key, const char *value,
			 struct signoff_finding *f)
{
	const struct policy_match *rule = &c->rule->match;
	struct json_object *params = json_object_new_object();
	const char *text;

	json_object_object_add(params, key, json_object_new_string(value));
	text = json_object_to_json_string(params);
	for (size_t i = 0; i < c->j->policy->nwaivers; i++)
		if (policy_matches(&c->j->policy->waivers[i].match, rule->scenario, rule->metric,
				   text))
			waive_missing(c->j, i, f);
	json_object_put(params);
}

/* Every value that a rule lists must have been measured. */
static void cover_value(const char *key, const char *value, void *arg)
{
	struct covering *c = arg;
	const struct results_comparison *all = &c->j->r->comparison;

	for (size_t i = 0; i < all->nmetrics; i++) {
		__cleanup_free char *has = words_param(all->metrics[i].params, key);

		if (has && !strcmp(has, value) && matches(c->rule, &all->metrics[i]))
			return;
	}
	waive_values(c, key, value,
		     find(c->j, SIGNOFF_MISSING,
			  xasprintf("%s %s with %s = %s", c->rule->match.scenario,
				    c->rule->match.metric, key, value),
			  xstrdup("nothing of both kernels was measured with this")));
}

/* A waiver of all that the rule names: without params, or with the rule's own. */
static void waive_rule(struct judging *j, const struct policy_match *rule,
		       struct signoff_finding *f)
{
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		struct policy_match w = j->policy->waivers[i].match;

		if (w.params && !(rule->params && json_object_equal(w.params, rule->params)))
			continue;
		w.params = NULL;
		if (policy_matches(&w, rule->scenario, rule->metric, "{}"))
			waive_missing(j, i, f);
	}
}

static void judge_rule(struct judging *j, const struct policy_rule *rule)
{
	struct covering c = {j, rule};
	size_t found = 0;

	for (size_t i = 0; i < j->r->comparison.nmetrics; i++)
		if (matches(rule, &j->r->comparison.metrics[i])) {
			judge_metric(j, rule, i);
			found++;
		}
	if (found)
		policy_each_value(&rule->match, cover_value, &c);
	else
		waive_rule(j, &rule->match,
			   find(j, SIGNOFF_MISSING,
				xasprintf("%s %s", rule->match.scenario, rule->match.metric),
				xstrdup("nothing that this rule names was measured with both "
					"kernels")));
}

/* ---- boots, tests, debug runs ---- */

static void judge_failures(struct judging *j)
{
	const struct results_comparison *c = &j->r->comparison;
	char *what = xasprintf("boots of %s", c->new);

	if (!c->new_failed) {
		find(j, SIGNOFF_OK, what, xstrdup("none died, hung or computed something wrong"));
		return;
	}
	find(j, SIGNOFF_FAILED, what,
	     xasprintf("%d died, hung or computed something wrong (of %s: %d); this cannot be "
		       "waived. The newest: %s",
		       c->new_failed, c->base, c->base_failed, c->failure ? c->failure : ""))
		->excess = INFINITY; /* before all numbers */
}

#define SAID_MAX 300

/* The end of what it printed is where a test says what was wrong. */
static char *selftest_words(const struct report_selftest *ran)
{
	size_t length = ran->text ? strlen(ran->text) : 0;
	const char *said = length > SAID_MAX ? ran->text + length - SAID_MAX : ran->text;

	if (!ran->result)
		return xstrdup("did not run with the new kernel");
	if (!length || !strcmp(ran->result, "pass"))
		return xasprintf("%s (host %s)", ran->result, ran->host);
	return xasprintf("%s: %s%s (host %s)", ran->result, said == ran->text ? "" : "...", said,
			 ran->host);
}

static int judge_selftest(struct judging *j, const struct policy_selftest *t, struct error *err)
{
	enum signoff_state state = SIGNOFF_MISSING;
	struct report_selftest ran = {0};
	struct signoff_finding *f;
	int ret = 0;

	if (j->r->nboots)
		ret = report_selftest_load(j->db, report_newest(j->r, REPORT_NEW), t->name, &ran,
					   err);
	if (ret)
		return ret;
	if (ran.result &&
	    (!strcmp(ran.result, "pass") || (!strcmp(ran.result, "skip") && t->may_skip)))
		state = SIGNOFF_OK;
	else if (ran.result && !strcmp(ran.result, "fail"))
		state = SIGNOFF_FAILED;
	f = find(j, state, xasprintf("selftest %s", t->name), selftest_words(&ran));
	report_selftest_free(&ran);
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		const char *waived = j->policy->waivers[i].selftest;

		if (waived && !strcmp(waived, t->name))
			apply_waiver(j, i, INFINITY, f);
	}
	return 0;
}

static int judge_debug_run(struct judging *j, const struct policy_debug_run *d, struct error *err)
{
	struct report_debug found;
	struct signoff_finding *f;
	char *what = xasprintf("debug run: %s on %s", d->scenario, d->kernel);
	int ret = report_debug_load(j->db, report_newest(j->r, REPORT_NEW), d->kernel, d->scenario,
				    &found, err);

	if (ret) {
		free(what);
		return ret;
	}
	if (found.failed)
		f = find(j, SIGNOFF_FAILED, what,
			 xasprintf("%d failed: %.500s", found.failed, found.error));
	else if (found.passed >= d->boots)
		f = find(j, SIGNOFF_OK, what, xasprintf("%d passed", found.passed));
	else
		f = find(j, SIGNOFF_MISSING, what,
			 xasprintf("required boots: %d, passed: %d%s", d->boots, found.passed,
				   found.other
					   ? " (there are some of another source or other patches: "
					     "they do not count)"
					   : ""));
	free(found.error);
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		const char *waived = j->policy->waivers[i].debug_run;

		if (waived && !strcmp(waived, d->kernel))
			apply_waiver(j, i, INFINITY, f);
	}
	return 0;
}

/* ---- all ---- */

static int worst_first(const void *a, const void *b)
{
	const struct signoff_finding *x = a, *y = b;

	if (x->state != y->state)
		return y->state > x->state ? 1 : -1;
	if (x->excess != y->excess)
		return y->excess > x->excess ? 1 : -1;
	return strverscmp(x->what, y->what);
}

static void conclude(struct signoff *s)
{
	enum signoff_state worst = SIGNOFF_OK;

	qsort(s->findings, s->nfindings, sizeof(*s->findings), worst_first);
	if (s->nfindings)
		worst = s->findings[0].state;
	s->verdict = worst == SIGNOFF_FAILED	? SIGNOFF_FAIL
		     : worst == SIGNOFF_MISSING ? SIGNOFF_BLOCKED
						: SIGNOFF_PASS;
}

static void set_today(struct signoff *s, const char *today)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(s->today, sizeof(s->today), "%Y-%m-%d", &tm);
	if (today)
		strncpy(s->today, today, sizeof(s->today) - 1);
}

int signoff_judge(struct results_db *db, const struct policy *p, const struct report *r,
		  const char *today, const char *nothing, struct signoff *out, struct error *err)
{
	struct judging j = {.db = db, .policy = p, .r = r, .out = out};
	int ret = 0;

	*out = (struct signoff){.used = xcalloc(p->nwaivers + 1, sizeof(bool))};
	set_today(out, today);
	if (nothing)
		find(&j, SIGNOFF_MISSING, xstrdup("runs of both kernels"), xstrdup(nothing));
	else
		judge_failures(&j);
	for (size_t i = 0; i < p->nrules; i++)
		judge_rule(&j, &p->rules[i]);
	for (size_t i = 0; !ret && i < p->nselftests; i++)
		ret = judge_selftest(&j, &p->selftests[i], err);
	for (size_t i = 0; !ret && i < p->ndebug_runs; i++)
		ret = judge_debug_run(&j, &p->debug_runs[i], err);
	conclude(out);
	if (ret)
		signoff_free(out);
	return ret;
}

void signoff_free(struct signoff *s)
{
	for (size_t i = 0; i < s->nfindings; i++) {
		free(s->findings[i].what);
		free(s->findings[i].why);
	}
	free(s->findings);
	free(s->used);
	report_selection_free(&s->selection);
	*s = (struct signoff){0};
}

const char *signoff_verdict_name(enum signoff_verdict v)
{
	static const char *const names[] = {"PASS", "FAIL", "BLOCKED"};

	return names[v];
}
