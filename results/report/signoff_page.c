// SPDX-License-Identifier: GPL-2.0-only
/* A sign-off for people: the verdict first, then what it rests on. */
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/explained.h"
#include "results/report/page.h"
#include "results/report/signoff.h"

#define REASONS_MAX 8 /* listed right below the verdict */

static const struct {
	enum tone tone;
	const char *word;
} states[] = {
	[SIGNOFF_OK] = {TONE_GOOD, "pass"},
	[SIGNOFF_WAIVED] = {TONE_WAIVED, "waived"},
	[SIGNOFF_MISSING] = {TONE_UNSURE, "blocked"},
	[SIGNOFF_FAILED] = {TONE_BAD, "fail"},
};

static size_t count_findings(const struct signoff *s, enum signoff_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nfindings; i++)
		n += s->findings[i].state == state;
	return n;
}

/* The worst come first; the table has them all. */
static void add_reasons(struct doc *d, const struct signoff *s)
{
	size_t reasons = s->nfindings - count_findings(s, SIGNOFF_OK);

	for (size_t i = 0; i < reasons && i < REASONS_MAX; i++) {
		const struct signoff_finding *f = &s->findings[i];

		doc_item(d, states[f->state].tone, "%s: %s: %s", states[f->state].word, f->what,
			 f->why);
	}
	if (reasons > REASONS_MAX)
		doc_item(d, TONE_PLAIN, "and %zu more: see the table of checks",
			 reasons - REASONS_MAX);
}

static const struct {
	enum tone tone;
	const char *sentence;
} verdicts[] = {
	[SIGNOFF_PASS] = {TONE_GOOD, "the new kernel meets the policy"},
	[SIGNOFF_FAIL] = {TONE_BAD, "the new kernel does not meet the policy"},
	[SIGNOFF_BLOCKED] = {TONE_UNSURE,
			     "nothing failed, but the policy asks for more than was measured"},
};

static void add_verdict(struct doc *d, const struct signoff *s)
{
	const char *sentence = verdicts[s->verdict].sentence;
	size_t waived = count_findings(s, SIGNOFF_WAIVED);

	if (s->verdict == SIGNOFF_PASS && waived)
		sentence = "the new kernel meets the policy, apart from what is waived";
	doc_verdict(d, verdicts[s->verdict].tone, signoff_verdict_name(s->verdict),
		    "%s. Checks: %zu failed, %zu blocked, %zu waived, %zu passed.", sentence,
		    count_findings(s, SIGNOFF_FAILED), count_findings(s, SIGNOFF_MISSING), waived,
		    count_findings(s, SIGNOFF_OK));
	add_reasons(d, s);
}

static void add_policy(struct doc *d, const struct signoff *s, const struct policy *p)
{
	if (p->description)
		doc_paragraph(d, "Policy %s (SHA-256 %s): %s Judged on %s (UTC).", p->path,
			      p->sha256, p->description, s->today);
	else
		doc_paragraph(d, "Policy %s (SHA-256 %s). Judged on %s (UTC).", p->path, p->sha256,
			      s->today);
	doc_paragraph(d, "Signed: ______________________________    Date: ________________");
}

static void add_checks(struct doc *d, const struct signoff *s)
{
	struct table *t = table_new("Every check of the policy, worst first", "check|result|why");

	for (size_t i = 0; i < s->nfindings; i++) {
		const struct signoff_finding *f = &s->findings[i];

		table_cell(t, "%s", f->what);
		table_cell_tone(t, states[f->state].tone, "%s", states[f->state].word);
		table_cell(t, "%s", f->why);
	}
	doc_table(d, t);
}

static void add_waived(struct table *t, const struct policy_waiver *w)
{
	const struct policy_match *m = &w->match;
	const char *metric = "(any metric)", *params = "";

	if (w->selftest) {
		table_cell(t, "selftest %s", w->selftest);
	} else if (w->debug_run) {
		table_cell(t, "debug run %s", w->debug_run);
	} else {
		if (m->metric)
			metric = m->metric;
		if (m->params)
			params = json_object_to_json_string_ext(m->params, JSON_C_TO_STRING_PLAIN);
		table_cell(t, "%s %s %s", m->scenario, metric, params);
	}
}

static void add_waiver(struct table *t, const struct signoff *s, const struct policy_waiver *w,
		       bool used)
{
	const char *not_needed = ", not needed";

	if (used)
		not_needed = "";
	add_waived(t, w);
	if (isfinite(w->up_to))
		table_cell(t, "%g %%", w->up_to);
	else
		table_cell(t, "any");
	table_cell(t, "%s", w->reason);
	table_cell(t, "%s", w->owner);
	table_cell(t, "%s", w->expires);
	if (strcmp(s->today, w->expires) > 0)
		table_cell_tone(t, TONE_BAD, "expired%s", not_needed);
	else
		table_cell_tone(t, TONE_WAIVED, "holds%s", not_needed);
}

static void add_waivers(struct doc *d, const struct signoff *s, const struct policy *p)
{
	struct table *t;

	if (!p->nwaivers)
		return;
	t = table_new("Waivers", "what|up to>|reason|owner|expires|state");
	for (size_t i = 0; i < p->nwaivers; i++)
		add_waiver(t, s, &p->waivers[i], s->used[i]);
	doc_table(d, t);
}

static void add_evidence(struct doc *d, const struct signoff *s, const struct report *r,
			 const struct report_options *o)
{
	doc_heading(d, "Results");
	page_add_results(d, r, &s->selection);
	page_add_failures(d, r);
	page_add_tests(d, r);
	explained_add_to(d, r, o);
	page_add_plots(d, r, &s->selection);
	page_add_environment(d, r);
	page_add_commands(d, r, o);
}

void signoff_render(const struct signoff *s, const struct policy *p, const struct report *r,
		    const struct report_options *o, bool html, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *title = xasprintf("Sign-off: %s against %s", c->new, c->base);
	const struct doc_face *face = &plain_face;
	struct doc d;

	if (html)
		face = &html_face;
	doc_begin(&d, face, out, title);
	add_verdict(&d, s);
	add_policy(&d, s, p);
	page_add_head(&d, &r->head);
	doc_heading(&d, "Checks");
	add_checks(&d, s);
	add_waivers(&d, s, p);
	if (r->nboots)
		add_evidence(&d, s, r, o);
	doc_end(&d);
}
