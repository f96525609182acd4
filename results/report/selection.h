/* SPDX-License-Identifier: GPL-2.0-only */
/* selection.h - which metrics of a comparison a report shows, and how much worse each may get. */
#ifndef RESULTS_REPORT_SELECTION_H
#define RESULTS_REPORT_SELECTION_H

#include "results/report/report.h"

struct selection_item {
	size_t index;	/* of the metric in the comparison */
	double allowed; /* percent that its cost may grow; NAN: no policy says */
};

struct report_selection { /* zeroed: nothing; free with selection_free() */
	struct selection_item *items;
	size_t count;
};

/* Adds the headline metrics (all metrics, if none is a headline), and every metric that regressed:
 * a regression is never left out. */
void selection_add_told(struct report_selection *s, const struct report *r);
/* Adds a metric. If it is there already, the smaller of the two allowances counts. */
void selection_add(struct report_selection *s, size_t index, double allowed);
void selection_free(struct report_selection *s);

/* The metric of item @i. */
const struct results_compared *selection_metric(const struct report_selection *s,
						const struct report *r, size_t i);

#endif
