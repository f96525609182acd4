// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several kernels against one on a terminal: a table per scenario with a column per kernel. Where names as
 * heads are too wide, the kernels get letters; where that is too wide, too, they stand one below the other.
 */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/report/text_parts.h"
#include "results/report/words.h"

#define USUAL_WIDTH 80 /* of a file or a pipe */

/* How the kernels are told apart in the tables, the first that fits. */
enum style { BY_NAME, BY_LETTER, STACKED };

struct line { /* one metric, for all kernels */
	const struct results_compared *any;
	const struct results_compared **of; /* pair i; NULL: not measured with both */
	size_t rank;			    /* its place in the pair where it changed most */
};

struct lines {
	const struct results_table *t;
	struct line *items;
	size_t count;
	size_t hidden; /* left out without RESULTS_RENDER_ALL */
};

static size_t width_of(unsigned int flags)
{
	size_t columns = flags / RESULTS_RENDER_COLUMNS(1);

	if (columns)
		return columns;
	return USUAL_WIDTH;
}

/* ---- gathering ---- */

static bool is_same_metric(const struct results_compared *a, const struct results_compared *b)
{
	return a->rounds == b->rounds && a->warmup == b->warmup && !strcmp(a->metric, b->metric) &&
	       !strcmp(a->params, b->params) && !strcmp(a->scenario, b->scenario);
}

static struct line *find_line(struct lines *l, const struct results_compared *m, size_t rank)
{
	for (size_t i = 0; i < l->count; i++)
		if (is_same_metric(l->items[i].any, m))
			return &l->items[i];
	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count] = (struct line){
		.any = m,
		.of = xcalloc(l->t->npairs, sizeof(struct results_compared *)),
		.rank = rank,
	};
	return &l->items[l->count++];
}

static bool is_line_shown(const struct lines *l, const struct line *line, unsigned int flags)
{
	for (size_t i = 0; i < l->t->npairs; i++)
		if (line->of[i] && text_is_shown(line->of[i], flags))
			return true;
	return false;
}

static void drop_hidden(struct lines *l, unsigned int flags)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (is_line_shown(l, &l->items[i], flags))
			l->items[kept++] = l->items[i];
		else
			free(l->items[i].of);
	}
	l->hidden = l->count - kept;
	l->count = kept;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->any->metric, y->any->metric);

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (!order)
		order = strcmp(x->any->params, y->any->params);
	return order;
}

/* Most changed first, with whichever kernel. */
static void gather_lines(struct lines *l, unsigned int flags)
{
	for (size_t i = 0; i < l->t->npairs; i++) {
		const struct results_comparison *c = &l->t->pairs[i];

		for (size_t k = 0; k < c->nmetrics; k++) {
			struct line *line = find_line(l, &c->metrics[k], k);

			line->of[i] = &c->metrics[k];
			if (k < line->rank)
				line->rank = k;
		}
	}
	drop_hidden(l, flags);
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), compare_ranks);
}

static void free_lines(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].of);
	free(l->items);
}

/* ---- tables ---- */

/* The head of kernel @i, 0 being the base. */
static const char *kernel_name(const struct results_table *t, size_t i)
{
	if (!i)
		return t->pairs[0].base;
	return t->pairs[i - 1].new;
}

static void add_kernel_head(struct table *table, const struct results_table *t, size_t i,
			    enum style style)
{
	const char letter[] = {(char)('A' + i), '\0'};

	if (style == BY_NAME)
		table_add_column(table, kernel_name(t, i), true, false);
	else
		table_add_column(table, letter, true, false);
}

static const char *verdict_sign(enum results_verdict v)
{
	static const char *const signs[] = {
		[VERDICT_UNCHANGED] = "=",
		[VERDICT_IMPROVED] = "\u2714",
		[VERDICT_REGRESSED] = "\u2718",
		[VERDICT_INCONCLUSIVE] = "?",
	};

	return signs[v];
}

/* "-20.0 % ✔", and "p99✘" where that is all that got worse. Pages show a cell's tone by the same sign (@toned),
 * so there only what has no tone gets one here. */
static void add_change(struct table *table, const struct results_compared *m, bool toned)
{
	__cleanup_free char *change = words_change(m, &m->median);
	enum tone tone = words_tone(m->median.verdict);
	const char *tail = "", *sign = verdict_sign(m->median.verdict);

	if (m->p99.verdict == VERDICT_REGRESSED) {
		tone = TONE_BAD;
		tail = " p99\u2718";
	}
	if (toned && tone != TONE_PLAIN && !*tail)
		table_cell_tone(table, tone, "%s", change);
	else
		table_cell_tone(table, tone, "%s %s%s", change, sign, tail);
}

