/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * several.h - a report of several kernels, or commits in order, against one: a table per scenario with a
 * column per kernel, what regressed with which, and the command that makes each pair's own report.
 */
#ifndef RESULTS_REPORT_SEVERAL_H
#define RESULTS_REPORT_SEVERAL_H

#include "results/compare/compare.h"
#include "results/report/report.h"

struct several { /* borrowed */
	const struct results_table *table;
	struct results_head head; /* of the database */
};

#define SEVERAL_FORMAT(name)                                                         \
	void name##_several(const struct several *s, const struct report_options *o, \
			    struct strbuf *out)
SEVERAL_FORMAT(plain);
SEVERAL_FORMAT(html);
SEVERAL_FORMAT(markdown);
SEVERAL_FORMAT(json);

#endif
