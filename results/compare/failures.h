/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failures.h - what a comparison says beside its numbers: boots that failed, and tests whose result
 * is not the same. Private to results/.
 */
#ifndef RESULTS_COMPARE_FAILURES_H
#define RESULTS_COMPARE_FAILURES_H

#include "results/compare/select.h"

/* Sets base_failed, new_failed, more_failed, failure, tests, ntests and same_tests of @out. */
int failures_load(struct results_db *db, const struct selection *s,
		  const struct results_filter *filter, struct results_comparison *out,
		  struct error *err);

#endif
