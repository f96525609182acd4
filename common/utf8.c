// SPDX-License-Identifier: GPL-2.0-only
#include "common/utf8.h"

#include <stdbool.h>

/* The forms of a character: ranges of the first and the second byte; any other byte is 80..bf. */
struct form {
	unsigned char first_low, first_high, second_low, second_high, length;
};

// clang-format off
static const struct form forms[] = {
	{0x00, 0x7f, 0x00, 0x00, 1},
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3}, /* not overlong */
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, /* no surrogates */
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, /* not overlong */
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4}, /* up to U+10FFFF */
};
// clang-format on

static const struct form *find_form(unsigned char first)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (first >= forms[i].first_low && first <= forms[i].first_high)
			return &forms[i];
	return NULL;
}

/* Looks at the bytes one after the other, so that a NUL among them ends it. */
static bool has_form(const unsigned char *s, const struct form *form)
{
	if (form->length > 1 && (s[1] < form->second_low || s[1] > form->second_high))
		return false;
	for (size_t i = 2; i < form->length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return false;
	return true;
}

size_t utf8_length(const char *s, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)s;
	const struct form *form;

	if (!len)
		return 0;
	form = find_form(bytes[0]);
	if (!form || len < form->length || !has_form(bytes, form))
		return 0;
	return form->length;
}
