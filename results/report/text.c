// SPDX-License-Identifier: GPL-2.0-only
/*
 * The comparison on a terminal: a table per scenario. Parameters that are the same in the whole table
 * stand above it once; those that vary are columns.
 */
#include "results/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "results/report/markup.h"
#include "results/report/text_parts.h"
#include "results/report/words.h"

#define WIDTH	    100
#define FAILURE_MAX 2000 /* bytes of what a failed boot said */

/* A line of what a guest or a test printed: no control character of it gets to the terminal. */
static void add_output(struct strbuf *out, const char *head, const char *text, int max)
{
	__cleanup_free char *shown = xasprintf("%.*s", max, text);

	strbuf_addstr(out, head);
	markup_line(out, shown);
	strbuf_addch(out, '\n');
}

/* ---- a section ---- */

static enum tone row_tone(const struct results_compared *m)
{
	if (m->p99.verdict == VERDICT_REGRESSED)
		return TONE_BAD;
	return words_tone(m->median.verdict);
}

static struct table *make_table(const struct text_section *s)
{
	struct table *t = table_new("", "");

	text_section_add_heads(s, t);
	table_add_column(t, "base", true, false);
	table_add_column(t, "new", true, false);
	table_add_column(t, "ratio", true, false);
	table_add_column(t, "change", true, false);
	table_add_column(t, "p99", true, true);
	table_add_column(t, "verdict", false, false);
	return t;
}

static void add_row(const struct text_section *s, const struct text_row *r, struct table *t)
{
	const struct results_compared *m = r->metric;

	text_section_add_cells(s, r, t);
	table_take(t, TONE_PLAIN, words_number(m->base.median));
	table_take(t, TONE_PLAIN, words_number(m->new.median));
	table_take(t, TONE_PLAIN, words_ratio(m->median.ratio));
	table_take(t, words_tone(m->median.verdict), words_change_interval(m, &m->median));
	table_take(t, words_tone(m->p99.verdict), words_change(m, &m->p99));
	table_take(t, row_tone(m), text_verdict(m));
}

static void add_section(const struct results_comparison *c, const char *scenario,
			unsigned int flags, struct strbuf *out)
{
	struct text_section s = {.scenario = scenario};
	struct table *t;

	for (size_t i = 0; i < c->nmetrics; i++)
		if (!strcmp(c->metrics[i].scenario, scenario) &&
		    text_is_shown(&c->metrics[i], flags))
			text_section_add(&s, &c->metrics[i]);
	if (!s.nrows)
		return;
	text_section_add_title(&s, flags, out);
	t = make_table(&s);
	for (size_t i = 0; i < s.nrows; i++)
		add_row(&s, &s.rows[i], t);
	table_text_columns(t, flags / RESULTS_RENDER_COLUMNS(1), flags & RESULTS_RENDER_COLOUR,
			   out);
	table_free(t);
	text_section_free(&s);
}

static bool has_section(const struct results_comparison *c, size_t before, const char *scenario)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(c->metrics[i].scenario, scenario))
			return true;
	return false;
}

/* ---- around the tables ---- */

void text_widen_boots(const struct results_comparison *c, int *least, int *most)
{
	for (size_t i = 0; i < c->nmetrics; i++) {
		const int boots[] = {c->metrics[i].base.boots, c->metrics[i].new.boots};

		for (size_t k = 0; k < ARRAY_SIZE(boots); k++) {
			if (!*least || boots[k] < *least)
				*least = boots[k];
			if (boots[k] > *most)
				*most = boots[k];
		}
	}
}

/* "2 to 4 boots of each" */
static void add_boots(const struct results_comparison *c, struct strbuf *out)
{
	int least = 0, most = 0;

	text_widen_boots(c, &least, &most);
	if (least < most)
		strbuf_addf(out, "%d to ", least);
	strbuf_addf(out, "%d boot%s of each", most, words_plural(most));
}

static void add_title(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	__cleanup_free char *kernels = xasprintf("%s against %s", c->new, c->base);

	if (!c->nmetrics) {
		strbuf_addf(out, "%s: no numbers\n", kernels);
		return;
	}
	text_add_coloured(out, flags, TEXT_BOLD, kernels);
	strbuf_addf(out, ": clock %s, ", c->clock);
	add_boots(c, out);
	strbuf_addf(out, ", %g %% intervals\n", 100 * (1 - c->alpha));
}

static void add_changed_test(const struct results_changed_test *t, unsigned int flags,
			     struct strbuf *out)
{
	const char *name = t->name, *colour = NULL, *verdict = "";
	__cleanup_free char *title = NULL;

