/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - a comparison on a terminal (`nestlab compare`, `nestlab run`), and as JSON: what commands
 * print that do not make a report.
 */
#ifndef RESULTS_REPORT_TEXT_H
#define RESULTS_REPORT_TEXT_H

#include "results/compare/compare.h"

#define RESULTS_RENDER_COLOUR 1u
#define RESULTS_RENDER_ALL    2u /* not the headline metrics alone */
/* No table is wider than @n columns, from 20 on: a row that does not fit stands in several lines. 0: tables
 * are as wide as they must be, for pipes and files. */
#define RESULTS_RENDER_COLUMNS(n) ((unsigned int)(n) << 8)

/* A table per scenario, then what else there is to know, the verdict last. */
void results_render_text(const struct results_comparison *c, unsigned int flags,
			 struct strbuf *out);
/* Several kernels against one: a table per scenario with a column per kernel; in 80 columns where @flags have
 * none. */
void results_render_table_text(const struct results_table *t, unsigned int flags,
			       struct strbuf *out);
/* The JSON of `compare --json` with several kernels: all pairs. In objects.c. */
void results_render_table_json(const struct results_table *t, struct strbuf *out);
/* Each selftest of a session and how it ended (at worst, over the boots) on up to two kernels; nothing
 * if there was none. In selftests_table.c. */
int results_render_selftests(struct results_db *db, const char *session, const char *const *kernels,
			     size_t nkernels, unsigned int flags, struct strbuf *out,
			     struct error *err);
/* The numbers that decide, of one kernel in a session: medians and 99th percentiles. In numbers_table.c. */
int results_render_numbers(struct results_db *db, const char *session, const char *kernel,
			   unsigned int flags, struct strbuf *out, struct error *err);
/* The JSON of `compare --json`. In objects.c. */
void results_render_json(const struct results_comparison *c, struct strbuf *out);

/* How much boots of one kernel differ, and how that is known: why so few boots are enough, or are
 * not. A clause; the caller frees. In words.c. */
char *results_noise_words(const struct results_comparison *c);

#endif
