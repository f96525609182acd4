// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmap.h"

#include <fcntl.h>
#include <unistd.h>

/* The BIOS: below the end of RAM, as read(2) on /dev/mem wants it, and not RAM, so that the kernel maps it for each of them. */
#define NOT_RAM 0xf0000

unsigned int vmap_settle_by(uint64_t (*touch)(void *arg), void *arg)
{
	unsigned int made = 0, until = VMAP_LIMIT;

	while (made < until) {
		uint64_t ticks = touch(arg);

		if (ticks == UINT64_MAX)
			break;
		made++;
		if (until == VMAP_LIMIT && ticks > VMAP_FREEING)
			until = made + VMAP_SETTLED;
	}
	return made;
}

static uint64_t read_a_byte(void *arg)
{
	uint64_t begin = __builtin_ia32_rdtsc();
	char byte;

	if (pread(*(int *)arg, &byte, 1, NOT_RAM) != 1)
		return UINT64_MAX;
	return __builtin_ia32_rdtsc() - begin;
}

void vmap_settle(void)
{
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	vmap_settle_by(read_a_byte, &fd);
	close(fd);
}
