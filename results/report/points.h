/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * points.h - a report as test points, for the formats that CI systems read: the new
 * kernel's boots of each scenario that had failures, each compared metric, each selftest.
 */
#ifndef RESULTS_REPORT_POINTS_H
#define RESULTS_REPORT_POINTS_H

#include "results/report/report.h"

enum point_status {
	POINT_PASS,
	POINT_FAIL,
	POINT_SKIP,  /* not decided, decides nothing, or did not run; .why has the reason */
	POINT_KNOWN, /* fails, and with the base too */
};

struct report_point {
	const char *suite; /* scenario, or "boots" */
	char *name;
	enum point_status status;
	char *why; /* one line; "" when there is nothing to say */
	/* Wall time of the boots that a point of suite "boots" is about, each boot counted once; 0 of the
	 * others, which are parts of these boots. */
	double seconds;
	const struct results_compared *metric; /* NULL: not a metric */
	size_t index;			       /* of metric in the comparison */
	const struct report_test *test;	       /* NULL: not a test */
};

struct report_points { /* free with points_free() */
	struct report_point *items;
	size_t count;
};

/* Sorted by suite; names are unique within one. */
void points_collect(const struct report *r, struct report_points *out);
void points_free(struct report_points *p);
/* How many of @suite (NULL: of all) have @status. */
size_t points_count(const struct report_points *p, const char *suite, enum point_status status);

#endif
