// SPDX-License-Identifier: GPL-2.0-only
/* The report for people, written once for all faces. */
#include "results/report/page.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "results/report/commands.h"
#include "results/report/digest.h"
#include "results/report/explained.h"
#include "results/report/plots.h"
#include "results/report/words.h"
#include "results/store/columns.h"

/* ---- results ---- */

/* @change becomes the table's. */
static void add_numbers(struct table *t, double base, double new, char *change)
{
	table_take(t, TONE_PLAIN, words_number(base));
	table_take(t, TONE_PLAIN, words_number(new));
	table_take(t, TONE_PLAIN, change);
}

static void add_verdict(struct table *t, const struct results_compared *m, bool decides)
{
	__cleanup_free char *verdict = words_verdict(m);
	enum tone tone = words_tone(m->median.verdict);

	if (m->p99.verdict == VERDICT_REGRESSED)
		tone = TONE_BAD;
	if (decides)
		table_cell_tone(t, tone, "%s", verdict);
	else
		table_cell(t, "%s (part)", verdict);
}

static void add_result(struct table *t, const struct report *r, const struct results_compared *m,
		       const char *usual_unit)
{
	char *name = words_metric(r, m);

	if (strcmp(m->unit, usual_unit)) {
		table_cell(t, "%s, %s", name, m->unit);
		cleanup_free(&name);
	} else {
		table_take(t, TONE_PLAIN, name);
	}
	add_numbers(t, m->base.median, m->new.median, words_change(m, &m->median));
	table_take(t, TONE_PLAIN, words_interval(&m->median));
	add_numbers(t, m->base.p99, m->new.p99, words_change(m, &m->p99));
	add_verdict(t, m, results_decides(&r->comparison, m));
}

static void add_commons(struct doc *d, const struct report *r)
{
	for (size_t i = 0; i < r->ncommons; i++) {
		__cleanup_free char *words = words_params(NULL, NULL, r->commons[i].params);

		if (*words)
			doc_item(d, TONE_PLAIN, "all of %s with: %s", r->commons[i].scenario,
				 words);
	}
}

/* Undecided, and what for; NULL: it is not. */
static const char *why_undecided(const struct results_compared *m)
{
	if (m->median.verdict == VERDICT_INCONCLUSIVE)
		return m->median.why;
	return NULL;
}

static bool is_undecided_for(const struct results_compared *m, const char *why)
{
	const char *own = why_undecided(m);

	return own && !strcmp(own, why);
}

#define NAMES_MAX 4 /* of those that one reason is given for; the table has all */

/* All of one reason, from item @first on, the first that has it, as one. */
static void add_reason(struct doc *d, const struct report *r, const struct report_selection *s,
		       size_t first, const char *why)
{
	struct strbuf names = STRBUF_INIT;
	size_t n = 0;

	for (size_t i = first; i < s->count; i++) {
		const struct results_compared *m = selection_metric(s, r, i);
		__cleanup_free char *name = NULL;

		if (!is_undecided_for(m, why) || n++ >= NAMES_MAX)
			continue;
		name = words_metric(r, m);
		strbuf_addf(&names, "%s%s", n > 1 ? "; " : "", name);
	}
	if (n > NAMES_MAX)
		strbuf_addf(&names, "; and %zu more", n - NAMES_MAX);
	doc_item(d, TONE_UNSURE, "%s: %s", names.buf, why);
	strbuf_release(&names);
}

static bool is_said_before(const struct report *r, const struct report_selection *s, size_t end,
			   const char *why)
{
	for (size_t i = 0; i < end; i++)
		if (is_undecided_for(selection_metric(s, r, i), why))
			return true;
	return false;
}

static void add_undecided(struct doc *d, const struct report *r, const struct report_selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const char *why = why_undecided(selection_metric(s, r, i));

		if (why && !is_said_before(r, s, i, why))
			add_reason(d, r, s, i, why);
	}
}

static void add_notes(struct doc *d, const struct results_comparison *c)
{
	for (const char *line = c->notes; line && *line;) {
		size_t n = strcspn(line, "\n");

		doc_item(d, TONE_PLAIN, "%.*s", (int)n, line);
		line += n;
		line += *line == '\n';
	}
}

static void add_results_table(struct doc *d, const struct report *r,
			      const struct report_selection *s)
{
	const struct results_comparison *c = &r->comparison;
	const char *unit = selection_metric(s, r, 0)->unit;
	__cleanup_free char *caption = xasprintf(
		"Base %s, new %s; in %s unless the row names another unit; %g %% intervals",
		c->base, c->new, unit, 100 * (1 - c->alpha));
	struct table *t = table_new(caption, "metric|base>|new>|change>|interval>|"
					     "p99 base>|p99 new>|p99 change>|verdict");

	for (size_t i = 0; i < s->count; i++)
		add_result(t, r, selection_metric(s, r, i), unit);
	doc_table(d, t);
	doc_paragraph(
		d,
		"Values are medians over boots of each boot's median and p99 (p1 where higher "
		"is better); %s. The noise of a p99 is not known beforehand: with few boots "
		"its interval is rough, and without a test no p99 is called improved or regressed.",
		words_clock(c->clock));
}

