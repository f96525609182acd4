/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text_parts.h - what the tables on a terminal share: of two kernels (text.c), of several (text_table.c).
 * Private to results/report/text*.c.
 */
#ifndef RESULTS_REPORT_TEXT_PARTS_H
#define RESULTS_REPORT_TEXT_PARTS_H

#include <json-c/json.h>

#include "common/strbuf.h"
#include "results/report/doc.h"
#include "results/report/table.h"
#include "results/report/text.h"

#define TEXT_PARAMETERS_MAX 16

#define TEXT_BOLD  "1" /* SGR numbers */
#define TEXT_FAINT "2"

/* Appends @text in @colour (NULL: none), where @flags (RESULTS_RENDER_*) want colours. */
void text_add_coloured(struct strbuf *out, unsigned int flags, const char *colour,
		       const char *text);

/* ---- sections: the rows of one scenario ---- */

struct text_row {
	const struct results_compared *metric;
	struct json_object *params;
};

struct text_section { /* begin with .scenario; free with text_section_free() */
	const char *scenario;
	struct text_row *rows;
	size_t nrows;
	bool names_vary, units_vary;		  /* of the metrics */
	const char *varying[TEXT_PARAMETERS_MAX]; /* parameters that are columns */
	size_t nvarying;
	const char *told
		[TEXT_PARAMETERS_MAX]; /* that some L1s alone have: the column of L1s says which */
	size_t ntold;
};

void text_section_add(struct text_section *s, const struct results_compared *m);
/* "exits exit, instructions", and below it the parameters that are the same in all rows; those that are
 * not become columns. Before the next two. */
void text_section_add_title(struct text_section *s, unsigned int flags, struct strbuf *out);
/* The columns that say what a row is about, and a row's cells in them. */
void text_section_add_heads(const struct text_section *s, struct table *t);
void text_section_add_cells(const struct text_section *s, const struct text_row *r,
			    struct table *t);
/* A parameter as text; "-": it has none. */
const char *text_param(struct json_object *params, const char *key);
void text_section_free(struct text_section *s);

/* ---- parts of a comparison ---- */

/* In text_table.c: a table per scenario with a column per kernel, and the notes, for a document. */
void text_table_add_to(struct doc *d, const struct results_table *t);

/* Headlines and what regressed; with RESULTS_RENDER_ALL all. */
bool text_is_shown(const struct results_compared *m, unsigned int flags);
/* The median's verdict, with the boots that would settle it; the p99's where it says more. The caller
 * frees. */
char *text_verdict(const struct results_compared *m);

/* Widens @least to @most (both 0: nothing yet) to the boots that stand behind the metrics. In text.c. */
void text_widen_boots(const struct results_comparison *c, int *least, int *most);
/* In text.c: a paragraph each, with an empty line before, where there is something to say. */
void text_add_changed_tests(const struct results_comparison *c, unsigned int flags,
			    struct strbuf *out);
void text_add_failures(const struct results_comparison *c, unsigned int flags, struct strbuf *out);
#endif
