// SPDX-License-Identifier: GPL-2.0-only
/* Judging a report by a policy. How it looks: signoff_page.c. */
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

/* Both texts become the finding's, which stays where it is until the next one is added. */
static struct signoff_finding *add_finding(struct judging *j, enum signoff_state state, char *what,
					   char *why)
{
	struct signoff *s = j->out;

	s->findings = xrealloc(s->findings, s->nfindings + 1, sizeof(*s->findings));
	s->findings[s->nfindings] = (struct signoff_finding){state, what, why, 0};
	return &s->findings[s->nfindings++];
}

/* ---- waivers ---- */

/* Frees @more. */
static void append_text(char **text, char *more)
{
	char *both = xasprintf("%s; %s", *text, more);

	free(*text);
	free(more);
	*text = both;
}

/*
 * @worse: percent of cost at the interval's far end; INFINITY where that is not known, or where what is
 * missing is no number: only a waiver without "up_to" excuses that.
 *
 * A waiver that has not expired and reaches far enough excuses a finding that is not fine. If it
 * does not, the reason is added to the finding's text.
 */
static void apply_waiver(struct judging *j, size_t i, double worse, struct signoff_finding *f)
{
	const struct policy_waiver *w = &j->policy->waivers[i];

	if (f->state == SIGNOFF_OK || f->state == SIGNOFF_WAIVED)
		return;
	j->out->used[i] = true;
	if (strcmp(j->out->today, w->expires) > 0) {
		append_text(&f->why,
			    xasprintf("the waiver of %s expired on %s", w->owner, w->expires));
	} else if (isfinite(w->up_to) && !(worse <= w->up_to)) {
		append_text(&f->why, xasprintf("the waiver of %s goes up to %g %% only", w->owner,
					       w->up_to));
	} else {
		f->state = SIGNOFF_WAIVED;
		append_text(&f->why, xasprintf("waived by %s until %s: %s", w->owner, w->expires,
					       w->reason));
	}
}

/* ---- metrics ---- */

/*
 * How many more boots would bring the interval to one side of what is allowed, if the ratio stays
 * where it is: the interval narrows with the square root of the boots. Without an interval the
 * answer is one more. judged->more_boots is about the smallest effect, which is another limit, and
 * about the test; so it counts only where the interval is beyond what is allowed and the test may
 * be the reason for not failing. Without a ratio no number of boots helps.
 */
static void add_more_boots(const struct results_compared *m, const struct results_judgement *judged,
			   double allowed, struct signoff_finding *f)
{
	double worse = words_cost_percent(m, judged->ratio), low, high, factor, more;
	int boots = m->base.boots;

	if (!isfinite(worse))
		return;
	if (m->new.boots < boots)
		boots = m->new.boots;
	words_cost_range(m, judged, &low, &high);
	if (worse < allowed)
		factor = (high - worse) / (allowed - worse);
	else
		factor = (worse - low) / (worse - allowed);
	more = fmax(ceil(boots * factor * factor) - boots, 1);
	if (low > allowed)
		more = fmax(more, judged->more_boots);
	if (more < RESULTS_MORE_BOOTS_MAX)
		append_text(&f->why,
			    xasprintf("about %.0f more boot%s of each kernel would settle it", more,
				      words_plural(more)));
}

struct outcome {
	enum signoff_state state;
	const char *words;
};

/* @low, @high: the interval of the cost, which decides. */
/* The test can hold a failure back but not cause one: where the change may be chance, or where too
 * few boots allow no test (@p_value is NAN), the finding is undecided. */
static struct outcome judge_interval(double low, double high, double allowed, double p_value,
				     double alpha)
{
	if (high <= allowed)
		return (struct outcome){SIGNOFF_OK, "within it"};
	if (!(low > allowed))
		return (struct outcome){SIGNOFF_MISSING, "undecided with the boots there are"};
	if (p_value <= alpha)
		return (struct outcome){SIGNOFF_FAILED, "beyond it"};
	if (isfinite(p_value))
		return (struct outcome){SIGNOFF_MISSING,
					"beyond it, but the test says it may be chance"};
	return (struct outcome){SIGNOFF_MISSING, "beyond it, but too few boots for a test"};
}