void page_add_results(struct doc *d, const struct report *r, const struct report_selection *s)
{
	digest_add(d, r);
	add_commons(d, r);
	if (s->count)
		add_results_table(d, r, s);
	else
		doc_paragraph(d, "No metric was measured with both kernels.");
	add_undecided(d, r, s);
	add_notes(d, &r->comparison);
}

/* ---- failed boots ---- */

void page_add_failures(struct doc *d, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	struct table *t;

	if (!c->nfailures)
		return;
	t = table_new("Boots that failed, which give no numbers",
		      "scenario|how|base>|new>|verdict|why");
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *f = &c->failures[i];

		table_cell(t, "%s", f->scenario);
		table_cell(t, "%s", f->what);
		table_cell(t, "%d of %d", f->base_failed, f->base_boots);
		table_cell(t, "%d of %d", f->new_failed, f->new_boots);
		table_cell_tone(t, words_tone(f->verdict), "%s", results_verdict_name(f->verdict));
		table_cell(t, "%s", f->why);
	}
	doc_table(d, t);
}

/* ---- plots ---- */

void page_add_plots(struct doc *d, const struct report *r, const struct report_selection *s)
{
	doc_heading(d, "Plots");
	plots_add_forest(d, r, s);
	plots_add_vcpus(d, r, s);
	plots_add_distributions(d, r, s);
}

/* ---- environment ---- */

static void add_pair(struct table *t, const char *what, const char *base, const char *new)
{
	if (!*base && !*new)
		return;
	table_cell(t, "%s", what);
	table_cell(t, "%s", base);
	if (!strcmp(base, new))
		new = "the same";
	table_cell(t, "%s", new);
}

static void add_kernels(struct doc *d, const struct report *r)
{
	const struct results_boot *base = report_newest(r, REPORT_BASE);
	const struct results_boot *new = report_newest(r, REPORT_NEW);
	struct table *t = table_new("What was compared", "what|base|new");

	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].title)
			add_pair(t, boot_columns[i].title, boot_column_text(base, i),
				 boot_column_text(new, i));
	doc_table(d, t);
}

static void add_status(struct table *t, enum results_class class)
{
	if (class == RESULTS_OK)
		table_cell_tone(t, TONE_GOOD, "pass");
	else
		table_cell_tone(t, TONE_BAD, "%s", results_class_name(class));
}

static void add_boots(struct doc *d, const struct report *r)
{
	struct table *t = table_new("The boots behind the numbers",
				    "run>|kernel|scenario|boot>|seed>|started|status|image");

	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;

		table_cell(t, "%" PRId64, r->boots[i].id);
		table_cell(t, "%s %s", report_side_name(r->boots[i].side), run->kernel_name);
		table_cell(t, "%s", run->scenario_name);
		table_cell(t, "%d", run->boot);
		table_cell(t, "%" PRIu64, run->seed);
		table_cell(t, "%s", run->started);
		add_status(t, run->class);
		table_cell(t, "%.12s", run->image_sha256);
	}
	doc_table(d, t);
}

static void add_failures(struct doc *d, const struct report *r)
{
	for (size_t i = 0; i < r->nboots; i++) {
		const struct results_boot *run = &r->boots[i].run;
		const char *before_path = "; console: ";

		if (run->class == RESULTS_OK)
			continue;
		if (!*run->console_path)
			before_path = "";
		doc_item(d, TONE_BAD, "run %" PRId64 ", %s boot %d: %s: %.800s%s%s", r->boots[i].id,
			 run->kernel_name, run->boot, results_class_name(run->class), run->error,
			 before_path, run->console_path);
	}
}

#define PLANS_MAX 20

static void add_plans(struct doc *d, const struct report *r)
{
	struct table *t =
		table_new("Scenarios as they were run", "scenario|scenario hash|plan SHA-256");
	const char *last = "";

	for (size_t i = 0; i < r->nboots && table_count_rows(t) < PLANS_MAX; i++) {
		const struct results_boot *run = &r->boots[i].run;

		if (!strcmp(last, run->plan_sha256))
			continue;
		last = run->plan_sha256;
		table_cell(t, "%s, seed %" PRIu64, run->scenario_name, run->seed);
		table_cell(t, "%s", run->scenario_hash);
		table_cell(t, "%s", run->plan_sha256);
	}
	doc_table(d, t);
}

void page_add_environment(struct doc *d, const struct report *r)
{
	doc_heading(d, "Environment and hashes");
	add_kernels(d, r);
	add_boots(d, r);
	add_failures(d, r);
	add_plans(d, r);
}

