/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.h - a machine's memory, in a process that runs here. */
#ifndef ORCHESTRATOR_HOSTS_MEMORY_H
#define ORCHESTRATOR_HOSTS_MEMORY_H

#include <stdint.h>

struct host_memory {
	int fd; /* for pread() and pwrite(), at these offsets; whoever asked closes it */
	uint64_t from, upto; /* all of it is in here, not in the order of its addresses */
};

#endif
