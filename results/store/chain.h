/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chain.h - the seals of all rows as one chain. Private to results/store; docs/results.md says what a
 * chain shows and what it cannot.
 *
 *	head of link N = SHA-256(head of link N - 1, N, kind, row, SHA-256 of the row)
 *
 * So a row cannot be changed, removed, added or moved without changing the heads of all links after
 * it. Links are only appended, in the transaction that writes the row: whoever has the write lock has
 * the chain's end, too.
 */
#ifndef RESULTS_STORE_CHAIN_H
#define RESULTS_STORE_CHAIN_H

#include "results/store/seal.h"

#define BISECT_VERSION 2 /* of the schema that brought bisects */
#define CHAIN_VERSION  3 /* of the schema that brought the chain */

/* The rows that have to be sealed, (kind, row): what the chain is checked against. */
#define CHAIN_ROWS                                                       \
	"SELECT 'origin' AS kind, id AS row FROM origin UNION ALL "      \
	"SELECT 'run', id FROM run UNION ALL "                           \
	"SELECT 'bisect', id FROM bisect UNION ALL "                     \
	"SELECT 'bisect_end', id FROM bisect WHERE state <> 'running' "  \
	"UNION ALL SELECT 'bisect_step', number FROM bisect_step UNION " \
	"ALL SELECT 'merge', id FROM merge"

/* Seals a row that was just written, and appends the link; inside the row's transaction. */
int chain_append(struct results_db *db, enum seal_kind kind, int64_t row, struct error *err);

/* The head that a link must have whose row has the seal @sha256; @before is "" for the first. */
void chain_compute_head(const char *before, int64_t number, const char *kind, int64_t row,
			const char *sha256, char head[SHA256_HEX]);

/* Begins the chain with the rows that are there, whose seals of version 2 stay what they are. The last
 * part of the migration to CHAIN_VERSION. */
int chain_begin(struct results_db *db, struct error *err);

#endif
