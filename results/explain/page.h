/* SPDX-License-Identifier: GPL-2.0-only */
/* page.h - an explanation as a part of a document, and its two drawings. */
#ifndef RESULTS_EXPLAIN_PAGE_H
#define RESULTS_EXPLAIN_PAGE_H

#include "results/explain/explain.h"
#include "results/report/doc.h"

/* The story in a box: on a page of its own, where nothing else is a verdict. */
void explain_add_verdict(struct doc *d, const struct explanation *e);
/* All the rest, below a heading, a title or a summary of the caller's. */
void explain_add_to(struct doc *d, const struct explanation *e);

/*
 * The call tree as a flame graph, root on top: a box is as wide as what it costs, in whichever kernel it
 * costs more. What fell is hatched, what grew is filled, the rest is pale, so that it can be read in
 * greyscale. Each box has its name as text, if it has room, and its numbers as a tooltip.
 */
void explain_draw_flame(const struct explanation *e, struct strbuf *svg);
/* Bars: the source files that changed most; of one kernel, those that cost most. */
void explain_draw_bars(const struct explanation *e, struct strbuf *svg);

#endif
