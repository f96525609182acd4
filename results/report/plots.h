/* SPDX-License-Identifier: GPL-2.0-only */
/* plots.h - the figures of a report: drawn, with their numbers beside them as tables. */
#ifndef RESULTS_REPORT_PLOTS_H
#define RESULTS_REPORT_PLOTS_H

#include "results/report/doc.h"
#include "results/report/report.h"
#include "results/report/selection.h"

#define PLOTS_WIDTH 860 /* of every figure, in its own units */

/* Change of each metric with its interval, the smallest effect and what is allowed. */
void plots_add_forest(struct doc *d, const struct report *r, const struct report_selection *s);
/* Cost over the number of L2 vCPUs, both kernels and both memories, a figure per metric; where there
 * is nothing to draw, a sentence that says so. In plot_vcpus.c. */
void plots_add_vcpus(struct doc *d, const struct report *r, const struct report_selection *s);
/* Distribution of base and new, p50, p90 and p99 marked, a figure per metric. */
void plots_add_distributions(struct doc *d, const struct report *r,
			     const struct report_selection *s);

#endif
