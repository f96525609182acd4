/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.h - SHA-256 in lower-case hex, which is how nestlab names what it keeps by content.
 */
#ifndef COMMON_SHA256_H
#define COMMON_SHA256_H

#include <stddef.h>

#include "common/error.h"

#define SHA256_HEX 65 /* 64 digits and the NUL */

void sha256_bytes(const void *data, size_t len, char hex[SHA256_HEX]);
/* Of the file's contents. 0, or a negative errno with @err naming the path. */
int sha256_file(const char *path, char hex[SHA256_HEX], struct error *err);

#endif
