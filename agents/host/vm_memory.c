// SPDX-License-Identifier: GPL-2.0-only
/* vm_memory.c - L1's memory: ordinary pages, or RAM that L0's kernel does not know of. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/host/regions.h"
#include "agents/host/vm.h"

#define LARGE_PAGE  0x200000ull
#define SPARE_PAGES 64u

static void *map_devmem(const struct vm_memory *mem, void *at, size_t size, uint64_t phys)
{
	return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
		    mem->devmem, (off_t)phys);
}

static int map_unmanaged(struct vm_memory *mem, struct sink *s)
{
	size_t want = L1_AREA + mem->area_size + SPARE_PAGES * L1_PAGE;
	struct region r;

	if (!regions_unmanaged(&r) || r.size < want + LARGE_PAGE) {
		sink_skip(s,
			  "no RAM that the kernel does not manage: boot with mem= to leave some");
		return VM_SAID;
	}
	mem->devmem = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (mem->devmem < 0) {
		sink_skip(s, "/dev/mem: %s (CONFIG_DEVMEM=y is needed)", strerror(errno));
		return VM_SAID;
	}
	mem->phys = (r.start + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	mem->spares = SPARE_PAGES;
	mem->base = map_devmem(mem, NULL, L1_AREA, mem->phys);
	mem->area = map_devmem(mem, NULL, mem->area_size, mem->phys + L1_AREA);
	if (mem->base == MAP_FAILED || mem->area == MAP_FAILED) {
		sink_skip(s, "/dev/mem: cannot map RAM: %s (CONFIG_STRICT_DEVMEM=n is needed)",
			  strerror(errno));
		return VM_SAID;
	}
	/* It has what was in it at the last run. */
	memset(mem->base, 0, L1_AREA);
	memset(mem->area, 0, mem->area_size);
	return 0;
}

static int map_managed(struct vm_memory *mem)
{
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	mem->base = mmap(NULL, L1_AREA, prot, flags, -1, 0);
	mem->area = mmap(NULL, mem->area_size, prot, flags, -1, 0);
	if (mem->base == MAP_FAILED || mem->area == MAP_FAILED)
		return -errno;
	/* Pages one by one, as the unmanaged ones are, whatever the host's default. */
	madvise(mem->base, L1_AREA, MADV_NOHUGEPAGE);
	madvise(mem->area, mem->area_size, MADV_NOHUGEPAGE);
	return 0;
}

int vm_memory_map(struct vm_memory *mem, enum plan_memory kind, uint32_t nl2, struct sink *s)
{
	*mem = (struct vm_memory){ .base = MAP_FAILED, .area = MAP_FAILED, .devmem = -1 };
	mem->unmanaged = kind == PLAN_UNMANAGED;
	mem->area_size = nl2 * L1_BLOCK_SIZE;
	return mem->unmanaged ? map_unmanaged(mem, s) : map_managed(mem);
}

void vm_memory_unmap(struct vm_memory *mem)
{
	if (mem->base != MAP_FAILED)
		munmap(mem->base, L1_AREA);
	if (mem->area != MAP_FAILED)
		munmap(mem->area, mem->area_size);
	if (mem->devmem >= 0)
		close(mem->devmem);
}

void *vm_memory_at(const struct vm_memory *mem, uint64_t gpa)
{
	return gpa < L1_AREA ? mem->base + gpa : mem->area + (gpa - L1_AREA);
}

int vm_memory_drop_page(struct vm_memory *mem, uint64_t gpa)
{
	char *page = vm_memory_at(mem, gpa);
	char content[L1_PAGE];

	if (mem->unmanaged)
		return map_devmem(mem, page, L1_PAGE, mem->phys + gpa) == MAP_FAILED ? -errno : 0;
	memcpy(content, page, sizeof(content));
	if (madvise(page, L1_PAGE, MADV_DONTNEED))
		return -errno;
	memcpy(page, content, sizeof(content));
	return 0;
}

static int move_managed(char *page)
{
	char *other =
		mmap(NULL, L1_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (other == MAP_FAILED)
		return -errno;
	memcpy(other, page, L1_PAGE);
	if (mremap(other, L1_PAGE, L1_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED)
		return -errno;
	return 0;
}

int vm_memory_move_page(struct vm_memory *mem, uint64_t gpa)
{
	char *page = vm_memory_at(mem, gpa);
	uint64_t to = mem->phys + L1_AREA + mem->area_size;
	char content[L1_PAGE];

	if (!mem->unmanaged)
		return move_managed(page);
	/* Round and round: when a spare comes again, its last user has moved on. */
	to += mem->next_spare++ % mem->spares * L1_PAGE;
	memcpy(content, page, sizeof(content));
	if (map_devmem(mem, page, L1_PAGE, to) == MAP_FAILED)
		return -errno;
	memcpy(page, content, sizeof(content));
	return 0;
}
