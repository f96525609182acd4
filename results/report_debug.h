/* SPDX-License-Identifier: GPL-2.0-only */
/* report_debug.h - runs of a debug build that stand for a kernel: for report_signoff.c. */
#ifndef RESULTS_REPORT_DEBUG_H
#define RESULTS_REPORT_DEBUG_H

#include "results/results.h"

struct report_debug {
	int passed, failed; /* failed: class guest or integrity */
	int other;	    /* passed, but with another source or other patches: no proof */
	char *error;	    /* of the newest that failed; the caller frees; may be NULL */
};

/* Runs of @scenario (a plan's name) on @debug_kernel with the source and patches of @kernel. */
int report_debug_load(struct results_db *db, const struct results_run *kernel,
		      const char *debug_kernel, const char *scenario, struct report_debug *out,
		      struct error *err);

#endif
