// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/vmap.h"

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

struct reader {
	int fd;
	uint64_t last; /* the TSC after the last one */
};

/* Since the last one: the worker may come between two as well. */
static uint64_t read_a_byte(void *arg)
{
	struct reader *r = arg;
	uint64_t before = r->last;
	char byte;

	if (pread(r->fd, &byte, 1, NOT_RAM) != 1)
		return UINT64_MAX;
	r->last = __builtin_ia32_rdtsc();
	return r->last - before;
}

void vmap_settle(void)
{
	struct reader r = {.fd = open("/dev/mem", O_RDONLY | O_CLOEXEC)};

	if (r.fd < 0)
		return;
	r.last = __builtin_ia32_rdtsc();
	vmap_settle_by(read_a_byte, &r);
	close(r.fd);
}
