// SPDX-License-Identifier: GPL-2.0-only
/* The report for people: text and HTML from one description. */
#include "results/report/page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/formats.h"
#include "results/report/words.h"

/* ---- results ---- */

static void value_cells(struct doc_table *t, double base, double new, double ratio)
{
	__cleanup_free char *from = words_number(base);
	__cleanup_free char *to = words_number(new);
	__cleanup_free char *change = words_percent(words_change(ratio));

	doc_cell(t, "%s", from);
	doc_cell(t, "%s", to);
	doc_cell(t, "%s", change);
}

/* The median's verdict, and the p99's where it says more. */
static void verdict_cell(struct doc_table *t, const struct results_compared *m, bool decides)
{
	enum results_verdict median = m->median.verdict, tail = m->p99.verdict;
	bool tells = tail != median && (tail == VERDICT_REGRESSED || tail == VERDICT_IMPROVED);
	enum doc_tone tone = words_tone(tail == VERDICT_REGRESSED ? tail : median);

	doc_cell_tone(t, decides ? tone : DOC_PLAIN, "%s%s%s%s", results_verdict_name(median),
		      tells ? ", p99 " : "", tells ? results_verdict_name(tail) : "",
		      decides ? "" : " (part)");
}

static void result_row(struct doc_table *t, const struct report *r,
		       const struct results_compared *m, const char *usual_unit)
{
	bool usual = !strcmp(m->unit, usual_unit);
	__cleanup_free char *name = words_metric(r, m);
	__cleanup_free char *interval = words_interval(&m->median);

	doc_cell(t, "%s%s%s", name, usual ? "" : ", ", usual ? "" : m->unit);
	value_cells(t, m->base.median, m->new.median, m->median.ratio);
	doc_cell(t, "%s", interval);
	value_cells(t, m->base.p99, m->new.p99, m->p99.ratio);
	verdict_cell(t, m, results_decides(&r->comparison, m));
}

static void say_common(struct doc *d, const struct report *r)
{
	for (size_t i = 0; i < r->ncommons; i++) {
		__cleanup_free char *words = words_params(NULL, NULL, r->commons[i].params);

		if (*words)
			doc_item(d, DOC_PLAIN, "%s is always with: %s", r->commons[i].scenario,
				 words);
	}
}

static void undecided_items(struct doc *d, const struct report *r, const struct report_selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct results_compared *m = &r->comparison.metrics[s->indices[i]];
		__cleanup_free char *name = words_metric(r, m);

		if (m->median.verdict == VERDICT_INCONCLUSIVE)
			doc_item(d, DOC_UNSURE, "%s: %s", name, m->median.why ? m->median.why : "");
	}
}

