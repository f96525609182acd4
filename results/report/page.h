/* SPDX-License-Identifier: GPL-2.0-only */
/* page.h - the report for people, and its parts, of which the sign-off has some, too. */
#ifndef RESULTS_REPORT_PAGE_H
#define RESULTS_REPORT_PAGE_H

#include "results/report/doc.h"
#include "results/report/report.h"
#include "results/report/selection.h"

/* All of it: for the formats html, text and markdown. */
void page_render(const struct report *r, const struct report_options *o,
		 const struct doc_face *face, struct strbuf *out);

void page_add_results(struct doc *d, const struct report *r, const struct report_selection *s);
/* Boots that failed, by scenario: how often, and whether that differs. */
void page_add_failures(struct doc *d, const struct report *r);
void page_add_tests(struct doc *d, const struct report *r);
void page_add_plots(struct doc *d, const struct report *r, const struct report_selection *s);
/* Kernels, host, boots, hashes. */
void page_add_environment(struct doc *d, const struct report *r);
/* Which database it was, and the head of its chain of seals: what an auditor compares. */
void page_add_head(struct doc *d, const struct results_head *h);
/* How to make each number again. */
void page_add_commands(struct doc *d, const struct report *r, const struct report_options *o);

#endif
