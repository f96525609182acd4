/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keep.h - explanations in a folder (`explanations` beside the database), for reports. They are no results:
 * kernels, measurement and seed make the same one again, so a newer one takes the place of an older one.
 */
#ifndef RESULTS_EXPLAIN_KEEP_H
#define RESULTS_EXPLAIN_KEEP_H

#include "results/explain/explain.h"

/* An explanation of two kernels; one of a single kernel is not kept. */
int explain_keep(const char *dir, const struct explanation *e, struct error *err);
/* -ENOENT without an error set: there is none. Free *e with explanation_free(). */
int explain_kept(const char *dir, const char *base_key, const char *new_key, const char *scenario,
		 const char *metric, const char *params, struct explanation *e, struct error *err);

#endif