	if (!*name)
		name = t->params;
	if (!strcmp(t->new, "fail")) {
		colour = tone_colour(TONE_BAD);
		verdict = " (regressed)";
	}
	title = xasprintf("%s %s", t->scenario, name);
	text_add_coloured(out, flags, colour, title);
	strbuf_addf(out, ": %s -> %s%s\n", t->base, t->new, verdict);
	if (t->text && t->text[0])
		add_output(out, "  ", t->text, WIDTH - 2);
}

void text_add_changed_tests(const struct results_comparison *c, unsigned int flags,
			    struct strbuf *out)
{
	if (c->ntests)
		strbuf_addch(out, '\n');
	for (size_t i = 0; i < c->ntests; i++)
		add_changed_test(&c->tests[i], flags, out);
}

void text_add_failures(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	if (!c->base_failed && !c->new_failed)
		return;
	strbuf_addf(out, "\nfailed boots, which give no numbers: %d of %s, %d of %s\n",
		    c->base_failed, c->base, c->new_failed, c->new);
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *r = &c->failures[i];

		strbuf_addf(out, "  %s: %s (", r->scenario, r->why);
		text_add_coloured(out, flags, tone_colour(words_tone(r->verdict)),
				  results_verdict_name(r->verdict));
		strbuf_addstr(out, ")\n");
	}
	if (c->failure)
		add_output(out, "  newest: ", c->failure, FAILURE_MAX);
}

static void add_notes(const struct results_comparison *c, struct strbuf *out)
{
	if (*c->notes)
		strbuf_addch(out, '\n');
	for (const char *line = c->notes; *line;) {
		size_t n = strcspn(line, "\n");

		strbuf_addf(out, "note:  %.*s\n", (int)n, line);
		line += n;
		line += *line == '\n';
	}
}

static void add_noise(const struct results_comparison *c, struct strbuf *out)
{
	__cleanup_free char *words = results_noise_words(c);

	if (!c->nmetrics)
		return;
	strbuf_addstr(out, "\nnoise: ");
	table_wrap(out, words, 7, WIDTH);
}

/* With new seeds: those that were used could give the very same boots again. */
static void add_more_boots(const struct results_comparison *c, struct strbuf *out)
{
	int more = results_more_boots(c);

	if (!more || !c->next_seed || c->verdict != VERDICT_INCONCLUSIVE)
		return;
	strbuf_addf(out, "more boots, with new seeds: %s run ... --boots %d --seed %" PRIu64 "\n",
		    shell_program(), more, c->next_seed);
}

struct counts {
	size_t verdicts[VERDICT_INCONCLUSIVE + 1]; /* medians that decide */
	size_t tails;				   /* regressed in p99 alone */
	size_t parts;				   /* regressed, and decide nothing */
};

static struct counts count_verdicts(const struct results_comparison *c)
{
	struct counts n = {0};

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (!results_decides(c, m)) {
			n.parts += m->median.verdict == VERDICT_REGRESSED;
			continue;
		}
		n.verdicts[m->median.verdict]++;
		n.tails += m->p99.verdict == VERDICT_REGRESSED &&
			   m->median.verdict != VERDICT_REGRESSED;
	}
	return n;
}

static void add_summary(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	struct counts n = count_verdicts(c);

	text_add_coloured(out, flags, tone_colour(words_tone(c->verdict)),
			  results_verdict_name(c->verdict));
	strbuf_addf(out, ": %s against %s: ", c->new, c->base);
	for (int v = VERDICT_IMPROVED; v <= VERDICT_INCONCLUSIVE; v++)
		strbuf_addf(out, "%zu %s, ", n.verdicts[v], results_verdict_name(v));
	strbuf_addf(out, "%zu unchanged", n.verdicts[VERDICT_UNCHANGED]);
	if (n.tails)
		strbuf_addf(out, "; p99 alone regressed in %zu", n.tails);
	if (c->same_tests)
		strbuf_addf(out, "; %zu selftest%s as before", c->same_tests,
			    words_plural(c->same_tests));
	if (results_count_worse_failures(c))
		strbuf_addstr(out, "; boots fail more often");
	if (n.parts)
		strbuf_addf(out,
			    "\n(of the parts that explain these and decide nothing, %zu regressed)",
			    n.parts);
	strbuf_addch(out, '\n');
}

void results_render_text(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	size_t hidden = 0;

	add_title(c, flags, out);
	for (size_t i = 0; i < c->nmetrics; i++) {
		hidden += !text_is_shown(&c->metrics[i], flags);
		if (!has_section(c, i, c->metrics[i].scenario))
			add_section(c, c->metrics[i].scenario, flags, out);
	}
	text_add_changed_tests(c, flags, out);
	text_add_failures(c, flags, out);
	add_notes(c, out);
	add_noise(c, out);
	add_more_boots(c, out);
	if (hidden)
		strbuf_addf(out, "more:  %zu metric%s with --all; every reason with --json\n",
			    hidden, words_plural(hidden));
	strbuf_addch(out, '\n');
	add_summary(c, flags, out);
}
