// SPDX-License-Identifier: GPL-2.0-only
#include "common/slice.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_NS 100000 /* the least that Linux takes */

/* sched_setattr(2)'s struct sched_attr, of its first size: Linux's and the C library's headers define each other's. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns */
};

/* What fails is no trouble: the thread waits as long as it did before. */
static void set_slice(uint64_t ns)
{
	struct attributes attr = {.size = sizeof(attr), .policy = SCHED_OTHER, .runtime = ns};

	if (sched_getscheduler(0) != SCHED_OTHER)
		return;
	errno = 0;
	attr.nice = getpriority(PRIO_PROCESS, 0);
	if (!errno)
		syscall(SYS_sched_setattr, 0, &attr, 0);
}

void slice_shorten(void)
{
	set_slice(SHORT_NS);
}

void slice_restore(void)
{
	set_slice(0);
}
