// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/plugged.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/guest/hv.h"
#include "agents/guest/mail.h"

/* An entry of /proc/PID/pagemap (the kernel's Documentation/admin-guide/mm/pagemap.rst). */
#define PRESENT	   (1ull << 63)
#define FRAME_MASK ((1ull << 55) - 1)

static int settle_vm(const struct l2vm *l2, size_t size)
{
	void *fresh = hv_get_memory(size);

	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, l2->memory, size);
	if (mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, l2->memory) == MAP_FAILED)
		return -errno;
	return 0;
}

/* The vCPUs of a VM follow each other. */
int plugged_settle(const struct l2set *set, uint32_t smp)
{
	int ret = 0;

	for (uint32_t i = 0; i < set->count && !ret; i += smp)
		ret = settle_vm(&set->l2[i], L2VM_SIZE(smp));
	return ret;
}

static int count_vm(int pagemap, const struct l2vm *l2, size_t npages, uint32_t *pages)
{
	static uint64_t entries[L2VM_SIZE(PLAN_MAX_L2_SMP) / L1_PAGE];
	size_t len = npages * sizeof(entries[0]);
	off_t at = (off_t)((uintptr_t)l2->memory / L1_PAGE * sizeof(entries[0]));

	if (pread(pagemap, entries, len, at) != (ssize_t)len)
		return -EIO;
	for (size_t i = 0; i < npages; i++)
		*pages +=
			entries[i] & PRESENT && (entries[i] & FRAME_MASK) >= MAIL_PLUGGED / L1_PAGE;
	return 0;
}

int plugged_count(const struct l2set *set, uint32_t smp, uint32_t *pages)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), ret = 0;

	*pages = 0;
	if (pagemap < 0)
		return errno == ENOENT ? 0 : -errno;
	for (uint32_t i = 0; i < set->count && !ret; i += smp)
		ret = count_vm(pagemap, &set->l2[i], L2VM_SIZE(smp) / L1_PAGE, pages);
	close(pagemap);
	return ret;
}
