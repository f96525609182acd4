// SPDX-License-Identifier: GPL-2.0-only
/*
 * The comparison for people: a table per scenario. Parameters that are the same in the whole table
 * stand above it once; those that vary are columns.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "results/report/doc_table.h"
#include "results/report/text.h"
#include "results/report/table.h"

#define WIDTH	       100
#define MAX_PARAMETERS 16

static const char *const verdict_colours[] = {
	[VERDICT_UNCHANGED] = NULL,
	[VERDICT_IMPROVED] = "32",
	[VERDICT_REGRESSED] = "1;31",
	[VERDICT_INCONCLUSIVE] = "33",
};

struct row {
	const struct results_compared *metric;
	struct json_object *params;
};

/* The rows of one scenario. */
struct section {
	const char *scenario;
	struct row *rows;
	size_t nrows;
	bool names, units; /* do metrics, or units, vary? */
	const char *varying[MAX_PARAMETERS];
	size_t nvarying;
};

/* ---- words and numbers ---- */

static const char *param_text(struct json_object *params, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(params, key, &v))
		return "-";
	if (json_object_is_type(v, json_type_boolean))
		return json_object_get_boolean(v) ? "on" : "off";
	return json_object_get_string(v);
}

/* 1,234,567, or four digits of what is small. */
static char *number_text(double v)
{
	char digits[64];
	struct strbuf out = STRBUF_INIT;
	size_t len;

	if (fabs(v) < 1000)
		return xasprintf("%.4g", v);
	len = (size_t)snprintf(digits, sizeof(digits), "%.0f", v);
	for (size_t i = 0; i < len && i < sizeof(digits) - 1; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			strbuf_addch(&out, ',');
		strbuf_addch(&out, digits[i]);
	}
	return strbuf_detach(&out);
}

/* A change in percent to so many decimals; what rounds to nothing has no sign. */
static char *percent_text(double ratio, int decimals)
{
	double percent = 100 * (ratio - 1);

	if (!isfinite(percent))
		return xstrdup("-");
	if (fabs(percent) < 0.5 * pow(10, -decimals))
		return xasprintf("%.*f %%", decimals, 0.0);
	return xasprintf("%+.*f %%", decimals, percent);
}

/* "-41.1 % ±0.2": the wider half of the interval, never rounded down. */
static char *change_text(const struct results_judgement *j)
{
	double half = 100 * fmax(j->high - j->ratio, j->ratio - j->low);
	int decimals = half < 0.1 && fabs(j->ratio - 1) < 0.1 ? 2 : 1;
	double unit = pow(10, -decimals);
	__cleanup_free char *percent = percent_text(j->ratio, decimals);

	if (!isfinite(j->ratio))
		return xstrdup("-");
	if (isnan(half))
		return xasprintf("%s ±?", percent);
	return xasprintf("%s ±%.*f", percent, decimals, ceil(half / unit) * unit);
}

static char *ratio_text(double ratio)
{
	return isfinite(ratio) ? xasprintf("%.3f", ratio) : xstrdup("-");
}

/* The median's verdict; the p99's too where it says something that the median's does not. */
static char *verdict_text(const struct results_compared *m)
{
	const struct results_judgement *j = &m->median, *tail = &m->p99;
	bool tail_tells = tail->verdict != j->verdict &&
			  (tail->verdict == VERDICT_REGRESSED || tail->verdict == VERDICT_IMPROVED);
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, results_verdict_name(j->verdict));
	if (j->more_boots)
		strbuf_addf(&out, ", %s%d more boot%s",
			    j->more_boots == RESULTS_MORE_BOOTS_MAX ? "over " : "~", j->more_boots,
			    j->more_boots == 1 ? "" : "s");
	if (tail_tells)
		strbuf_addf(&out, ", p99 %s", results_verdict_name(tail->verdict));
	return strbuf_detach(&out);
}

static const char *row_colour(const struct results_compared *m)
{
	if (m->p99.verdict == VERDICT_REGRESSED)
		return verdict_colours[VERDICT_REGRESSED];
	return verdict_colours[m->median.verdict];
}

