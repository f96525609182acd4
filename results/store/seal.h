/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - the SHA-256 of a row: of a run with every column of its metrics, counters and tests. SQLite
 * notices a torn file, but not a changed number; the seal shows both. chain.h makes a chain of them.
 * Private to results/.
 */
#ifndef RESULTS_STORE_SEAL_H
#define RESULTS_STORE_SEAL_H

#include "common/sha256.h"
#include "results/store/database.h"

enum seal_kind { /* what a row is */
		 SEAL_ORIGIN,
		 SEAL_RUN,
		 SEAL_BISECT, /* what never changes of it */
		 SEAL_BISECT_STEP,
		 SEAL_BISECT_END, /* its state and answer: sealed again when they change */
		 SEAL_MERGE,
		 SEAL_KINDS,
};
const char *seal_kind_name(enum seal_kind kind);
/* The inverse; SEAL_KINDS for anything else. */
enum seal_kind seal_kind_from_name(const char *name);

/* Of the row with that key; of no bytes where it is not there. */
int seal_compute(struct results_db *db, enum seal_kind kind, int64_t row, char hex[SHA256_HEX],
		 struct error *err);
/* Of a run without its id: the same in every database that has this boot. */
int seal_compute_content(struct results_db *db, int64_t run, char hex[SHA256_HEX],
			 struct error *err);

#endif
