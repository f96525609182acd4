/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evidence.h - what a sign-off asks for beside the comparison: runs of a debug build of a kernel,
 * and a kernel's selftests.
 */
#ifndef RESULTS_REPORT_EVIDENCE_H
#define RESULTS_REPORT_EVIDENCE_H

#include "results/store/store.h"

struct evidence_debug {	    /* runs of a debug build */
	int passed, failed; /* failed: class guest or integrity */
	int other;   /* passed, but built from another source or other patches: proves nothing */
	char *error; /* of the newest that failed; the caller frees; may be NULL */
};

/* Runs of @scenario (a plan's name) on @debug_kernel with the source and patches of @kernel. */
int evidence_count_debug_runs(struct results_db *db, const struct results_boot *kernel,
			      const char *debug_kernel, const char *scenario,
			      struct evidence_debug *out, struct error *err);

/* A selftest of the kernel of @kernel, over all its boots with that run's agent, on any host. */
struct evidence_selftest { /* free with evidence_selftest_free() */
	char *result;	   /* "fail" if it ever did, else "pass" if it ever did, else "skip"; NULL:
			      it never ran */
	char *text, *host; /* of the newest boot with this result */
};

int evidence_find_selftest(struct results_db *db, const struct results_boot *kernel,
			   const char *test, struct evidence_selftest *out, struct error *err);
void evidence_selftest_free(struct evidence_selftest *t);

#endif