/* ---- a section ---- */

static bool is_shown(const struct results_compared *m, unsigned int flags)
{
	bool changed =
		m->median.verdict == VERDICT_REGRESSED || m->p99.verdict == VERDICT_REGRESSED;

	return flags & RESULTS_RENDER_ALL || m->headline || changed;
}

static void gather(struct section *s, const struct results_comparison *c, unsigned int flags)
{
	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (strcmp(m->scenario, s->scenario) || !is_shown(m, flags))
			continue;
		s->rows = xrealloc(s->rows, s->nrows + 1, sizeof(*s->rows));
		s->rows[s->nrows++] = (struct row){m, json_tokener_parse(m->params)};
		s->names |= strcmp(m->metric, s->rows[0].metric->metric) != 0;
		s->units |= strcmp(m->unit, s->rows[0].metric->unit) != 0;
	}
}

static bool varies(const struct section *s, const char *key)
{
	__cleanup_free char *first = xstrdup(param_text(s->rows[0].params, key));

	for (size_t i = 1; i < s->nrows; i++)
		if (strcmp(first, param_text(s->rows[i].params, key)))
			return true;
	return false;
}

/* Finds the columns, and prints the heading with all that is the same. */
static void print_heading(struct section *s, bool colour, struct strbuf *out)
{
	const struct results_compared *m = s->rows[0].metric;
	struct strbuf same = STRBUF_INIT;

	json_object_object_foreach(s->rows[0].params, key, value)
	{
		(void)value;
		if (varies(s, key) && s->nvarying < MAX_PARAMETERS)
			s->varying[s->nvarying++] = key;
		else
			strbuf_addf(&same, "%s%s %s", same.len ? ", " : "", key,
				    param_text(s->rows[0].params, key));
	}
	strbuf_addf(out, "\n%s%s%s%s%s%s%s\n", colour ? "\033[1m" : "", s->scenario,
		    s->names ? "" : " ", s->names ? "" : m->metric, colour ? "\033[0m" : "",
		    s->units ? "" : ", ", s->units ? "" : m->unit);
	if (same.len)
		strbuf_addf(out, "%s  %s%s\n", colour ? "\033[2m" : "", same.buf,
			    colour ? "\033[0m" : "");
	strbuf_release(&same);
}

static void add_columns(const struct section *s, struct table *t)
{
	if (s->names)
		table_column(t, "metric", false, false);
	for (size_t i = 0; i < s->nvarying; i++)
		table_column(t, s->varying[i], false, false);
	if (s->units)
		table_column(t, "unit", false, true);
	table_column(t, "base", true, false);
	table_column(t, "new", true, false);
	table_column(t, "ratio", true, false);
	table_column(t, "change", true, false);
	table_column(t, "p99", true, true);
	table_column(t, "verdict", false, false);
}

static void add_row(const struct section *s, const struct row *r, struct table *t)
{
	const struct results_compared *m = r->metric;

	if (s->names)
		table_cell(t, xstrdup(m->metric), NULL);
	for (size_t i = 0; i < s->nvarying; i++)
		table_cell(t, xstrdup(param_text(r->params, s->varying[i])), NULL);
	if (s->units)
		table_cell(t, xstrdup(m->unit), NULL);
	table_cell(t, number_text(m->base.median), NULL);
	table_cell(t, number_text(m->new.median), NULL);
	table_cell(t, ratio_text(m->median.ratio), NULL);
	table_cell(t, change_text(&m->median), verdict_colours[m->median.verdict]);
	table_cell(t, percent_text(m->p99.ratio, 1), verdict_colours[m->p99.verdict]);
	table_cell(t, verdict_text(m), row_colour(m));
}

