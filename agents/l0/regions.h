/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * regions.h - the host's RAM: what its kernel maps, and what mem= hides from it.
 *
 * "managed" is "System RAM" in /proc/iomem. "unmanaged" is what the firmware called usable RAM
 * (/sys/kernel/boot_params/data: the e820 table of Documentation/arch/x86/zero-page.rst, before mem=
 * was applied to it) and /proc/iomem does not have: /dev/mem maps it. Pieces of less than 1 MiB
 * (page 0, firmware tables) are left out of "unmanaged": the kernel put them aside, not the user.
 */
#ifndef AGENTS_L0_REGIONS_H
#define AGENTS_L0_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGIONS_MAX 64

struct region {
	uint64_t start, size; /* bytes of physical address space */
	bool managed;
};

struct regions {
	struct region r[REGIONS_MAX];
	size_t n;
};

/* The managed regions, then the unmanaged ones, each by address. 0 or a negative errno. */
int regions_read(struct regions *out);

/* The same from the text of /proc/iomem and the REGIONS_BOOT_PARAMS bytes of boot_params. */
#define REGIONS_BOOT_PARAMS 4096
int regions_parse(const char *iomem, const char *params, struct regions *out);

/* The largest unmanaged region, of size 0 if there is none. 0 or a negative errno. */
int regions_unmanaged(struct region *out);

#endif
