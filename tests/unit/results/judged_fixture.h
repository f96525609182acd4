/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judged_fixture.h - one database for each test and the last comparison made of it, both released after
 * the test: UNIT_MAIN_EACH("name", judged_open, judged_close).
 */
#ifndef TESTS_UNIT_RESULTS_JUDGED_FIXTURE_H
#define TESTS_UNIT_RESULTS_JUDGED_FIXTURE_H

#include "tests/unit/results/compare_fixture.h"

static struct results_db *db;
static struct results_comparison found;

static inline int judged_open(void **state)
{
	if (unit_make_dir(state))
		return -1;
	db = open_fresh();
	return 0;
}

static inline int judged_close(void **state)
{
	results_comparison_free(&found);
	memset(&found, 0, sizeof(found));
	results_close(db);
	return unit_drop_dir(state);
}

/* Goes on with a database that is empty. */
static inline void judged_anew(void)
{
	results_close(db);
	db = open_fresh();
}

/* Compares two kernels, or those of their boots that @filter (NULL: all) lets through. */
static inline int compare_filtered(const char *a, const char *b,
				   const struct results_filter *filter, struct error *err)
{
	results_comparison_free(&found);
	memset(&found, 0, sizeof(found));
	return results_compare(db, a, b, filter, &found, err);
}

static inline void compare_kernels(const char *a, const char *b)
{
	struct error err = {0};

	if (compare_filtered(a, b, NULL, &err))
		fail_msg("%s", err.text);
}

#define assert_compares(a, b, expected)                    \
	do {                                               \
		compare_kernels(a, b);                     \
		assert_int_equal(found.verdict, expected); \
	} while (0)

#endif
