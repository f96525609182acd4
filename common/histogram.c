// SPDX-License-Identifier: GPL-2.0-only
#include "common/histogram.h"

#define LINEAR_BITS 11 /* values below 1 << 11 have a bucket each */
#define SUB_BITS    10

_Static_assert(HISTOGRAM_LINEAR == 1 << LINEAR_BITS && HISTOGRAM_SUB == 1 << SUB_BITS,
	       "bits and sizes agree");

void histogram_init(struct histogram *h)
{
	*h = (struct histogram){.min = UINT64_MAX};
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->sum += (double)value;
	h->buckets[histogram_bucket(value)]++;
}

uint32_t histogram_bucket(uint64_t value)
{
	uint32_t e;

	if (value < HISTOGRAM_LINEAR)
		return (uint32_t)value;
	e = 63 - __builtin_clzll(value) - SUB_BITS;
	return HISTOGRAM_LINEAR + (e - 1) * HISTOGRAM_SUB + (uint32_t)(value >> e) - HISTOGRAM_SUB;
}

/* The power of two that values of a bucket beyond the linear ones are divided by. */
static uint32_t bucket_shift(uint32_t bucket)
{
	return (bucket - HISTOGRAM_LINEAR) / HISTOGRAM_SUB + 1;
}

uint64_t histogram_bucket_low(uint32_t bucket)
{
	uint64_t sub;

	if (bucket < HISTOGRAM_LINEAR)
		return bucket;
	sub = HISTOGRAM_SUB + (bucket - HISTOGRAM_LINEAR) % HISTOGRAM_SUB;
	return sub << bucket_shift(bucket);
}

uint64_t histogram_bucket_high(uint32_t bucket)
{
	if (bucket < HISTOGRAM_LINEAR)
		return bucket;
	return histogram_bucket_low(bucket) + ((uint64_t)1 << bucket_shift(bucket)) - 1;
}