static void print_section(const struct results_comparison *c, const char *scenario,
			  unsigned int flags, struct strbuf *out)
{
	struct section s = {.scenario = scenario};
	bool colour = flags & RESULTS_RENDER_COLOUR;
	struct table t = {0};

	gather(&s, c, flags);
	if (s.nrows) {
		print_heading(&s, colour, out);
		add_columns(&s, &t);
		for (size_t i = 0; i < s.nrows; i++)
			add_row(&s, &s.rows[i], &t);
		table_print(&t, colour, WIDTH, out);
	}
	table_free(&t);
	for (size_t i = 0; i < s.nrows; i++)
		json_object_put(s.rows[i].params);
	free(s.rows);
}

static bool seen_before(const struct results_comparison *c, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (!strcmp(c->metrics[j].scenario, c->metrics[i].scenario))
			return true;
	return false;
}

/* ---- around the tables ---- */

static void print_title(const struct results_comparison *c, bool colour, struct strbuf *out)
{
	int least = c->nmetrics ? c->metrics[0].base.boots : 0, most = least;

	if (!c->nmetrics) {
		strbuf_addf(out, "%s against %s: no numbers\n", c->new, c->base);
		return;
	}
	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];
		int low = m->base.boots < m->new.boots ? m->base.boots : m->new.boots;
		int high = m->base.boots < m->new.boots ? m->new.boots : m->base.boots;

		least = low < least ? low : least;
		most = high > most ? high : most;
	}
	strbuf_addf(out, "%s%s against %s%s: clock %s", colour ? "\033[1m" : "", c->new, c->base,
		    colour ? "\033[0m" : "", c->clock);
	if (least < most)
		strbuf_addf(out, ", %d to %d boots of each", least, most);
	else
		strbuf_addf(out, ", %d boot%s of each", most, most == 1 ? "" : "s");
	strbuf_addf(out, ", %g %% intervals\n", 100 * (1 - c->alpha));
}

static void print_tests(const struct results_comparison *c, bool colour, struct strbuf *out)
{
	for (size_t i = 0; i < c->ntests; i++) {
		const struct results_changed_test *t = &c->tests[i];
		bool failed = !strcmp(t->new, "fail");

		strbuf_addf(out, "%s%s%s %s%s: %s -> %s%s\n", i ? "" : "\n",
			    colour && failed ? "\033[1;31m" : "", t->scenario,
			    t->name[0] ? t->name : t->params, colour && failed ? "\033[0m" : "",
			    t->base, t->new, failed ? " (regressed)" : "");
		if (t->text && t->text[0])
			strbuf_addf(out, "  %.*s\n", WIDTH - 2, t->text);
	}
}

static void print_failures(const struct results_comparison *c, struct strbuf *out)
{
	if (!c->base_failed && !c->new_failed)
		return;
	strbuf_addf(out, "\nfailed boots, which give no numbers: %d of %s, %d of %s\n",
		    c->base_failed, c->base, c->new_failed, c->new);
	for (size_t i = 0; i < c->nfailures; i++)
		strbuf_addf(out, "  %s: %s (%s)\n", c->failures[i].scenario, c->failures[i].why,
			    results_verdict_name(c->failures[i].verdict));
	if (c->failure)
		strbuf_addf(out, "  newest: %s\n", c->failure);
}

static void print_notes(const struct results_comparison *c, struct strbuf *out)
{
	for (const char *line = c->notes, *end; *line; line = end + !!*end) {
		end = strchrnul(line, '\n');
		strbuf_addf(out, "%snote:  %.*s\n", line == c->notes ? "\n" : "", (int)(end - line),
			    line);
	}
}

/* "learned from 2 to 10 repeated boots and an assumption worth 20" */
static char *noise_source(int least, int most, int assumed)
{
	__cleanup_free char *range =
		least == most ? xasprintf("%d", most) : xasprintf("%d to %d", least, most);
	__cleanup_free char *and =
		assumed ? xasprintf(" and an assumption worth %d", assumed) : xstrdup("");

	if (!most)
		return xstrdup("assumed, for this host has no history yet");
	return xasprintf("learned from %s repeated boots%s", range, and);
}

