// SPDX-License-Identifier: GPL-2.0-only
/* A sign-off as a page and as text: the verdict first, then what it rests on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/doc.h"
#include "results/report/page.h"
#include "results/report/signoff.h"

#define REASONS_MAX 8 /* said right below the verdict */

static const struct {
	enum doc_tone tone;
	const char *word;
} states[] = {
	[SIGNOFF_OK] = {DOC_GOOD, "pass"},
	[SIGNOFF_WAIVED] = {DOC_WAIVED, "waived"},
	[SIGNOFF_MISSING] = {DOC_UNSURE, "blocked"},
	[SIGNOFF_FAILED] = {DOC_BAD, "fail"},
};

static size_t count(const struct signoff *s, enum signoff_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nfindings; i++)
		n += s->findings[i].state == state;
	return n;
}

/* The worst come first; the table has them all. */
static void say_reasons(struct doc *d, const struct signoff *s)
{
	size_t reasons = s->nfindings - count(s, SIGNOFF_OK);

	for (size_t i = 0; i < reasons && i < REASONS_MAX; i++)
		doc_item(d, states[s->findings[i].state].tone, "%s: %s: %s",
			 states[s->findings[i].state].word, s->findings[i].what,
			 s->findings[i].why);
	if (reasons > REASONS_MAX)
		doc_item(d, DOC_PLAIN, "and %zu more: see the table of checks",
			 reasons - REASONS_MAX);
}

static void say_verdict(struct doc *d, const struct signoff *s)
{
	static const struct {
		enum doc_tone tone;
		const char *sentence;
	} said[] = {
		[SIGNOFF_PASS] = {DOC_GOOD, "all that the policy asks for is there and within it"},
		[SIGNOFF_FAIL] = {DOC_BAD, "the new kernel is not what the policy asks for"},
		[SIGNOFF_BLOCKED] = {DOC_UNSURE, "nothing failed, but the policy asks for more "
						 "than is there"},
	};

	const char *sentence = said[s->verdict].sentence;

	if (s->verdict == SIGNOFF_PASS && count(s, SIGNOFF_WAIVED))
		sentence = "not all that the policy asks for, but what is not is waived";
	doc_verdict(d, said[s->verdict].tone, signoff_verdict_name(s->verdict),
		    "%s. Checks: %zu failed, %zu blocked, %zu waived, %zu passed.", sentence,
		    count(s, SIGNOFF_FAILED), count(s, SIGNOFF_MISSING), count(s, SIGNOFF_WAIVED),
		    count(s, SIGNOFF_OK));
	say_reasons(d, s);
}

static void say_policy(struct doc *d, const struct signoff *s, const struct policy *p)
{
	doc_paragraph(d, "Policy %s (SHA-256 %s)%s%s Judged on %s (UTC).", p->path, p->sha256,
		      p->description ? ": " : ".", p->description ? p->description : "", s->today);
	doc_paragraph(d, "Signed: ______________________________    Date: ________________");
}

static void checks_table(struct doc *d, const struct signoff *s)
{
	struct doc_table *t =
		doc_table_new("Every check of the policy, worst first", "check|result|why");

	for (size_t i = 0; i < s->nfindings; i++) {
		const struct signoff_finding *f = &s->findings[i];

		doc_cell(t, "%s", f->what);
		doc_cell_tone(t, states[f->state].tone, "%s", states[f->state].word);
		doc_cell(t, "%s", f->why);
	}
	doc_table(d, t);
}

static void waiver_row(struct doc_table *t, const struct signoff *s, const struct policy_waiver *w,
		       bool used)
{
	const struct policy_match *m = &w->match;
	bool expired = strcmp(s->today, w->expires) > 0;

	if (m->scenario)
		doc_cell(t, "%s %s %s", m->scenario, m->metric ? m->metric : "(any metric)",
			 m->params
				 ? json_object_to_json_string_ext(m->params, JSON_C_TO_STRING_PLAIN)
				 : "");
	else
		doc_cell(t, "%s %s", w->selftest ? "selftest" : "debug run",
			 w->selftest ? w->selftest : w->debug_run);
	if (isfinite(w->up_to))
		doc_cell(t, "%g%%", w->up_to);
	else
		doc_cell(t, "any");
	doc_cell(t, "%s", w->reason);
	doc_cell(t, "%s", w->owner);
	doc_cell(t, "%s", w->expires);
	doc_cell_tone(t, expired ? DOC_BAD : DOC_WAIVED, "%s%s", expired ? "expired" : "holds",
		      used ? "" : ", not needed");
}

static void waivers_table(struct doc *d, const struct signoff *s, const struct policy *p)
{
	struct doc_table *t;

	if (!p->nwaivers)
		return;
	t = doc_table_new("Waivers", "what|up to>|reason|owner|expires|state");
	for (size_t i = 0; i < p->nwaivers; i++)
		waiver_row(t, s, &p->waivers[i], s->used[i]);
	doc_table(d, t);
}

static void evidence(struct doc *d, const struct signoff *s, const struct report *r,
		     const struct report_options *o)
{
	doc_heading(d, "Results");
	report_page_results(d, r, &s->selection);
	report_page_tests(d, r);
	report_page_plots(d, r, &s->selection);
	report_page_environment(d, r);
	report_page_repeat(d, r, o);
}

void signoff_render(const struct signoff *s, const struct policy *p, const struct report *r,
		    const struct report_options *o, bool html, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *title = xasprintf("Sign-off: %s against %s", c->new, c->base);
	struct doc d;

	doc_begin(&d, html, out, title);
	say_verdict(&d, s);
	say_policy(&d, s, p);
	doc_heading(&d, "Checks");
	checks_table(&d, s);
	waivers_table(&d, s, p);
	if (r->nboots)
		evidence(&d, s, r, o);
	doc_end(&d);
}
