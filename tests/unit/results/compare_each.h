/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compare_each.h - a fresh database around every test, and the comparison that the test asked for last.
 * For programs with
 *
 *	UNIT_MAIN_EACH("...", each_open, each_close)
 */
#ifndef TESTS_UNIT_RESULTS_COMPARE_EACH_H
#define TESTS_UNIT_RESULTS_COMPARE_EACH_H

#include "tests/unit/unit.h"
#include "tests/unit/results/compare_fixture.h"

static struct results_db *db;
static struct results_comparison c; /* the last one */

static inline int each_open(void **state)
{
	if (unit_make_dir(state))
		return -1;
	db = open_fresh();
	return 0;
}

static inline int each_close(void **state)
{
	results_comparison_free(&c);
	results_close(db);
	return unit_drop_dir(state);
}

/* Another database, for the next case of a table. */
static inline void each_reopen(void)
{
	results_close(db);
	db = open_fresh();
}

/* Sets @c; returns what results_compare() does. */
static inline int compare_filtered(const char *base, const char *new,
				   const struct results_filter *filter, struct error *err)
{
	results_comparison_free(&c);
	*err = (struct error){0};
	return results_compare(db, base, new, filter, &c, err);
}

/* Sets @c; the comparison has to succeed. */
static inline void compare_kernels(const char *base, const char *new)
{
	struct error err;

	if (compare_filtered(base, new, NULL, &err))
		fail_msg("%s", err.text);
}

#endif