static void add_columns(struct table *table, const struct lines *l, const struct text_section *s,
			enum style style)
{
	text_section_add_heads(s, table);
	for (size_t i = 0; i < l->t->npairs + 1; i++) {
		add_kernel_head(table, l->t, i, style);
		if (i)
			table_add_column(table, "change", false, false);
	}
}

static void add_cells(struct table *table, const struct lines *l, const struct line *line,
		      bool toned)
{
	table_take(table, TONE_PLAIN, words_number(line->any->base.median));
	for (size_t i = 0; i < l->t->npairs; i++) {
		const struct results_compared *m = line->of[i];

		if (m) {
			table_take(table, TONE_PLAIN, words_number(m->new.median));
			add_change(table, m, toned);
		} else {
			table_cell(table, "-");
			table_cell(table, "%s", "");
		}
	}
}

static const struct line *line_of(const struct lines *l, const struct results_compared *m)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].any == m)
			return &l->items[i];
	return NULL;
}

static struct table *make_wide(const struct lines *l, const struct text_section *s,
			       enum style style)
{
	struct table *table = table_new("", "");

	add_columns(table, l, s, style);
	for (size_t i = 0; i < s->nrows; i++) {
		text_section_add_cells(s, &s->rows[i], table);
		add_cells(table, l, line_of(l, s->rows[i].metric), false);
	}
	return table;
}

/* What a row is about in one cell: "switch, memory managed, l2_vcpus 8". */
static char *row_title(const struct text_section *s, const struct text_row *r)
{
	struct strbuf title = STRBUF_INIT;

	strbuf_addstr(&title, r->metric->metric);
	for (size_t i = 0; i < s->nvarying; i++)
		strbuf_addf(&title, ", %s %s", s->varying[i], text_param(r->params, s->varying[i]));
	if (s->units_vary)
		strbuf_addf(&title, ", %s", r->metric->unit);
	return strbuf_detach(&title);
}

static void add_stacked_row(struct table *table, const char *title, const char *kernel,
			    const struct results_compared *m)
{
	table_cell(table, "%s", title);
	table_cell(table, "%s", kernel);
	if (!m) {
		table_cell(table, "-");
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
		table_cell(table, "not measured");
		return;
	}
	table_take(table, TONE_PLAIN, words_number(m->new.median));
	table_take(table, words_tone(m->median.verdict), words_change_interval(m, &m->median));
	table_take(table, words_tone(m->p99.verdict), words_change(m, &m->p99));
	table_take(table, words_tone(m->median.verdict), text_verdict(m));
}

static struct table *make_stacked(const struct lines *l, const struct text_section *s)
{
	struct table *table = table_new("", "metric|kernel|median>|change>|p99>?|verdict");

	for (size_t i = 0; i < s->nrows; i++) {
		const struct line *line = line_of(l, s->rows[i].metric);
		__cleanup_free char *title = row_title(s, &s->rows[i]);

		table_cell(table, "%s", title);
		table_cell(table, "%s", kernel_name(l->t, 0));
		table_take(table, TONE_PLAIN, words_number(line->any->base.median));
		for (int empty = 0; empty < 3; empty++)
			table_cell(table, "%s", "");
		for (size_t k = 0; k < l->t->npairs; k++)
			add_stacked_row(table, title, kernel_name(l->t, k + 1), line->of[k]);
	}
	return table;
}

/* ---- sections ---- */

static void make_section(struct text_section *s, const struct lines *l, const char *scenario,
			 unsigned int flags, struct strbuf *title)
{
	*s = (struct text_section){.scenario = scenario};
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i].any->scenario, scenario))
			text_section_add(s, l->items[i].any);
	text_section_add_title(s, flags, title);
}

static bool begins_section(const struct lines *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(l->items[k].any->scenario, l->items[i].any->scenario))
			return false;
	return true;
}

