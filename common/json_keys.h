/* SPDX-License-Identifier: GPL-2.0-only */
/* json_keys.h - a key that is twice in one object: json-c takes the last one and says nothing. */
#ifndef COMMON_JSON_KEYS_H
#define COMMON_JSON_KEYS_H

#include <stddef.h>

/* Where the second of two equal keys begins in @text (its quote), which is valid JSON of at most
 * JSON_KEYS_DEPTH levels; NULL: there is none. Keys are compared as they are written, escapes and
 * all. */
#define JSON_KEYS_DEPTH 64
const char *json_keys_find_twice(const char *text, size_t len);

#endif
