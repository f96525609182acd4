// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include "common/histogram.h"

static struct histogram h;

TEST(small_values_have_a_bucket_each)
{
	for (uint64_t v = 0; v < HISTOGRAM_LINEAR; v++) {
		assert_int_equal(histogram_bucket(v), v);
		assert_int_equal(histogram_bucket_low(v), v);
		assert_int_equal(histogram_bucket_high(v), v);
	}
}

/* Worked out by hand from the formula in the header. */
TEST(known_buckets)
{
	assert_int_equal(histogram_bucket(2048), 2048);
	assert_int_equal(histogram_bucket(2049), 2048);
	assert_int_equal(histogram_bucket(2050), 2049);
	assert_int_equal(histogram_bucket(4095), 3071);
	assert_int_equal(histogram_bucket(4096), 3072);
	assert_int_equal(histogram_bucket(25461), 2048 + 3 * 1024 + (25461 / 16 - 1024));
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_true(histogram_bucket_high(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

TEST(buckets_join_without_gap_or_overlap)
{
	for (uint32_t b = 1; b < HISTOGRAM_BUCKETS; b++)
		assert_true(histogram_bucket_low(b) == histogram_bucket_high(b - 1) + 1);
}

TEST(a_value_lies_in_its_bucket_and_the_bucket_is_narrow)
{
	uint64_t v = 1;

	for (int i = 0; i < 100000; i++) {
		uint32_t b;
		uint64_t low, high;

		v = v * 6364136223846793005u + 1442695040888963407u;
		b = histogram_bucket(v >> i % 64);
		low = histogram_bucket_low(b);
		high = histogram_bucket_high(b);
		assert_true(low <= v >> i % 64 && v >> i % 64 <= high);
		assert_true(high - low <= low / 1024);
	}
}

TEST(nothing_is_dropped)
{
	uint64_t n = 0;

	histogram_init(&h);
	assert_true(h.count == 0 && h.min == UINT64_MAX && h.max == 0);
	for (uint64_t v = 0; v < 10000; v += 3)
		histogram_add(&h, v);
	for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++)
		n += h.buckets[b];
	assert_int_equal(n, 3334);
	assert_int_equal(h.count, 3334);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, 9999);
	assert_true(h.sum == 3.0 * 3333 * 3334 / 2);
}

UNIT_MAIN("histogram", NULL, NULL)
