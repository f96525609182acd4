/* SPDX-License-Identifier: GPL-2.0-only */
/* report_page.h - the parts of a report for people, as the plain report and the sign-off have them. */
#ifndef RESULTS_REPORT_PAGE_H
#define RESULTS_REPORT_PAGE_H

#include "results/report/report.h"
#include "results/report/doc.h"
#include "results/report/plots.h"

void report_page_results(struct doc *d, const struct report *r, const struct report_selection *s);
void report_page_tests(struct doc *d, const struct report *r);
void report_page_plots(struct doc *d, const struct report *r, const struct report_selection *s);
/* Kernels, host, boots, hashes. */
void report_page_environment(struct doc *d, const struct report *r);
/* How to make each number again. */
void report_page_repeat(struct doc *d, const struct report *r, const struct report_options *o);

#endif
