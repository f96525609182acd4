// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include "common/crc32.h"

/* The check value of the CRC-32/ISO-HDLC entry in every catalogue, and zlib's for the others. */
TEST(known_values)
{
	assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_update(0, "", 0), 0);
	assert_int_equal(crc32_update(0, "a", 1), 0xe8b7be43);
	assert_int_equal(crc32_update(0, "\xff\xff\xff\xff", 4), 0xffffffff);
}

TEST(pieces_make_the_whole)
{
	const char *text = "The quick brown fox jumps over the lazy dog";

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		uint32_t crc = crc32_update(0, text, cut);

		assert_int_equal(crc32_update(crc, text + cut, strlen(text) - cut), 0x414fa339);
	}
}

TEST(every_single_bit_matters)
{
	unsigned char data[64] = {0};
	uint32_t clean = crc32_update(0, data, sizeof(data));

	for (size_t bit = 0; bit < 8 * sizeof(data); bit++) {
		data[bit / 8] ^= 1u << bit % 8;
		assert_int_not_equal(crc32_update(0, data, sizeof(data)), clean);
		data[bit / 8] ^= 1u << bit % 8;
	}
}

UNIT_MAIN("crc32", NULL, NULL)
