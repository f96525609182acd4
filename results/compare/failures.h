/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failures.h - boots that failed by the kernel's own fault (class guest or integrity), judged by rate.
 * Private to results/ and its tests; the rules and their reasons are in docs/statistics.md.
 */
#ifndef RESULTS_COMPARE_FAILURES_H
#define RESULTS_COMPARE_FAILURES_H

#include "results/compare/select.h"

/* Sets base_failed, new_failed, failure, failures and nfailures of @out; the rows are not judged yet.
 * What was set before an error is freed with @out. */
int failures_load(struct results_db *db, const struct selection *s,
		  const struct results_filter *filter, struct results_comparison *out,
		  struct error *err);

/* Judges @n rows whose scenario, what and counts are set: sets p_value, verdict, more_boots and why
 * (allocated). */
void failures_judge(struct results_failure_rate *rows, size_t n, double alpha);
/* The rows of @n >= 1 comparisons, as one family. */
void failures_judge_pairs(struct results_comparison *pairs, size_t n);

#endif
