/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * select_steps.h - the steps of select_runs(), in the order in which it takes them; each in a file of its
 * own, and each relies on what the ones before it have set. Private to select*.c.
 *
 *	select_kernels()	what the user calls base and new  -> base, new, halves
 *	select_environment()	where both have boots		  -> environment, l1 of both
 *	select_load_runs()	the boots there, and the history  -> runs, next_seed
 *	select_mark_repeats()	which of them are copies	  -> runs[].repeat
 *
 * All return 0 or -errno as results_compare() documents, and append to @s->notes what a reader has to know.
 */
#ifndef RESULTS_COMPARE_SELECT_STEPS_H
#define RESULTS_COMPARE_SELECT_STEPS_H

#include "results/compare/select.h"

int select_kernels(struct results_db *db, const char *base, const char *new, const char *session,
		   struct selection *s, struct error *err);
/* Can only the boots of one kernel be meant, with one L1 kernel? */
bool select_is_same_kernel(const struct select_kernel *a, const struct select_kernel *b);
int select_environment(struct results_db *db, const char *session, struct selection *s,
		       struct error *err);
/* The same for all @n pairs of a table: sets one environment in all. */
int select_common_environment(struct results_db *db, const char *session, struct selection *s,
			      size_t n, struct error *err);
int select_load_runs(struct results_db *db, const char *session, struct selection *s,
		     struct error *err);
int select_mark_repeats(struct results_db *db, struct selection *s, struct error *err);

void select_free_environment(struct select_environment *e);

#endif
