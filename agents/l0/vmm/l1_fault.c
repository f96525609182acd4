// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_fault.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>

/* Enough for all but an L1's memory. */
#define SMALL_DISK "size=8m"

int l1_fault_prepare(const struct plan_measure *m, const char *directory)
{
	if (m->fault != PLAN_FAULT_DISK_FULL)
		return 0;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount("none", directory, "tmpfs", 0, SMALL_DISK))
		return -errno;
	return 0;
}

uint64_t l1_fault_megabytes(const struct plan_measure *m, uint32_t usual)
{
	struct sysinfo info;

	if (m->fault != PLAN_FAULT_NO_MEMORY || sysinfo(&info))
		return usual;
	return (2 * (uint64_t)(info.totalram + info.totalswap) * info.mem_unit) >> 20;
}
