/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tests.h - the selftests of a comparison, and its measurements that were skipped or failed: those whose
 * result is not the same for both kernels. Private to results/.
 */
#ifndef RESULTS_COMPARE_TESTS_H
#define RESULTS_COMPARE_TESTS_H

#include "results/compare/select.h"

/* Sets tests, ntests and same_tests of @out. What was set before an error is freed with @out. */
int tests_load(struct results_db *db, const struct selection *s,
	       const struct results_filter *filter, struct results_comparison *out,
	       struct error *err);
/* Has any selftest run with both kernels? Measurements do not count: one without a row passed, or was
 * never tried. */
bool tests_have_common(const struct results_comparison *c);

#endif
