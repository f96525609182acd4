/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - a comparison on a terminal (`nestlab compare`, `nestlab run`), and as JSON.
 */
#ifndef RESULTS_REPORT_TEXT_H
#define RESULTS_REPORT_TEXT_H

#include "results/compare/compare.h"

/* The table per scenario for people, and the JSON of `compare --json`. */
#define RESULTS_RENDER_COLOUR 1u
#define RESULTS_RENDER_ALL    2u /* not the headline metrics alone */
void results_render_text(const struct results_comparison *c, unsigned int flags,
			 struct strbuf *out);
/* Each selftest of a session and how it ended (at worst, over the boots) on up to two kernels; nothing
 * if there was none. */
int results_render_selftests(struct results_db *db, const char *session, const char *const *kernels,
			     size_t nkernels, unsigned int flags, struct strbuf *out,
			     struct error *err);
void results_render_json(const struct results_comparison *c, struct strbuf *out);

#endif
