// SPDX-License-Identifier: GPL-2.0-only
/*
 * The comparison on a terminal: a table per scenario. Parameters that are the same in the whole table
 * stand above it once; those that vary are columns.
 */
#include "results/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "results/report/markup.h"
#include "results/report/words.h"

#define WIDTH	       100
#define MAX_PARAMETERS 16
#define FAILURE_MAX    2000 /* bytes of what a failed boot said */

#define BOLD  "1"
#define FAINT "2"

struct row {
	const struct results_compared *metric;
	struct json_object *params;
};

/* The rows of one scenario. */
struct section {
	const char *scenario;
	struct row *rows;
	size_t nrows;
	bool names_vary, units_vary; /* of the metrics */
	const char *varying[MAX_PARAMETERS];
	size_t nvarying;
};

/* Appends @text in @colour (SGR numbers; NULL: none), where colours are wanted. */
static void add_coloured(struct strbuf *out, unsigned int flags, const char *colour,
			 const char *text)
{
	if (colour && flags & RESULTS_RENDER_COLOUR)
		strbuf_addf(out, "\033[%sm%s\033[0m", colour, text);
	else
		strbuf_addstr(out, text);
}

/* A line of what a guest or a test printed: no control character of it gets to the terminal. */
static void add_output(struct strbuf *out, const char *head, const char *text, int max)
{
	__cleanup_free char *shown = xasprintf("%.*s", max, text);

	strbuf_addstr(out, head);
	markup_line(out, shown);
	strbuf_addch(out, '\n');
}

/* ---- a section ---- */

static const char *param_text(struct json_object *params, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(params, key, &v))
		return "-";
	if (!json_object_is_type(v, json_type_boolean))
		return json_object_get_string(v);
	if (json_object_get_boolean(v))
		return "on";
	return "off";
}

/* The median's verdict, with the boots that would settle it; the p99's where it says more. */
static char *verdict_text(const struct results_compared *m)
{
	const struct results_judgement *j = &m->median;
	__cleanup_free char *verdict = words_verdict(m);
	const char *rest = verdict + strlen(results_verdict_name(j->verdict));
	const char *about = "~";

	if (!j->more_boots)
		return xstrdup(verdict);
	if (j->more_boots == RESULTS_MORE_BOOTS_MAX)
		about = "over ";
	return xasprintf("%s, %s%d more boot%s%s", results_verdict_name(j->verdict), about,
			 j->more_boots, words_plural(j->more_boots), rest);
}

static enum tone row_tone(const struct results_compared *m)
{
	if (m->p99.verdict == VERDICT_REGRESSED)
		return TONE_BAD;
	return words_tone(m->median.verdict);
}

static bool is_shown(const struct results_compared *m, unsigned int flags)
{
	return flags & RESULTS_RENDER_ALL || m->headline || words_has_regressed(m);
}

static void gather_rows(struct section *s, const struct results_comparison *c, unsigned int flags)
{
	for (size_t i = 0; i < c->nmetrics; i++) {
		const struct results_compared *m = &c->metrics[i];

		if (strcmp(m->scenario, s->scenario) || !is_shown(m, flags))
			continue;
		s->rows = xrealloc(s->rows, s->nrows + 1, sizeof(*s->rows));
		s->rows[s->nrows++] = (struct row){m, json_tokener_parse(m->params)};
		s->names_vary |= strcmp(m->metric, s->rows[0].metric->metric) != 0;
		s->units_vary |= strcmp(m->unit, s->rows[0].metric->unit) != 0;
	}
}

static bool does_vary(const struct section *s, const char *key)
{
	__cleanup_free char *first = xstrdup(param_text(s->rows[0].params, key));

	for (size_t i = 1; i < s->nrows; i++)
		if (strcmp(first, param_text(s->rows[i].params, key)))
			return true;
	return false;
}

/* Finds the parameters that are columns; those that are the same in all rows go to @same. */
static void divide_params(struct section *s, struct strbuf *same)
{
	json_object_object_foreach(s->rows[0].params, key, value)
	{
		(void)value;
		if (does_vary(s, key) && s->nvarying < MAX_PARAMETERS) {
			s->varying[s->nvarying++] = key;
			continue;
		}
		if (same->len)
			strbuf_addstr(same, ", ");
		strbuf_addf(same, "%s %s", key, param_text(s->rows[0].params, key));
	}
}

/* "exits exit, instructions", and below it the parameters that are the same. */
static void add_heading(struct section *s, unsigned int flags, struct strbuf *out)
{
	const struct results_compared *m = s->rows[0].metric;
	struct strbuf title = STRBUF_INIT, same = STRBUF_INIT;

	strbuf_addstr(&title, s->scenario);
	if (!s->names_vary)
		strbuf_addf(&title, " %s", m->metric);
	strbuf_addch(out, '\n');
	add_coloured(out, flags, BOLD, title.buf);
	if (!s->units_vary)
		strbuf_addf(out, ", %s", m->unit);
	strbuf_addch(out, '\n');
	divide_params(s, &same);
	if (same.len) {
		strbuf_reset(&title);
		strbuf_addf(&title, "  %s", same.buf);
		add_coloured(out, flags, FAINT, title.buf);
		strbuf_addch(out, '\n');
	}
	strbuf_release(&title);
	strbuf_release(&same);
}

