// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/wire/protocol.h"
#include "common/crc32.h"

static char line[512], msg[256];

static size_t seal(const char *body)
{
	int n;

	snprintf(line, sizeof(line), "%s", body);
	n = record_seal(line, strlen(line), sizeof(line));
	assert_true(n > 0);
	assert_int_equal((size_t)n, strlen(line));
	return (size_t)n;
}

static int check(const char *text)
{
	msg[0] = '\0';
	return record_check(text, strlen(text), msg, sizeof(msg));
}

TEST(a_sealed_line_is_good)
{
	char want[128];

	seal("{\"seq\":7,\"type\":\"bye\",\"records\":8");
	snprintf(want, sizeof(want), "{\"seq\":7,\"type\":\"bye\",\"records\":8,\"crc\":\"%08x\"}",
		 crc32_update(0, line, strlen("{\"seq\":7,\"type\":\"bye\",\"records\":8")));
	assert_string_equal(line, want);
	assert_int_equal(check(line), 0);
}

TEST(every_flipped_bit_is_found)
{
	size_t len = seal("{\"seq\":0,\"type\":\"begin\",\"id\":3");

	for (size_t bit = 0; bit < 8 * len; bit++) {
		line[bit / 8] ^= (char)(1u << bit % 8);
		assert_int_equal(record_check(line, len, msg, sizeof(msg)), -EBADMSG);
		line[bit / 8] ^= (char)(1u << bit % 8);
	}
	assert_int_equal(check(line), 0);
}

TEST(every_truncation_is_found)
{
	size_t len = seal("{\"seq\":0,\"type\":\"begin\",\"id\":3");

	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(record_check(line, cut, msg, sizeof(msg)), -EBADMSG);
}

TEST(the_message_says_what)
{
	assert_int_equal(check("garbage"), -EBADMSG);
	assert_non_null(strstr(msg, "no CRC at the end of \"garbage\""));
	seal("{\"seq\":1,\"type\":\"end\",\"id\":3");
	line[1] = '\'';
	assert_int_equal(check(line), -EBADMSG);
	assert_non_null(strstr(msg, "CRC is"));
}

TEST(a_right_crc_over_the_wrong_shape_is_refused)
{
	seal("{\"type\":\"end\",\"seq\":1");
	assert_int_equal(check(line), -EBADMSG);
	assert_non_null(strstr(msg, "does not start with"));
	seal("{\"seq\":,\"type\":\"end\"");
	assert_int_equal(check(line), -EBADMSG);
	seal("{\"seq\":-1,\"type\":\"end\"");
	assert_int_equal(check(line), -EBADMSG);
}

TEST(no_room_is_an_error_and_no_overrun)
{
	char small[32] = "{\"seq\":0,\"type\":\"x\"";
	char before[32];

	memcpy(before, small, sizeof(small));
	assert_int_equal(record_seal(small, strlen(small), sizeof(small)), -ENOSPC);
	assert_memory_equal(before, small, sizeof(small));
}

TEST(a_line_too_long_is_refused)
{
	static char big[PROTOCOL_LINE_MAX + 100];

	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(check(big), -EBADMSG);
	assert_non_null(strstr(msg, "more than a record may have (65536)"));
}

UNIT_MAIN("record", NULL, NULL)