void report_page_results(struct doc *d, const struct report *r, const struct report_selection *s)
{
	const struct results_comparison *c = &r->comparison;
	const char *unit = s->count ? c->metrics[s->indices[0]].unit : "";
	__cleanup_free char *caption =
		xasprintf("Base %s, new %s; %s where no other unit is said; intervals at %g%%",
			  c->base, c->new, unit, 100 * (1 - c->alpha));
	struct doc_table *t =
		doc_table_new(caption, "metric|base>|new>|change>|interval>|p99 base>|p99 new>|"
				       "p99 change>|verdict");

	say_common(d, r);
	for (size_t i = 0; i < s->count; i++)
		result_row(t, r, &c->metrics[s->indices[i]], unit);
	doc_table(d, t);
	if (s->count)
		doc_paragraph(d,
			      "Values are medians over boots of each boot's median and p99 (p1 "
			      "where higher is better); %s. Nothing is assumed of a p99's noise: "
			      "of few boots its interval is rough, and none of it is called "
			      "improved or regressed without a test.",
			      words_clock(c->clock));
	undecided_items(d, r, s);
	for (const char *line = c->notes; line && *line;) {
		size_t n = strcspn(line, "\n");

		doc_item(d, DOC_PLAIN, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static enum doc_tone result_tone(const char *result)
{
	if (!result || !strcmp(result, "skip"))
		return DOC_UNSURE;
	return strcmp(result, "pass") ? DOC_BAD : DOC_GOOD;
}

static const char *result_word(const struct report_test *t, enum report_side side)
{
	if (t->result[side])
		return t->result[side];
	return *t->name ? "did not run" : "pass";
}

void report_page_tests(struct doc *d, const struct report *r)
{
	struct doc_table *t =
		doc_table_new("Selftests, and measurements that were skipped or failed",
			      "test|base|new|what it said");

	for (size_t i = 0; i < r->ntests; i++) {
		const struct report_test *test = &r->tests[i];
		const char *said =
			test->text[REPORT_NEW] ? test->text[REPORT_NEW] : test->text[REPORT_BASE];
		__cleanup_free char *params = words_params(NULL, NULL, test->params);

		doc_cell(t, "%s %s", test->scenario, *test->name ? test->name : params);
		for (int side = 0; side < REPORT_SIDES; side++) {
			const char *word = result_word(test, side);

			doc_cell_tone(t, result_tone(word), "%s", word);
		}
		doc_cell(t, "%.400s", said ? said : "");
	}
	if (r->ntests)
		doc_table(d, t);
	else
		doc_table_free(t);
}

void report_page_plots(struct doc *d, const struct report *r, const struct report_selection *s)
{
	doc_heading(d, "Plots");
	report_plot_forest(d, r, s);
	report_plot_vcpus(d, r, s);
	report_plot_distributions(d, r, s);
}

/* ---- environment ---- */

static void pair(struct doc_table *t, const char *what, const char *base, const char *new)
{
	if (!*base && !*new)
		return;
	doc_cell(t, "%s", what);
	doc_cell(t, "%s", base);
	doc_cell(t, "%s", strcmp(base, new) ? new : "the same");
}

static void kernels_table(struct doc *d, const struct report *r)
{
	const struct results_boot *b = report_newest(r, REPORT_BASE);
	const struct results_boot *n = report_newest(r, REPORT_NEW);
	struct doc_table *t = doc_table_new("What was compared", "what|base|new");

	pair(t, "kernel", b->kernel_name, n->kernel_name);
	pair(t, "release", b->kernel_release, n->kernel_release);
	pair(t, "content key", b->kernel_key, n->kernel_key);
	pair(t, "build-id", b->kernel_build_id, n->kernel_build_id);
	pair(t, "bzImage SHA-256", b->bzimage_sha256, n->bzimage_sha256);
	pair(t, "source hash", b->source_hash, n->source_hash);
	pair(t, "patches hash", b->patches_hash, n->patches_hash);
	pair(t, "config hash", b->config_hash, n->config_hash);
	pair(t, "compiler", b->compiler, n->compiler);
	pair(t, "agent SHA-256", b->agent_sha256, n->agent_sha256);
	pair(t, "kernel command line", b->cmdline, n->cmdline);
	pair(t, "host", b->host_name, n->host_name);
	pair(t, "host driver", b->host_driver, n->host_driver);
	pair(t, "host identity", b->host_identity, n->host_identity);
	pair(t, "clock", b->clock, n->clock);
	pair(t, "made by", b->environment, n->environment);
	doc_table(d, t);
}

static void boots_table(struct doc *d, const struct report *r)
{
	struct doc_table *t =
		doc_table_new("The boots behind the numbers",
			      "run>|kernel|scenario|boot>|seed>|started|status|image");

	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;
		bool passed = run->class == RESULTS_OK;

		doc_cell(t, "%" PRId64, r->boots[i].id);
		doc_cell(t, "%s %s", r->boots[i].side == REPORT_BASE ? "base" : "new",
			 run->kernel_name);
		doc_cell(t, "%s", run->scenario_name);
		doc_cell(t, "%d", run->boot);
		doc_cell(t, "%" PRIu64, run->seed);
		doc_cell(t, "%s", run->started);
		doc_cell_tone(t, passed ? DOC_GOOD : DOC_BAD, "%s",
			      passed ? "pass" : results_class_name(run->class));
		doc_cell(t, "%.12s", run->image_sha256);
	}
	doc_table(d, t);
}

static void failures_list(struct doc *d, const struct report *r)
{
	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;

		if (run->class == RESULTS_OK)
			continue;
		doc_item(d, DOC_BAD, "run %" PRId64 ", %s boot %d: %s: %.800s%s%s", r->boots[i].id,
			 run->kernel_name, run->boot, results_class_name(run->class), run->error,
			 *run->console_path ? "; console: " : "", run->console_path);
	}
}

static void plans_table(struct doc *d, const struct report *r)
{
	struct doc_table *t =
		doc_table_new("Scenarios as they were run", "scenario|scenario hash|plan SHA-256");
	const char *last = "";

	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;

		if (!strcmp(last, run->plan_sha256))
			continue;
		last = run->plan_sha256;
		if (doc_table_rows(t) == 20)
			break;
		doc_cell(t, "%s, seed %" PRIu64, run->scenario_name, run->seed);
		doc_cell(t, "%s", run->scenario_hash);
		doc_cell(t, "%s", run->plan_sha256);
	}
	doc_table(d, t);
}

