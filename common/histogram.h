/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * histogram.h - log-linear histogram of unsigned values, three significant digits, like
 * HdrHistogram. Freestanding: the agent fills it, the orchestrator reads it.
 *
 * Values below 2048 have a bucket each. Above, each power of two is cut into 1024 equal buckets, so
 * a bucket is never wider than 1/1024 of its values. With e = floor(log2 v) - 10:
 *
 *	v <  2048: bucket = v
 *	v >= 2048: bucket = 2048 + (e - 1) * 1024 + ((v >> e) - 1024)
 *
 * Nothing is dropped; count, min, max and sum are exact.
 */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_LINEAR  2048
#define HISTOGRAM_SUB	  1024
#define HISTOGRAM_BUCKETS (HISTOGRAM_LINEAR + 53 * HISTOGRAM_SUB)

struct histogram {
	uint64_t count, min, max; /* min is UINT64_MAX while empty */
	double sum;		  /* mean is sum / count */
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *h);
/* The same where all of *h is zero already, as a static one's first use finds it. It touches none of
 * the pages that the buckets are on. */
static inline void histogram_init_zeroed(struct histogram *h)
{
	h->min = UINT64_MAX;
}
void histogram_add(struct histogram *h, uint64_t value);
uint32_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_low(uint32_t bucket);	 /* smallest value of the bucket */
uint64_t histogram_bucket_high(uint32_t bucket); /* largest value of the bucket */

#endif
