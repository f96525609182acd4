/* SPDX-License-Identifier: GPL-2.0-only */
/* check.h - the parts of results_check(): each adds a line to the report for each fault. Private to
 * results/store. */
#ifndef RESULTS_STORE_CHECK_H
#define RESULTS_STORE_CHECK_H

#include "results/store/database.h"

#define CHECK_LINES_MAX 100 /* nobody reads more lines of a ruined file */

struct checker {
	struct results_db *db;
	struct strbuf *report;
	int faults;
};

void check_add_fault(struct checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The tables and triggers that a schema of this version has. */
void check_schema(struct checker *c);
/* Of a schema before the chain: every run's bytes, against what was there when it was stored. */
void check_seals(struct checker *c);
/* The chain, and every row that it seals; and that it seals every row. */
void check_chain(struct checker *c);

#endif
