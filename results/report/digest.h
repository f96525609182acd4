/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - a comparison of hundreds of numbers in some twenty lines: what decides, by scenario, kind of
 * L1 and memory, and from where to where it changed. The table of all rows comes after it.
 */
#ifndef RESULTS_REPORT_DIGEST_H
#define RESULTS_REPORT_DIGEST_H

#include "results/report/doc.h"
#include "results/report/report.h"

/* Nothing where the rows are few enough to be read, or would not become fewer. */
void digest_add(struct doc *d, const struct report *r);

#endif