void page_add_head(struct doc *d, const struct results_head *h)
{
	if (!h->seals) {
		doc_paragraph(d, "Database: without a chain of seals, so boots may have been "
				 "removed from it unnoticed. `nestlab db migrate` begins one.");
		return;
	}
	doc_paragraph(d,
		      "Database %s: %" PRId64
		      " seals, head %s. If results that were there then are "
		      "changed or removed, this says so: %s db check --head %" PRId64 ":%s",
		      h->origin, h->seals, h->head, shell_program(), h->seals, h->head);
	if (h->adopted)
		doc_paragraph(d,
			      "%" PRId64
			      " of its rows are older than the chain, which began at %s: "
			      "what was done to them before, it cannot show.",
			      h->adopted, h->started);
}

void page_add_commands(struct doc *d, const struct report *r, const struct report_options *o)
{
	struct strbuf commands = STRBUF_INIT;

	doc_heading(d, "To repeat every number");
	commands_add(r, o, &commands);
	doc_paragraph(
		d, "The same kernels (by content key), scenario and seeds give the same work: on "
		   "the emulated host the same numbers within its noise (medians to a few "
		   "hundredths of a percent, p99s to some percent and more). A kernel that was "
		   "named by the path of its .json file is to be named so again.");
	doc_code(d, commands.buf);
	strbuf_release(&commands);
}

/* ---- the plain report ---- */

#define REASONS_MAX 8 /* listed right below the verdict */

static void add_regression(struct doc *d, const struct report *r, const struct results_compared *m)
{
	const struct results_judgement *j = &m->p99;
	const char *number = "tail";
	__cleanup_free char *name = words_metric(r, m);
	__cleanup_free char *change = NULL, *interval = NULL;

	if (m->median.verdict == VERDICT_REGRESSED) {
		j = &m->median;
		number = "median";
	}
	change = words_change(m, j);
	interval = words_interval(j);
	doc_item(d, TONE_BAD, "%s, %s: %s (interval %s)", name, number, change, interval);
}

static void add_regressions(struct doc *d, const struct report *r)
{
	size_t found = 0;

	for (size_t i = 0; i < r->comparison.nmetrics; i++) {
		const struct results_compared *m = &r->comparison.metrics[i];

		if (!words_has_regressed(m) || !results_decides(&r->comparison, m))
			continue;
		if (found++ < REASONS_MAX)
			add_regression(d, r, m);
	}
	if (found > REASONS_MAX)
		doc_item(d, TONE_PLAIN, "and %zu more that regressed", found - REASONS_MAX);
}

static const struct {
	enum tone tone;
	const char *word, *sentence;
} verdicts[] = {
	[VERDICT_UNCHANGED] = {TONE_GOOD, "UNCHANGED",
			       "nothing changed beyond the smallest effect that matters"},
	[VERDICT_IMPROVED] = {TONE_GOOD, "IMPROVED",
			      "some of what decides improved, none regressed"},
	[VERDICT_REGRESSED] = {TONE_BAD, "REGRESSED", "the new kernel is worse than the base"},
	[VERDICT_INCONCLUSIVE] = {TONE_UNSURE, "INCONCLUSIVE", "not everything could be decided"},
};

static void add_overall(struct doc *d, const struct report *r)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *counts = words_counts(c, true);
	__cleanup_free char *part_counts = words_counts(c, false);
	__cleanup_free char *parts = xstrdup("");

	if (*part_counts) {
		cleanup_free(&parts);
		parts = xasprintf(" Their parts, which explain and decide nothing: %s.",
				  part_counts);
	}
	doc_verdict(d, verdicts[c->verdict].tone, verdicts[c->verdict].word,
		    "%s. Medians that decide: %s.%s Failed boots: base %d, new %d.",
		    verdicts[c->verdict].sentence, counts, parts, c->base_failed, c->new_failed);
	if (c->failure)
		doc_item(d, TONE_BAD, "%s", c->failure);
	add_regressions(d, r);
}

void page_render(const struct report *r, const struct report_options *o,
		 const struct doc_face *face, struct strbuf *out)
{
	const struct results_comparison *c = &r->comparison;
	__cleanup_free char *title = xasprintf("nestlab: %s against %s", c->new, c->base);
	struct report_selection s = {0};
	size_t columns = 0;
	struct doc d;

	if (o)
		columns = o->columns;
	selection_add_told(&s, r);
	doc_begin_columns(&d, face, out, title, columns);
	add_overall(&d, r);
	doc_heading(&d, "Results");
	page_add_results(&d, r, &s);
	page_add_failures(&d, r);
	page_add_tests(&d, r);
	if (s.count < c->nmetrics)
		doc_paragraph(
			&d,
			"Not shown: %zu metrics that are not headline metrics and did not regress; the "
			"formats csv and json have them.",
			c->nmetrics - s.count);
	explained_add_to(&d, r, o);
	page_add_plots(&d, r, &s);
	page_add_environment(&d, r);
	page_add_head(&d, &r->head);
	page_add_commands(&d, r, o);
	doc_end(&d);
	selection_free(&s);
}
