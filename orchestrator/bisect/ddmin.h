/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ddmin.h - delta debugging: of N differences between a good and a bad thing, a smallest set
 * that alone makes the good one bad (Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002: ddmin).
 *
 * Candidates are sets of differences, named by their indices: "0,3,7" (search.h's tester).
 * A set that cannot be judged (it does not build: one option needs another) counts as not bad.
 * The answer is 1-minimal: without any one of its members it is not bad, or could not be judged.
 */
#ifndef ORCHESTRATOR_BISECT_DDMIN_H
#define ORCHESTRATOR_BISECT_DDMIN_H

#include "orchestrator/bisect/search.h"

/*
 * The set of all @n (>= 1) differences is known to be bad, the empty set to be good. Up to @parallel
 * sets are tested at once; the answer does not depend on it. *guilty is the answer's name; the
 * caller frees.
 */
int bisect_ddmin(size_t n, size_t parallel, const struct bisect_tester *tester, char **guilty,
		 struct error *err);

/* "0,3,7" to flags[n] and back. Parsing: -EINVAL for anything else. The caller frees a name. */
int bisect_set_parse(const char *name, bool *flags, size_t n, struct error *err);
char *bisect_set_name(const bool *flags, size_t n);

#endif
