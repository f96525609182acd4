/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * utf8.h - is it UTF-8? As RFC 3629 and Unicode's table 3-7 have it: no overlong forms, no surrogates,
 * nothing above U+10FFFF. Freestanding: the agent uses it too.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of a string that ends in a NUL: no byte after the NUL is looked at. */
#define UTF8_TO_NUL SIZE_MAX

/*
 * Bytes (1 to 4) of the character that @s begins with, of which there are @len bytes. 0 if @len is 0
 * or the bytes are not UTF-8; the caller then passes over one byte. A NUL is a character of one byte.
 */
size_t utf8_length(const char *s, size_t len);

#endif
