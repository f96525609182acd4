/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crc32.h - CRC-32 as in zlib and IEEE 802.3 (reflected polynomial 0xEDB88320). Freestanding: the
 * agent uses it too. Start with 0; feed the result back in to continue.
 */
#ifndef COMMON_CRC32_H
#define COMMON_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_update(uint32_t crc, const void *data, size_t len);

#endif