/* All waivers that name the metric; @worse as apply_waiver(). */
static void apply_waivers(struct judging *j, const struct results_compared *m, double worse,
			  struct signoff_finding *f)
{
	for (size_t i = 0; i < j->policy->nwaivers; i++)
		if (policy_matches(&j->policy->waivers[i].match, m->scenario, m->metric, m->params))
			apply_waiver(j, i, worse, f);
}

/* One number (median or p99) against what is allowed. */
static void judge_number(struct judging *j, const struct results_compared *m, const char *number,
			 const struct results_judgement *judged, double allowed)
{
	__cleanup_free char *name = words_metric(j->r, m);
	__cleanup_free char *cost = words_cost(m, judged);
	__cleanup_free char *interval = words_cost_interval(m, judged);
	struct signoff_finding *f;
	struct outcome outcome;
	double low, high;

	words_cost_range(m, judged, &low, &high);
	outcome = judge_interval(low, high, allowed, judged->p_value, j->r->comparison.alpha);
	f = add_finding(j, outcome.state, xasprintf("%s, %s", name, number),
			xasprintf("cost %s (interval %s), allowed +%g %%: %s", cost, interval,
				  allowed, outcome.words));
	f->excess = fmax(words_cost_percent(m, judged->ratio) - allowed, 0);
	if (outcome.state == SIGNOFF_MISSING)
		add_more_boots(m, judged, allowed, f);
	if (isnan(high))
		high = INFINITY;
	apply_waivers(j, m, high, f);
}

static void judge_boots(struct judging *j, const struct policy_rule *rule,
			const struct results_compared *m)
{
	__cleanup_free char *name = words_metric(j->r, m);
	struct signoff_finding *f;

	if (m->base.boots >= rule->boots && m->new.boots >= rule->boots)
		return;
	f = add_finding(
		j, SIGNOFF_MISSING, xasprintf("%s, boots", name),
		xasprintf("required of each kernel: %d; found: %d of the base, %d of the new one",
			  rule->boots, m->base.boots, m->new.boots));
	apply_waivers(j, m, INFINITY, f);
}

static void judge_metric(struct judging *j, const struct policy_rule *rule, size_t index)
{
	const struct results_compared *m = &j->r->comparison.metrics[index];

	selection_add(&j->out->selection, index, rule->allowed);
	judge_boots(j, rule, m);
	judge_number(j, m, "median", &m->median, rule->allowed);
	if (isfinite(rule->allowed_p99))
		judge_number(j, m, words_tail(m), &m->p99, rule->allowed_p99);
}

static bool is_named(const struct policy_rule *rule, const struct results_compared *m)
{
	return policy_matches(&rule->match, m->scenario, m->metric, m->params);
}

struct covering {
	struct judging *j;
	const struct policy_rule *rule;
};

/* Applies the waivers that cover every measurement with this value. */
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
			apply_waiver(c->j, i, INFINITY, f);
	json_object_put(params);
}

/* Every value that a rule lists must have been measured. */
static void cover_value(const char *key, const char *value, void *arg)
{
	struct covering *c = arg;
	const struct results_comparison *all = &c->j->r->comparison;

	for (size_t i = 0; i < all->nmetrics; i++) {
		__cleanup_free char *has = words_param(all->metrics[i].params, key);

		if (has && !strcmp(has, value) && is_named(c->rule, &all->metrics[i]))
			return;
	}
	waive_values(c, key, value,
		     add_finding(c->j, SIGNOFF_MISSING,
				 xasprintf("%s %s with %s = %s", c->rule->match.scenario,
					   c->rule->match.metric, key, value),
				 xstrdup("no measurement of both kernels has this value")));
}