char *results_noise_words(const struct results_comparison *c)
{
	const struct results_judgement *worst = NULL;
	__cleanup_free char *source = NULL;
	int least = 0, most = 0;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_judgement *j = &c->metrics[i].median;

		if (isnan(j->noise))
			continue;
		least = !worst || j->noise_from < least ? j->noise_from : least;
		most = j->noise_from > most ? j->noise_from : most;
		worst = !worst || j->noise > worst->noise ? j : worst;
	}
	if (!worst)
		return xstrdup("how much boots of one kernel differ is unknown");
	source = noise_source(least, most, worst->noise_assumed);
	return xasprintf("boots of one kernel differ by %.2g %% or less (standard deviation; %s)",
			 worst->noise, source);
}

/* Why so few boots are enough, or are not. */
static void print_noise(const struct results_comparison *c, struct strbuf *out)
{
	__cleanup_free char *words = results_noise_words(c);

	if (!c->nmetrics)
		return;
	strbuf_addstr(out, "\nnoise: ");
	doc_wrap(out, words, 7, WIDTH);
}

static void print_summary(const struct results_comparison *c, size_t hidden, bool colour,
			  struct strbuf *out)
{
	size_t counts[VERDICT_INCONCLUSIVE + 1] = {0}, tails = 0, parts = 0;
	const char *paint = verdict_colours[c->verdict];

	for (size_t i = 0; i < c->nmetrics; i++) {
		if (!results_decides(c, &c->metrics[i])) {
			parts += c->metrics[i].median.verdict == VERDICT_REGRESSED;
			continue;
		}
		counts[c->metrics[i].median.verdict]++;
		tails += c->metrics[i].p99.verdict == VERDICT_REGRESSED &&
			 c->metrics[i].median.verdict != VERDICT_REGRESSED;
	}
	if (hidden)
		strbuf_addf(out, "more:  %zu metric%s with --all; every reason with --json\n",
			    hidden, hidden == 1 ? "" : "s");
	strbuf_addf(out, "\n%s%s%s%s%s: %s against %s: ", colour && paint ? "\033[" : "",
		    colour && paint ? paint : "", colour && paint ? "m" : "",
		    results_verdict_name(c->verdict), colour && paint ? "\033[0m" : "", c->new,
		    c->base);
	for (int v = VERDICT_IMPROVED; v <= VERDICT_INCONCLUSIVE; v++)
		strbuf_addf(out, "%zu %s, ", counts[v], results_verdict_name(v));
	strbuf_addf(out, "%zu unchanged", counts[VERDICT_UNCHANGED]);
	if (tails)
		strbuf_addf(out, "; p99 alone regressed in %zu", tails);
	if (parts)
		strbuf_addf(out,
			    "\n(of the parts that explain these and decide nothing, %zu regressed)",
			    parts);
	if (c->same_tests)
		strbuf_addf(out, "; %zu selftest%s as before", c->same_tests,
			    c->same_tests == 1 ? "" : "s");
	if (results_count_worse_failures(c))
		strbuf_addstr(out, "; boots fail more often");
	strbuf_addch(out, '\n');
}

/* The seeds that were there could give the very same boots. */
static void print_more(const struct results_comparison *c, struct strbuf *out)
{
	int more = results_more_boots(c);

	if (more && c->next_seed && c->verdict == VERDICT_INCONCLUSIVE)
		strbuf_addf(out,
			    "more boots, with new seeds: nestlab run ... --boots %d --seed %" PRIu64
			    "\n",
			    more, c->next_seed);
}

void results_render_text(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	bool colour = flags & RESULTS_RENDER_COLOUR;
	size_t hidden = 0;

	print_title(c, colour, out);
	for (size_t i = 0; i < c->nmetrics; i++) {
		hidden += !is_shown(&c->metrics[i], flags);
		if (!seen_before(c, i))
			print_section(c, c->metrics[i].scenario, flags, out);
	}
	print_tests(c, colour, out);
	print_failures(c, out);
	print_notes(c, out);
	print_noise(c, out);
	print_more(c, out);
	print_summary(c, hidden, colour, out);
}