/* Do all tables fit so? */
static bool does_fit(const struct lines *l, enum style style, size_t width)
{
	bool fits = true;

	for (size_t i = 0; i < l->count && fits; i++) {
		struct strbuf title = STRBUF_INIT;
		struct text_section s;
		struct table *table;

		if (!begins_section(l, i))
			continue;
		make_section(&s, l, l->items[i].any->scenario, 0, &title);
		table = make_wide(l, &s, style);
		fits = table_columns(table) <= width;
		table_free(table);
		text_section_free(&s);
		strbuf_release(&title);
	}
	return fits;
}

static enum style choose_style(const struct lines *l, size_t width)
{
	enum style style = BY_NAME;

	while (style < STACKED && !does_fit(l, style, width))
		style++;
	return style;
}

static void add_section(const struct lines *l, const char *scenario, enum style style,
			unsigned int flags, struct strbuf *out)
{
	unsigned int how = 0;
	struct text_section s;
	struct table *table;

	make_section(&s, l, scenario, flags, out);
	if (flags & RESULTS_RENDER_COLOUR)
		how |= TABLE_COLOUR;
	if (!(flags / RESULTS_RENDER_COLUMNS(1)))
		how |= TABLE_WHOLE;
	if (style == STACKED) {
		table = make_stacked(l, &s);
		how |= TABLE_TITLES;
	} else {
		table = make_wide(l, &s, style);
	}
	table_text(table, width_of(flags), how, out);
	table_free(table);
	text_section_free(&s);
}

/* ---- around the tables ---- */

static void add_boots(const struct results_table *t, struct strbuf *out)
{
	int least = 0, most = 0;

	for (size_t i = 0; i < t->npairs; i++)
		text_widen_boots(&t->pairs[i], &least, &most);
	if (least < most)
		strbuf_addf(out, "%d to ", least);
	strbuf_addf(out, "%d boot%s of each", most, words_plural((size_t)most));
}

static void add_title(const struct results_table *t, enum style style, unsigned int flags,
		      struct strbuf *out)
{
	__cleanup_free char *title =
		xasprintf("%zu kernels against %s", t->npairs, kernel_name(t, 0));

	text_add_coloured(out, flags, TEXT_BOLD, title);
	strbuf_addf(out, ":\nclock %s, ", t->pairs[0].clock);
	add_boots(t, out);
	strbuf_addf(out, ", %zu numbers judged together at %g %%\n", t->family,
		    100 * t->pairs[0].alpha);
	if (style == STACKED)
		return;
	strbuf_addstr(out, "\u2714 improved  \u2718 regressed  ? inconclusive  = unchanged\n");
	for (size_t i = 0; style == BY_LETTER && i < t->npairs + 1; i++)
		strbuf_addf(out, "  %c  %s\n", (char)('A' + i), kernel_name(t, i));
}

static bool has_failed(const struct results_comparison *c)
{
	return c->base_failed || c->new_failed;
}

/* What is not a number: tests, and boots that failed. */
static void add_others(const struct results_table *t, unsigned int flags, struct strbuf *out)
{
	for (size_t i = 0; i < t->npairs; i++) {
		const struct results_comparison *c = &t->pairs[i];

		if (!c->ntests && !has_failed(c))
			continue;
		strbuf_addch(out, '\n');
		text_add_coloured(out, flags, TEXT_BOLD, c->new);
		strbuf_addch(out, ':');
		text_add_changed_tests(c, flags, out);
		text_add_failures(c, flags, out);
	}
}

static bool is_noted(const struct results_table *t, size_t before, const char *line, size_t n)
{
	for (size_t i = 0; i < before; i++)
		for (const char *other = t->pairs[i].notes; *other;) {
			size_t len = strcspn(other, "\n");

			if (len == n && !memcmp(other, line, n))
				return true;
			other += len;
			other += *other == '\n';
		}
	return false;
}

/* What is to be known of the base would stand there once for each pair. */
static void add_notes(const struct results_table *t, unsigned int flags, struct strbuf *out)
{
	const char *before = "\n";

	for (size_t i = 0; i < t->npairs; i++)
		for (const char *line = t->pairs[i].notes; *line;) {
			size_t n = strcspn(line, "\n");
			__cleanup_free char *text = xasprintf("%.*s", (int)n, line);

			if (!is_noted(t, i, line, n)) {
				strbuf_addf(out, "%snote:  ", before);
				table_wrap(out, text, 7, width_of(flags));
				before = "";
			}
			line += n;
			line += *line == '\n';
		}
}