/* Applies the waivers that cover all that the rule names: without params, or with the rule's own. */
static void waive_rule(struct judging *j, const struct policy_match *rule,
		       struct signoff_finding *f)
{
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		struct policy_match w = j->policy->waivers[i].match;

		if (w.params && !(rule->params && json_object_equal(w.params, rule->params)))
			continue;
		w.params = NULL;
		if (policy_matches(&w, rule->scenario, rule->metric, "{}"))
			apply_waiver(j, i, INFINITY, f);
	}
}

static void judge_rule(struct judging *j, const struct policy_rule *rule)
{
	struct covering c = {j, rule};
	size_t found = 0;

	for (size_t i = 0; i < j->r->comparison.nmetrics; i++)
		if (is_named(rule, &j->r->comparison.metrics[i])) {
			judge_metric(j, rule, i);
			found++;
		}
	if (found)
		policy_each_value(&rule->match, cover_value, &c);
	else
		waive_rule(
			j, &rule->match,
			add_finding(
				j, SIGNOFF_MISSING,
				xasprintf("%s %s", rule->match.scenario, rule->match.metric),
				xstrdup("nothing that this rule names was measured with both kernels")));
}

/* ---- boots, tests, debug runs ---- */

/* "quick: 1 of 3 boots failed, with the base 0 of 2: ...", by scenario. */
static void add_failure_rates(const struct results_comparison *c, struct signoff_finding *f)
{
	for (size_t i = 0; i < c->nfailures; i++)
		append_text(&f->why,
			    xasprintf("%s: %s", c->failures[i].scenario, c->failures[i].why));
}

static void judge_failures(struct judging *j)
{
	const struct results_comparison *c = &j->r->comparison;
	char *what = xasprintf("boots of %s", c->new);
	struct signoff_finding *f;

	if (!c->new_failed) {
		add_finding(j, SIGNOFF_OK, what,
			    xstrdup("no boot died, hung or computed something wrong"));
		return;
	}
	f = add_finding(
		j, SIGNOFF_FAILED, what,
		xasprintf(
			"%d died, hung or computed something wrong (of %s: %d); this cannot be waived",
			c->new_failed, c->base, c->base_failed));
	f->excess = INFINITY; /* before all numbers */
	add_failure_rates(c, f);
	if (c->failure)
		append_text(&f->why, xasprintf("the newest failure: %s", c->failure));
}

#define OUTPUT_MAX 300

/* The end of a selftest's output, which is where it prints what was wrong. */
static char *selftest_words(const struct evidence_selftest *ran)
{
	const char *end = ran->text, *cut = "";

	if (!ran->result)
		return xstrdup("did not run with the new kernel");
	if (!end || !*end || !strcmp(ran->result, "pass"))
		return xasprintf("%s (host %s)", ran->result, ran->host);
	if (strlen(end) > OUTPUT_MAX) {
		end += strlen(end) - OUTPUT_MAX;
		cut = "...";
	}
	return xasprintf("%s: %s%s (host %s)", ran->result, cut, end, ran->host);
}

static enum signoff_state selftest_state(const struct policy_selftest *t, const char *result)
{
	if (!result)
		return SIGNOFF_MISSING;
	if (!strcmp(result, "pass"))
		return SIGNOFF_OK;
	if (!strcmp(result, "fail"))
		return SIGNOFF_FAILED;
	if (t->may_skip)
		return SIGNOFF_OK;
	return SIGNOFF_MISSING;
}

static int judge_selftest(struct judging *j, const struct policy_selftest *t, struct error *err)
{
	struct evidence_selftest ran = {0};
	struct signoff_finding *f;
	int ret = 0;

	if (j->r->nboots)
		ret = evidence_find_selftest(j->db, report_newest(j->r, REPORT_NEW), t->name, &ran,
					     err);
	if (ret)
		return ret;
	f = add_finding(j, selftest_state(t, ran.result), xasprintf("selftest %s", t->name),
			selftest_words(&ran));
	evidence_selftest_free(&ran);
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		const char *waived = j->policy->waivers[i].selftest;

		if (waived && !strcmp(waived, t->name))
			apply_waiver(j, i, INFINITY, f);
	}
	return 0;
}

