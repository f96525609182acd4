// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/distribution.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/histogram.h"

static double clamp(double v, double low, double high)
{
	return fmin(fmax(v, low), high);
}

/* The order statistic at @rank, 0 .. count - 1. */
static double value_at(const struct results_metric *m, uint64_t rank)
{
	uint64_t before = 0;

	for (size_t i = 0; i < m->nhist; i++) {
		const struct results_bucket *b = &m->hist[i];
		double low = histogram_bucket_low(b->bucket);
		double high = histogram_bucket_high(b->bucket);

		if (rank < before + b->count)
			return clamp(low + (high - low) * (rank - before + 0.5) / b->count, m->min,
				     m->max);
		before += b->count;
	}
	return m->max;
}

double distribution_quantile(const struct results_metric *m, double q)
{
	double at = q * (m->count - 1);
	uint64_t rank = at;
	double low = value_at(m, rank);
	double value = low;

	if (at > rank)
		value += (at - rank) * (value_at(m, rank + 1) - low);
	return value / fmax(m->scale, 1);
}

double distribution_tail(const struct results_metric *m)
{
	if (!strcmp(m->better, "higher"))
		return distribution_quantile(m, 0.01);
	return distribution_quantile(m, 0.99);
}

int distribution_check(const struct results_metric *m, struct error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->nhist; i++) {
		const struct results_bucket *b = &m->hist[i];

		if (b->bucket >= HISTOGRAM_BUCKETS || !b->count ||
		    (i && b->bucket <= m->hist[i - 1].bucket))
			return error_set(err, -EINVAL,
					 "histogram entry %zu (bucket %" PRIu32 ", count %" PRIu32
					 ") is empty, out of order or out of range",
					 i, b->bucket, b->count);
		sum += b->count;
	}
	if (sum != m->count)
		return error_set(err, -EINVAL,
				 "the histogram holds %" PRIu64 " samples, count says %" PRIu64,
				 sum, m->count);
	return 0;
}

static void put_leb128(struct strbuf *out, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		strbuf_addch(out, (char)(v | 0x80));
	strbuf_addch(out, (char)v);
}

void distribution_encode(const struct results_bucket *hist, size_t n, struct strbuf *out)
{
	uint32_t previous = 0;

	for (size_t i = 0; i < n; i++) {
		put_leb128(out, hist[i].bucket - previous);
		put_leb128(out, hist[i].count);
		previous = hist[i].bucket;
	}
}

static int get_leb128(const uint8_t **at, const uint8_t *end, uint32_t *v)
{
	uint64_t value = 0;

	for (int shift = 0; *at < end && shift <= 28; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (value > UINT32_MAX)
				return -EBADMSG;
			*v = (uint32_t)value;
			return 0;
		}
	}
	return -EBADMSG;
}

/* One pair, whose bucket is counted from the one before. */
static int get_bucket(const uint8_t **at, const uint8_t *end, uint32_t previous,
		      struct results_bucket *b)
{
	int ret = get_leb128(at, end, &b->bucket);

	if (ret)
		return ret;
	b->bucket += previous;
	return get_leb128(at, end, &b->count);
}

int distribution_decode(const void *bytes, size_t len, struct results_bucket **hist, size_t *n)
{
	const uint8_t *at = bytes, *end = at + len;
	uint32_t previous = 0;

	*hist = xcalloc(len / 2 + 1, sizeof(**hist)); /* a pair has two bytes at least */
	for (*n = 0; at < end; ++*n) {
		struct results_bucket *b = &(*hist)[*n];
		int ret = get_bucket(&at, end, previous, b);

		if (ret) {
			free(*hist);
			*hist = NULL;
			return ret;
		}
		previous = b->bucket;
	}
	return 0;
}
