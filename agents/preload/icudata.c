// SPDX-License-Identifier: GPL-2.0-only
/*
 * icudata.c - stands for libicudata.so where libvirt is: 31 MB of tables about the world's scripts, a third of an image,
 * which come with libxml2 and which nobody here asks for, since libvirt's descriptions are in UTF-8. It is an empty table
 * of contents, as ICU itself is linked with while its tables are being built (udatamem.h and ucmndata.h of its sources).
 */
#include <stdint.h>

/* ICU_VERSION is in the name: icudt72_dat. */
#define NAME_OF(version) icudt##version##_dat
#define NAME(version)	 NAME_OF(version)

struct header {
	uint16_t header_size;
	uint8_t magic[2];
	uint16_t info_size, reserved_word;
	uint8_t is_big_endian, charset_family, uchar_size, reserved_byte;
	uint8_t format[4], format_version[4], data_version[4];
	uint8_t padding[8];
	uint32_t count, reserved; /* of the entries that follow */
};

__attribute__((visibility("default"), aligned(16))) extern const struct header NAME(ICU_VERSION);

const struct header NAME(ICU_VERSION) = {
	.header_size = 32,
	.magic = {0xda, 0x27},
	.info_size = 20,
	.uchar_size = 2,
	.format = "ToCP",
	.format_version = {1},
};
