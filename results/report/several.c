// SPDX-License-Identifier: GPL-2.0-only
#include "results/report/several.h"

#include "common/alloc.h"
#include "common/shell.h"
#include "results/report/objects.h"
#include "results/report/page.h"
#include "results/report/text_parts.h"
#include "results/report/words.h"

static void add_kernels(struct doc *d, const struct results_table *t)
{
	struct table *table = table_new(
		"The kernels", "kernel|content key|verdict|medians that decide|failed boots>");

	table_cell(table, "%s", t->pairs[0].base);
	table_cell(table, "%s", t->pairs[0].base_key);
	table_cell(table, "the base");
	table_cell(table, "%s", "");
	table_cell(table, "%d", t->pairs[0].base_failed);
	for (size_t i = 0; i < t->npairs; i++) {
		const struct results_comparison *c = &t->pairs[i];

		table_cell(table, "%s", c->new);
		table_cell(table, "%s", c->new_key);
		table_cell_tone(table, words_tone(c->verdict), "%s",
				results_verdict_name(c->verdict));
		table_take(table, TONE_PLAIN, words_counts(c, true));
		table_cell(table, "%d", c->new_failed);
	}
	doc_table(d, table);
}

/* What the kernels' boots and tests did, and what is to be known of the pair. */
static void add_pair(struct doc *d, const struct results_comparison *c)
{
	if (c->failure)
		doc_item(d, TONE_BAD, "%s: %s", c->new, c->failure);
	for (size_t i = 0; i < c->nfailures; i++)
		doc_item(d, words_tone(c->failures[i].verdict), "%s, %s: %s", c->new,
			 c->failures[i].scenario, c->failures[i].why);
	for (size_t i = 0; i < c->ntests; i++) {
		const struct results_changed_test *t = &c->tests[i];

		doc_item(d, TONE_PLAIN, "%s, %s %s: %s with the base, %s with it", c->new,
			 t->scenario, t->name, t->base, t->new);
	}
}

/* "nestlab report BASE NEW --db FILE" */
static void add_command(struct strbuf *out, const char *command, const struct results_table *t,
			size_t first, size_t end, const struct report_options *o)
{
	strbuf_addf(out, "%s %s ", shell_program(), command);
	shell_add_word(out, t->pairs[0].base);
	for (size_t i = first; i < end; i++) {
		strbuf_addch(out, ' ');
		shell_add_word(out, t->pairs[i].new);
	}
	if (o && o->db) {
		strbuf_addstr(out, " --db ");
		shell_add_word(out, o->db);
	}
	strbuf_addch(out, '\n');
}

static void add_commands(struct strbuf *out, const struct results_table *t,
			 const struct report_options *o)
{
	for (size_t i = 0; i < t->npairs; i++)
		add_command(out, "report", t, i, i + 1, o);
	add_command(out, "compare", t, 0, t->npairs, o);
}

static void add_pairs_commands(struct doc *d, const struct results_table *t,
			       const struct report_options *o)
{
	struct strbuf commands = STRBUF_INIT;

	doc_heading(d, "Each pair's own report");
	doc_paragraph(
		d,
		"It has the intervals, the boots with their hashes, and the commands that repeat them. "
		"There the numbers of one pair are judged together, here those of all.");
	add_commands(&commands, t, o);
	doc_code(d, commands.buf);
	strbuf_release(&commands);
}

static void render(const struct several *s, const struct report_options *o,
		   const struct doc_face *face, struct strbuf *out)
{
	const struct results_table *t = s->table;
	const char *verdict = results_verdict_name(t->verdict);
	__cleanup_free char *title =
		xasprintf("nestlab: %zu kernels against %s", t->npairs, t->pairs[0].base);
	size_t columns = 0;
	struct doc d;

	if (o)
		columns = o->columns;
	doc_begin_columns(&d, face, out, title, columns);
	doc_verdict(&d, words_tone(t->verdict), verdict,
		    "the worst of the kernels'. Clock %s; %zu numbers judged together at %g %%.",
		    t->pairs[0].clock, t->family, 100 * t->pairs[0].alpha);
	add_kernels(&d, t);
	for (size_t i = 0; i < t->npairs; i++)
		add_pair(&d, &t->pairs[i]);
	doc_heading(&d, "Results");
	text_table_add_to(&d, t);
	add_pairs_commands(&d, t, o);
	page_add_head(&d, &s->head);
	doc_end(&d);
}

void plain_several(const struct several *s, const struct report_options *o, struct strbuf *out)
{
	render(s, o, &plain_face, out);
}

void html_several(const struct several *s, const struct report_options *o, struct strbuf *out)
{
	render(s, o, &html_face, out);
}

void markdown_several(const struct several *s, const struct report_options *o, struct strbuf *out)
{
	render(s, o, &markdown_face, out);
}

void json_several(const struct several *s, const struct report_options *o, struct strbuf *out)
{
	struct json_object *doc = objects_of_table(s->table);
	struct strbuf commands = STRBUF_INIT;

	add_commands(&commands, s->table, o);
	json_object_object_add(doc, "database", objects_of_head(&s->head));
	objects_add_text(doc, "reports", commands.buf);
	objects_print(doc, out);
	strbuf_release(&commands);
	json_object_put(doc);
}