void report_page_environment(struct doc *d, const struct report *r)
{
	doc_heading(d, "Environment and hashes");
	kernels_table(d, r);
	boots_table(d, r);
	failures_list(d, r);
	plans_table(d, r);
}

void report_page_repeat(struct doc *d, const struct report *r, const struct report_options *o)
{
	struct strbuf commands = STRBUF_INIT;

	doc_heading(d, "To repeat every number");
	words_commands(r, o, &commands);
	doc_paragraph(
		d, "The same kernels (by content key), scenario and seeds give the same work: on "
		   "the emulated host the same numbers within its noise (medians to a few "
		   "hundredths of a percent, p99s to some percent and more).");
	doc_code(d, commands.buf);
	strbuf_release(&commands);
}

/* ---- the plain report ---- */

#define REASONS_MAX 8 /* said right below the verdict */

static void say_regressions(struct doc *d, const struct report *r)
{
	size_t said = 0;

	for (size_t i = 0; i < r->comparison.nmetrics; i++) {
		const struct results_compared *m = &r->comparison.metrics[i];
		bool median = m->median.verdict == VERDICT_REGRESSED;
		const struct results_judgement *j = median ? &m->median : &m->p99;
		__cleanup_free char *name = words_metric(r, m);
		__cleanup_free char *change = words_percent(words_change(j->ratio));
		__cleanup_free char *interval = words_interval(j);

		if (j->verdict == VERDICT_REGRESSED && results_decides(&r->comparison, m) &&
		    ++said <= REASONS_MAX)
			doc_item(d, DOC_BAD, "%s, %s: %s (interval %s)", name,
				 median ? "median" : "tail", change, interval);
	}
	if (said > REASONS_MAX)
		doc_item(d, DOC_PLAIN, "and %zu more that regressed", said - REASONS_MAX);
}

static void say_verdict(struct doc *d, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	static const struct {
		enum doc_tone tone;
		const char *word, *sentence;
	} said[] = {
		[VERDICT_UNCHANGED] = {DOC_GOOD, "UNCHANGED",
				       "nothing changed beyond the smallest effect that "
				       "matters"},
		[VERDICT_IMPROVED] = {DOC_GOOD, "IMPROVED",
				      "some of what decides improved, none regressed"},
		[VERDICT_REGRESSED] = {DOC_BAD, "REGRESSED",
				       "the new kernel is worse than the base"},
		[VERDICT_INCONCLUSIVE] = {DOC_UNSURE, "INCONCLUSIVE",
					  "not every metric could be decided"},
	};
	__cleanup_free char *whole = words_counts(c, true);
	__cleanup_free char *parts = words_counts(c, false);

	doc_verdict(d, said[c->verdict].tone, said[c->verdict].word,
		    "%s. Medians that decide: %s.%s%s%s Failed boots: base %d, new %d.",
		    said[c->verdict].sentence, whole,
		    *parts ? " Their parts, which explain and decide nothing: " : "", parts,
		    *parts ? "." : "", c->base_failed, c->new_failed);
	if (c->failure)
		doc_item(d, DOC_BAD, "%s", c->failure);
	say_regressions(d, r);
}

/* Headlines, and whatever regressed: bad news is never left out. */
static void select_told(const struct report *r, struct report_selection *s)
{
	report_select_headlines(r, s);
	for (size_t i = 0; i < r->comparison.nmetrics; i++) {
		const struct results_compared *m = &r->comparison.metrics[i];

		if (m->median.verdict == VERDICT_REGRESSED || m->p99.verdict == VERDICT_REGRESSED)
			report_select_add(s, i, NAN);
	}
}

static void render(const struct report *r, const struct report_options *o, bool html,
		   struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *title = xasprintf("nestlab: %s against %s", c->new, c->base);
	struct report_selection s;
	struct doc d;

	select_told(r, &s);
	doc_begin(&d, html, out, title);
	say_verdict(&d, r);
	doc_heading(&d, "Results");
	report_page_results(&d, r, &s);
	report_page_tests(&d, r);
	if (s.count < c->nmetrics)
		doc_paragraph(&d,
			      "Not shown: %zu metrics, neither headlines nor regressed; the "
			      "formats csv and json have them.",
			      c->nmetrics - s.count);
	report_page_plots(&d, r, &s);
	report_page_environment(&d, r);
	report_page_repeat(&d, r, o);
	doc_end(&d);
	report_selection_free(&s);
}

void report_render_text(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	render(r, o, false, out);
}

void report_render_html(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	render(r, o, true, out);
}
