// SPDX-License-Identifier: GPL-2.0-only
/* pin.c - crew_pin() of a Linux; agents/windows/pin.c has the other. */
#include <errno.h>
#include <sched.h>

#include "agents/guest/crew.h"

int crew_pin(uint32_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -errno;
	return 0;
}