static struct table *make_table(const struct section *s)
{
	struct table *t = table_new("", "");

	if (s->names_vary)
		table_add_column(t, "metric", false, false);
	for (size_t i = 0; i < s->nvarying; i++)
		table_add_column(t, s->varying[i], false, false);
	if (s->units_vary)
		table_add_column(t, "unit", false, true);
	table_add_column(t, "base", true, false);
	table_add_column(t, "new", true, false);
	table_add_column(t, "ratio", true, false);
	table_add_column(t, "change", true, false);
	table_add_column(t, "p99", true, true);
	table_add_column(t, "verdict", false, false);
	return t;
}

static void add_row(const struct section *s, const struct row *r, struct table *t)
{
	const struct results_compared *m = r->metric;

	if (s->names_vary)
		table_cell(t, "%s", m->metric);
	for (size_t i = 0; i < s->nvarying; i++)
		table_cell(t, "%s", param_text(r->params, s->varying[i]));
	if (s->units_vary)
		table_cell(t, "%s", m->unit);
	table_take(t, TONE_PLAIN, words_number(m->base.median));
	table_take(t, TONE_PLAIN, words_number(m->new.median));
	table_take(t, TONE_PLAIN, words_ratio(m->median.ratio));
	table_take(t, words_tone(m->median.verdict), words_change_interval(m, &m->median));
	table_take(t, words_tone(m->p99.verdict), words_change(m, &m->p99));
	table_take(t, row_tone(m), verdict_text(m));
}

static void add_section(const struct results_comparison *c, const char *scenario,
			unsigned int flags, struct strbuf *out)
{
	struct section s = {.scenario = scenario};
	struct table *t;

	gather_rows(&s, c, flags);
	if (!s.nrows)
		return;
	add_heading(&s, flags, out);
	t = make_table(&s);
	for (size_t i = 0; i < s.nrows; i++)
		add_row(&s, &s.rows[i], t);
	table_text_columns(t, flags / RESULTS_RENDER_COLUMNS(1), flags & RESULTS_RENDER_COLOUR,
			   out);
	table_free(t);
	for (size_t i = 0; i < s.nrows; i++)
		json_object_put(s.rows[i].params);
	free(s.rows);
}

static bool has_section(const struct results_comparison *c, size_t before, const char *scenario)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(c->metrics[i].scenario, scenario))
			return true;
	return false;
}

/* ---- around the tables ---- */

/* "2 to 4 boots of each" */
static void add_boots(const struct results_comparison *c, struct strbuf *out)
{
	int least = c->metrics[0].base.boots, most = least;

	for (size_t i = 0; i < c->nmetrics; i++) {
		const int boots[] = {c->metrics[i].base.boots, c->metrics[i].new.boots};

		for (size_t k = 0; k < ARRAY_SIZE(boots); k++) {
			if (boots[k] < least)
				least = boots[k];
			if (boots[k] > most)
				most = boots[k];
		}
	}
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
	add_coloured(out, flags, BOLD, kernels);
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
	add_coloured(out, flags, colour, title);
	strbuf_addf(out, ": %s -> %s%s\n", t->base, t->new, verdict);
	if (t->text && t->text[0])
		add_output(out, "  ", t->text, WIDTH - 2);
}

static void add_changed_tests(const struct results_comparison *c, unsigned int flags,
			      struct strbuf *out)
{
	if (c->ntests)
		strbuf_addch(out, '\n');
	for (size_t i = 0; i < c->ntests; i++)
		add_changed_test(&c->tests[i], flags, out);
}

static void add_failures(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	if (!c->base_failed && !c->new_failed)
		return;
	strbuf_addf(out, "\nfailed boots, which give no numbers: %d of %s, %d of %s\n",
		    c->base_failed, c->base, c->new_failed, c->new);
	for (size_t i = 0; i < c->nfailures; i++) {
		const struct results_failure_rate *r = &c->failures[i];

		strbuf_addf(out, "  %s: %s (", r->scenario, r->why);
		add_coloured(out, flags, tone_colour(words_tone(r->verdict)),
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
	strbuf_addf(out,
		    "more boots, with new seeds: nestlab run ... --boots %d --seed %" PRIu64 "\n",
		    more, c->next_seed);
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

	strbuf_addch(out, '\n');
	add_coloured(out, flags, tone_colour(words_tone(c->verdict)),
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
		hidden += !is_shown(&c->metrics[i], flags);
		if (!has_section(c, i, c->metrics[i].scenario))
			add_section(c, c->metrics[i].scenario, flags, out);
	}
	add_changed_tests(c, flags, out);
	add_failures(c, flags, out);
	add_notes(c, out);
	add_noise(c, out);
	add_more_boots(c, out);
	if (hidden)
		strbuf_addf(out, "more:  %zu metric%s with --all; every reason with --json\n",
			    hidden, words_plural(hidden));
	add_summary(c, flags, out);
}