static int judge_debug_run(struct judging *j, const struct policy_debug_run *d, struct error *err)
{
	const char *others = "";
	struct evidence_debug found;
	struct signoff_finding *f;
	char *what = xasprintf("debug run: %s on %s", d->scenario, d->kernel);
	int ret = evidence_count_debug_runs(j->db, report_newest(j->r, REPORT_NEW), d->kernel,
					    d->scenario, &found, err);

	if (ret) {
		free(what);
		return ret;
	}
	if (found.other)
		others = " (boots with another source or other patches do not count)";
	if (found.failed)
		f = add_finding(j, SIGNOFF_FAILED, what,
				xasprintf("%d failed: %.500s", found.failed, found.error));
	else if (found.passed >= d->boots)
		f = add_finding(j, SIGNOFF_OK, what, xasprintf("%d passed", found.passed));
	else
		f = add_finding(j, SIGNOFF_MISSING, what,
				xasprintf("required boots: %d, passed: %d%s", d->boots,
					  found.passed, others));
	free(found.error);
	for (size_t i = 0; i < j->policy->nwaivers; i++) {
		const char *waived = j->policy->waivers[i].debug_run;

		if (waived && !strcmp(waived, d->kernel))
			apply_waiver(j, i, INFINITY, f);
	}
	return 0;
}

/* ---- all ---- */

/* The worst first. */
static int compare_findings(const void *a, const void *b)
{
	const struct signoff_finding *x = a, *y = b;

	int state = (y->state > x->state) - (y->state < x->state);
	int excess = (y->excess > x->excess) - (y->excess < x->excess);

	if (state)
		return state;
	if (excess)
		return excess;
	return strverscmp(x->what, y->what);
}

static void set_verdict(struct signoff *s)
{
	static const enum signoff_verdict verdicts[] = {
		[SIGNOFF_OK] = SIGNOFF_PASS,
		[SIGNOFF_WAIVED] = SIGNOFF_PASS,
		[SIGNOFF_MISSING] = SIGNOFF_BLOCKED,
		[SIGNOFF_FAILED] = SIGNOFF_FAIL,
	};
	enum signoff_state worst = SIGNOFF_OK;

	qsort(s->findings, s->nfindings, sizeof(*s->findings), compare_findings);
	if (s->nfindings)
		worst = s->findings[0].state;
	s->verdict = verdicts[worst];
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

static int judge_evidence(struct judging *j, struct error *err)
{
	const struct policy *p = j->policy;
	int ret;

	for (size_t i = 0; i < p->nselftests; i++) {
		ret = judge_selftest(j, &p->selftests[i], err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < p->ndebug_runs; i++) {
		ret = judge_debug_run(j, &p->debug_runs[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

int signoff_judge(struct results_db *db, const struct policy *p, const struct report *r,
		  const char *today, const char *nothing, struct signoff *out, struct error *err)
{
	struct judging j = {.db = db, .policy = p, .r = r, .out = out};
	int ret;

	*out = (struct signoff){.used = xcalloc(p->nwaivers + 1, sizeof(bool))};
	set_today(out, today);
	if (nothing) /* before what follows from it */
		add_finding(&j, SIGNOFF_MISSING, xstrdup("runs of both kernels"), xstrdup(nothing))
			->excess = INFINITY;
	else
		judge_failures(&j);
	for (size_t i = 0; i < p->nrules; i++)
		judge_rule(&j, &p->rules[i]);
	ret = judge_evidence(&j, err);
	if (ret)
		signoff_free(out);
	else
		set_verdict(out);
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
	selection_free(&s->selection);
	*s = (struct signoff){0};
}

const char *signoff_verdict_name(enum signoff_verdict v)
{
	static const char *const names[] = {"PASS", "FAIL", "BLOCKED"};

	return names[v];
}
