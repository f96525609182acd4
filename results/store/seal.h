/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - a run's SHA-256: of every column of its row, its metrics, counters and tests. SQLite
 * notices a torn file, but not a changed number; the seal shows both. Private to results/.
 */
#ifndef RESULTS_STORE_SEAL_H
#define RESULTS_STORE_SEAL_H

#include "common/fs.h"
#include "common/sha256.h"
#include "results/store/database.h"

int seal_compute(struct results_db *db, int64_t run, char hex[SHA256_HEX], struct error *err);
/* Computes and inserts it; called in the run's transaction, when all else is there. */
int seal_write(struct results_db *db, int64_t run, struct error *err);

#endif
