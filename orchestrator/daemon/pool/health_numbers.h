/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health_numbers.h - are the numbers of a health job those that its host had before? A host that passes every boot
 * and has become slower measures the host, and not the kernels.
 *
 * Compared with those of its health jobs before that were good, of the same kernel (by its key), in the same environment.
 * When somebody has said that the host is up (nestlab quarantine --off), it is believed: only what came after that counts.
 */
#ifndef ORCHESTRATOR_DAEMON_POOL_HEALTH_NUMBERS_H
#define ORCHESTRATOR_DAEMON_POOL_HEALTH_NUMBERS_H

#include "orchestrator/daemon/storage/database.h"
#include "results/compare/compare.h"

/* Health jobs that it takes to know a host: with fewer nothing is off. */
#define HEALTH_KNOWN 5

/*
 * *verdict of the health job @uid, which passed: VERDICT_UNCHANGED; VERDICT_INCONCLUSIVE: too little is known of the
 * host; VERDICT_REGRESSED, _IMPROVED: a number lies off, and *why, which the caller frees, says which.
 */
int health_judge_numbers(struct daemon_db *queue, struct results_db *results, const char *uid,
			 enum results_verdict *verdict, char **why, struct error *err);

#endif
