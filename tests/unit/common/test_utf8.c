// SPDX-License-Identifier: GPL-2.0-only
/* common/utf8: every form of a character, and what only looks like one. */
#include "tests/unit/unit.h"

#include "common/utf8.h"

TEST(each_form_has_its_length)
{
	assert_int_equal(utf8_length("a", 1), 1);
	assert_int_equal(utf8_length("\xc3\xa4", 2), 2);
	assert_int_equal(utf8_length("\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_length("\xf0\x9f\x98\x80", 4), 4);
	assert_int_equal(utf8_length("\xf4\x8f\xbf\xbf", 4), 4); /* U+10FFFF */
	assert_int_equal(utf8_length("", UTF8_TO_NUL), 1);
	assert_int_equal(utf8_length("a", 0), 0);
}

TEST(what_is_not_utf8_has_no_length)
{
	static const char *const wrong[] = {
		"\x80",		/* a continuation alone */
		"\xc0\xaf",	/* '/', overlong */
		"\xe0\x80\xaf", /* the same in three bytes */
		"\xf0\x80\x80\xaf",
		"\xed\xa0\x80",	    /* a surrogate */
		"\xf4\x90\x80\x80", /* U+110000 */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x28\xa1",
		"\xe2\x82\x28",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(utf8_length(wrong[i], strlen(wrong[i])), 0);
}

/* The copies keep the sanitizers' eyes on the byte after the end. */
TEST(a_character_cut_short_is_none)
{
	const char *whole = "\xf0\x9f\x98\x80";

	for (size_t len = 1; len < 4; len++) {
		char *cut = xcalloc(1, len), *string = strndup(whole, len);

		memcpy(cut, whole, len);
		assert_int_equal(utf8_length(cut, len), 0);
		assert_int_equal(utf8_length(string, UTF8_TO_NUL), 0);
		free(cut);
		free(string);
	}
}

UNIT_MAIN("utf8", NULL, NULL)
