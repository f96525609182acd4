/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - a comparison for others to read: people, CI systems, mailing lists, auditors.
 *
 * report_load() takes the comparison of results/compare and adds what a reader needs to believe and to
 * repeat it: the boots that it rests on with all that made them, the distributions, the tests.
 * A format is a file and a row of report_formats[] (formats.h); a sign-off judges a report by a policy
 * (signoff.h).
 * docs/reports.md shows each format.
 */
#ifndef RESULTS_REPORT_REPORT_H
#define RESULTS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"
#include "results/compare/compare.h"

enum report_side { REPORT_BASE, REPORT_NEW, REPORT_SIDES };
const char *report_side_name(enum report_side side); /* "base", "new" */

struct report_boot { /* a stored boot, passed or failed */
	int64_t id;
	enum report_side side;
	struct results_boot run; /* without metrics and counters; texts that are unknown are "" */
};

/* One compared metric over one kernel's boots. */
struct report_spread {
	double *medians; /* of each boot, in units */
	size_t boots;
	/* the boots' histograms as one; only scale, count, min, max and hist are set */
	struct results_metric all;
};

/* A selftest, or a measurement that was skipped or failed, over all boots of each kernel. */
struct report_test {
	const char *scenario, *params, *name;
	const char *result[REPORT_SIDES]; /* "pass", "fail", "skip", or NULL: not there */
	const char *text[REPORT_SIDES];	  /* of the boot that decided */
};

struct report_common { /* what all metrics of a scenario have in common: a JSON object */
	const char *scenario, *params;
};

struct report { /* free with report_free() */
	struct results_comparison comparison;
	struct results_head head; /* of the database that it was read from */
	struct report_boot *boots;
	size_t nboots;
	struct report_spread *spreads; /* metric i of side s: [i * REPORT_SIDES + s] */
	struct report_test *tests;
	size_t ntests;
	struct report_common *commons; /* one per scenario of the comparison */
	size_t ncommons;
	struct results_boot unknown; /* all texts "" */
	struct report_strings *strings;
};

/* @filter: NULL for all. Errors are those of results_compare(), and -EBADMSG for a damaged histogram. */
int report_load(struct results_db *db, const char *base, const char *new,
		const struct results_filter *filter, struct report *out, struct error *err);
/* A report without boots, for a sign-off when there is nothing to compare. Never fails. */
void report_load_nothing(const char *base, const char *new, struct report *out);
void report_free(struct report *r);

/* The newest boot of a side that passed, else any; all texts "" when there is none. */
const struct results_boot *report_newest(const struct report *r, enum report_side side);

struct report_options {		  /* borrowed; NULL: the default */
	const char *db;		  /* path, for the commands that repeat it */
	const char *reporter;	  /* email: "Name <address>" */
	const char *url;	  /* email: where the report can be read, for Closes: */
	size_t columns;		  /* text: how wide it may be, from 20 on; 0: 100 */
	const char *explanations; /* folder of results/explain/keep.h */
	bool explain;		  /* pages: show them, or how to make them */
};

struct several;
struct report_format {
	const char *name, *help;
	void (*render)(const struct report *r, const struct report_options *o, struct strbuf *out);
	/* of several kernels against one (several.h); NULL: the format knows two only */
	void (*several)(const struct several *s, const struct report_options *o,
			struct strbuf *out);
};
/* The Content-Security-Policy of a page in HTML (a report's, a sign-off's) that is served: its own style sheet, by its hash. */
void report_html_policy(char *policy, size_t size);

extern const struct report_format report_formats[]; /* ended by a NULL name */

#endif
