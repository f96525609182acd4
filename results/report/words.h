/* SPDX-License-Identifier: GPL-2.0-only */
/* report_words.h - how a report says things: numbers, parameters, clocks, commands. For report*.c. */
#ifndef RESULTS_REPORT_WORDS_H
#define RESULTS_REPORT_WORDS_H

#include "common/strbuf.h"
#include "results/report/report.h"
#include "results/report/doc.h"

/* 100 * (ratio - 1); NAN stays NAN. */
double words_change(double ratio);
/* Percent by which the cost grew: where higher is better a fall is a growth of cost. */
double words_worse(const struct results_compared *m, double ratio);
/* The ends of the interval as words_worse(), low first; NAN if there is none. */
void words_worse_interval(const struct results_compared *m, const struct results_judgement *j,
			  double *low, double *high);

/* "+1.25%", "-0.03%", "n/a"; the caller frees, as below. */
char *words_percent(double percent);
/* "24,816.4": four significant digits at least, never a digit of the whole part lost. */
char *words_number(double value);
/* "+0.40 .. +2.10%", or "none" if one is no number; and that of a judgement. */
char *words_range(double low, double high);
char *words_interval(const struct results_judgement *j);

/* A parameter object in short: "micro-vmx unmanaged l2_vcpus=8 ept no-apic_pages". With @r, what
 * all metrics of the scenario have in common is left out; words_find_common() has that. */
char *words_params(const struct report *r, const char *scenario, const char *params);
/* What all metrics of a scenario share, as JSON; NULL: no such scenario in the comparison. */
const char *words_find_common(const struct report *r, const char *scenario);
/* The same, worked out: for report_load(). The caller frees. */
char *words_common_params(const struct results_comparison *c, const char *scenario);
/* "multiplex switch (micro-vmx unmanaged)" */
char *words_metric(const struct report *r, const struct results_compared *m);

/* Calls @each for each member, value as text ("8", "true", "micro-vmx"); 0 or its non-zero end. */
int words_each_param(const char *params, int (*each)(const char *key, const char *value, void *arg),
		     void *arg);
/* The text of one parameter, or NULL; the caller frees. */
char *words_param(const char *params, const char *key);

/* "clock: emulated, one unit is one instruction" */
const char *words_clock(const char *clock);
/* "29 improved, 0 regressed, ..." of the medians that decide, or of those that do not: then "" if
 * there are none. */
char *words_counts(const struct results_comparison *c, bool deciding);
enum doc_tone words_tone(enum results_verdict v);

/* Command lines that make the comparison's boots again, one a line. */
void words_commands(const struct report *r, const struct report_options *o, struct strbuf *out);

/* Standard deviation of the boots' medians in percent of their mean; NAN with fewer than two. */
double words_stddev(const struct report_spread *s);

#endif
