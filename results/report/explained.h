/* SPDX-License-Identifier: GPL-2.0-only */
/* explained.h - what reports say of where the instructions went (results/explain). */
#ifndef RESULTS_REPORT_EXPLAINED_H
#define RESULTS_REPORT_EXPLAINED_H

#include "results/report/doc.h"
#include "results/report/report.h"

/* The metrics that decide and changed, each with its explanation if `nestlab explain` has made one; else
 * with the command that makes it. */
void explained_add_to(struct doc *d, const struct report *r, const struct report_options *o);

/* The three functions that grew most in what @m measures, as a line; nothing if that is not known. */
void explained_add_grown(const struct report *r, const struct results_compared *m,
			 const struct report_options *o, struct strbuf *out);

#endif
