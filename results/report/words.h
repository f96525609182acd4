/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * words.h - how numbers and names are written for people. Every report for people (terminal, page,
 * text, Markdown, email, plots, the reasons given to CI) takes them from here, so that the same
 * number looks the same in all of them:
 *
 *	a value			31,745		whole from 1,000 on; below, four significant digits
 *	                        30.86  501
 *	a change		-45.6 %		one decimal, or two: see below; "0.0 %" has no sign
 *	with its interval	-45.6 % ±0.2	the wider half of the interval, rounded up;
 *						±? where there is no interval
 *	an interval		-45.82 .. -45.37 %	two decimals; "none" where there is none
 *	a ratio			0.544		three decimals
 *	a limit			0.5 %		as it was given
 *	unknown			n/a
 *
 * A median's change has two decimals where it is below 10 % and its interval is narrower than ±0.1:
 * there the second decimal means something. A p99's never has, for its interval is rough. The minus
 * sign is '-', so that it can be searched for.
 *
 * Programs get other numbers: CSV and JSON have ten digits, and nothing for what is unknown.
 *
 * Texts that are returned as char * are the caller's to free.
 */
#ifndef RESULTS_REPORT_WORDS_H
#define RESULTS_REPORT_WORDS_H

#include "common/strbuf.h"
#include "results/report/report.h"
#include "results/report/table.h"

/* ---- numbers ---- */

char *words_number(double value);
/* The same with as many decimals as steps of @step need: for the ticks of an axis. */
char *words_tick(double value, double step);
/* new / base: "0.544" */
char *words_ratio(double ratio);
/* "s" unless @n is 1. */
const char *words_plural(size_t n);

/* The change from base to new of one of @m's numbers (&m->median or &m->p99), without and with its
 * interval. */
char *words_change(const struct results_compared *m, const struct results_judgement *j);
char *words_change_interval(const struct results_compared *m, const struct results_judgement *j);
/* The interval alone. */
char *words_interval(const struct results_judgement *j);

/* The growth of a cost in percent: where higher is better, a fall is a growth of cost. */
double words_cost_percent(const struct results_compared *m, double ratio);
/* The ends of the interval likewise, low first; NAN if there is none. */
void words_cost_range(const struct results_compared *m, const struct results_judgement *j,
		      double *low, double *high);
/* Both as text. */
char *words_cost(const struct results_compared *m, const struct results_judgement *j);
char *words_cost_interval(const struct results_compared *m, const struct results_judgement *j);

/* ---- parameters and names ---- */

/* A parameter object in short: "micro-vmx unmanaged l2_vcpus=8 ept no-apic_pages". With @r, what
 * all metrics of the scenario have in common is left out; words_find_common() has that. */
char *words_params(const struct report *r, const char *scenario, const char *params);
/* What all metrics of a scenario share, as JSON; NULL: no such scenario in the comparison. */
const char *words_find_common(const struct report *r, const char *scenario);
/* The same, worked out: for report_load(). The caller frees. */
char *words_common_params(const struct results_comparison *c, const char *scenario);
/* "multiplex switch (micro-vmx unmanaged)" */
char *words_metric(const struct report *r, const struct results_compared *m);
/* "p99", or "p1" where higher is better: the tail that is judged. */
const char *words_tail(const struct results_compared *m);

/* Calls @each for each member, value as text ("8", "true", "micro-vmx"), until one returns another
 * value than 0; returns that value, or -EINVAL if @params is not JSON. */
int words_each_param(const char *params, int (*each)(const char *key, const char *value, void *arg),
		     void *arg);
/* The text of one parameter, or NULL; the caller frees. */
char *words_param(const char *params, const char *key);

/* ---- phrases ---- */

/* "clock: emulated, one unit is one instruction" */
const char *words_clock(const char *clock);
/* The median's verdict, and the tail's where it says more: "improved, p99 regressed". */
char *words_verdict(const struct results_compared *m);
/* "29 improved, 0 regressed, ..." of the medians that decide, or of those that do not: then "" if
 * there are none. */
char *words_counts(const struct results_comparison *c, bool deciding);
enum tone words_tone(enum results_verdict v);
/* Regressed, its median or its tail. */
bool words_has_regressed(const struct results_compared *m);

/* The head of a database's chain of seals as `nestlab db check --head` takes it, "SEALS:HEX"; "" if it has
 * no chain. The caller frees. */
char *words_head(const struct results_head *h);

#endif
