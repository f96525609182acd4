/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * distribution.h - the histogram of one metric of one boot: its quantiles, and its bytes in the
 * database. Private to results/.
 */
#ifndef RESULTS_STORE_DISTRIBUTION_H
#define RESULTS_STORE_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"
#include "results/store/store.h"

/*
 * The @q quantile (0..1) of a metric, in units: linear interpolation between the two order statistics
 * around rank q * (count - 1) (R's and NumPy's default, type 7), a bucket's samples standing evenly
 * within the bucket, never outside min..max.
 */
double distribution_quantile(const struct results_metric *m, double q);

/* The boot's worst hundredth: p99, or p1 where higher is better. */
double distribution_tail(const struct results_metric *m);

/* Buckets rise, counts are not 0, and they sum up to m->count: 0 or -EINVAL. */
int distribution_check(const struct results_metric *m, struct error *err);

/* Pairs of (bucket - previous bucket, count), each as LEB128. */
void distribution_encode(const struct results_bucket *hist, size_t n, struct strbuf *out);
/* The inverse; *hist is the caller's. -EBADMSG if the bytes are none of ours. */
int distribution_decode(const void *bytes, size_t len, struct results_bucket **hist, size_t *n);

#endif
