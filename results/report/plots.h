/* SPDX-License-Identifier: GPL-2.0-only */
/* report_plots.h - the figures of a report: drawn, with their numbers beside them as tables. */
#ifndef RESULTS_REPORT_PLOTS_H
#define RESULTS_REPORT_PLOTS_H

#include "results/report/report.h"
#include "results/report/doc.h"

/* Which metrics of the comparison, by index, and how much worse each may get (percent of cost; NAN
 * where nobody says). */
struct report_selection {
	size_t *indices;
	double *allowed;
	size_t count;
};

/* Headline metrics, or all when there are none. Free with report_selection_free(). */
void report_select_headlines(const struct report *r, struct report_selection *out);
/* Adds one; of one that is there already the smaller allowance counts. */
void report_select_add(struct report_selection *s, size_t index, double allowed);
void report_selection_free(struct report_selection *s);

/* Change of each metric with its interval, the smallest effect and what is allowed. */
void report_plot_forest(struct doc *d, const struct report *r, const struct report_selection *s);
/* Cost over the number of L2 vCPUs, both kernels and both memories, one figure a metric. Says so
 * when there is nothing to draw. */
void report_plot_vcpus(struct doc *d, const struct report *r, const struct report_selection *s);
/* Distribution of base and new, p50, p90 and p99 marked, one figure a metric. */
void report_plot_distributions(struct doc *d, const struct report *r,
			       const struct report_selection *s);

#endif