static void add_noise(const struct results_table *t, unsigned int flags, struct strbuf *out)
{
	__cleanup_free char *words = results_noise_words(&t->pairs[0]);

	if (!t->family)
		return;
	strbuf_addstr(out, "\nnoise: ");
	table_wrap(out, words, 7, width_of(flags));
}

static void add_more(const struct results_table *t, size_t hidden, struct strbuf *out)
{
	int most = 0;

	for (size_t i = 0; i < t->npairs; i++) {
		int more = results_more_boots(&t->pairs[i]);

		if (more > most)
			most = more;
	}
	if (most)
		strbuf_addf(
			out,
			"more:  about %d boot%s more of each would settle what is not decided\n",
			most, words_plural((size_t)most));
	if (hidden)
		strbuf_addf(out, "more:  %zu metric%s with --all; every reason with --json\n",
			    hidden, words_plural(hidden));
}

static void add_summary(const struct results_comparison *c, unsigned int flags, struct strbuf *out)
{
	const char *verdict = results_verdict_name(c->verdict), *failures = "";
	__cleanup_free char *counts = words_counts(c, true);
	__cleanup_free char *text = NULL;

	if (results_count_worse_failures(c))
		failures = "; boots fail more often";
	text = xasprintf("%s: %s%s", c->new, counts, failures);
	text_add_coloured(out, flags, tone_colour(words_tone(c->verdict)), verdict);
	strbuf_addstr(out, ": ");
	table_wrap(out, text, strlen(verdict) + 2, width_of(flags));
}

void results_render_table_text(const struct results_table *t, unsigned int flags,
			       struct strbuf *out)
{
	struct lines l = {.t = t};
	enum style style;

	gather_lines(&l, flags);
	style = choose_style(&l, width_of(flags));
	add_title(t, style, flags, out);
	for (size_t i = 0; i < l.count; i++)
		if (begins_section(&l, i))
			add_section(&l, l.items[i].any->scenario, style, flags, out);
	add_others(t, flags, out);
	add_notes(t, flags, out);
	add_noise(t, flags, out);
	add_more(t, l.hidden, out);
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < t->npairs; i++)
		add_summary(&t->pairs[i], flags, out);
	free_lines(&l);
}

/* ---- in a document ---- */

/* "multiplex, instructions: l1 micro-vmx", of a section's two lines. */
static char *make_caption(const char *title)
{
	struct strbuf caption = STRBUF_INIT;

	for (const char *s = title + strspn(title, "\n"); *s;) {
		size_t n = strcspn(s, "\n");

		strbuf_add(&caption, s, n);
		s += n + strspn(s + n, "\n ");
		if (*s)
			strbuf_addstr(&caption, ": ");
	}
	return strbuf_detach(&caption);
}

static void add_to_document(struct doc *d, const struct lines *l, const char *scenario)
{
	struct strbuf title = STRBUF_INIT;
	__cleanup_free char *caption = NULL;
	struct text_section s;
	struct table *table;

	make_section(&s, l, scenario, 0, &title);
	caption = make_caption(title.buf);
	table = table_new(caption, "");
	add_columns(table, l, &s, BY_NAME);
	for (size_t i = 0; i < s.nrows; i++) {
		text_section_add_cells(&s, &s.rows[i], table);
		add_cells(table, l, line_of(l, s.rows[i].metric), d->face != &plain_face);
	}
	doc_table(d, table);
	text_section_free(&s);
	strbuf_release(&title);
}

static void add_notes_to_document(struct doc *d, const struct results_table *t)
{
	for (size_t i = 0; i < t->npairs; i++)
		for (const char *line = t->pairs[i].notes; *line;) {
			size_t n = strcspn(line, "\n");

			if (!is_noted(t, i, line, n))
				doc_item(d, TONE_PLAIN, "note: %.*s", (int)n, line);
			line += n;
			line += *line == '\n';
		}
}

void text_table_add_to(struct doc *d, const struct results_table *t)
{
	struct lines l = {.t = t};

	gather_lines(&l, 0);
	doc_paragraph(d, "\u2714 improved, \u2718 regressed, ? inconclusive, = unchanged");
	for (size_t i = 0; i < l.count; i++)
		if (begins_section(&l, i))
			add_to_document(d, &l, l.items[i].any->scenario);
	if (l.hidden)
		doc_paragraph(d,
			      "Not shown: %zu metrics that are not headline metrics and did not "
			      "regress; json has them.",
			      l.hidden);
	add_notes_to_document(d, t);
	free_lines(&l);
}
