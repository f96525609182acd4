// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_memory.c - L1's memory: ordinary pages, or RAM that L0's kernel does not know of.
 *
 * The two differ in what KVM has to do for a page that a vmcs12 points to. An ordinary page has a struct
 * page: KVM takes a reference and uses the kernel's own mapping of it. A page that mem= hid has neither, so
 * KVM maps it anew (memremap) at each use: the case of clouds that keep guest memory from the host's kernel.
 *
 * Unmanaged memory is one piece of RAM, from mem->phys on: base slot, L2 area, SPARES pages that take the
 * place of pages of the area, and a second L2 area.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agents/l0/regions.h"
#include "agents/l0/vm.h"

#define LARGE_PAGE 0x200000ull
#define SPARES	   64u
#define RETIRED	   8u /* pages that the pipe holds; it has room for 16 (pipe(7)) */

static void *map_devmem(const struct vm_memory *mem, void *at, size_t size, uint64_t phys)
{
	int flags = MAP_SHARED;

	if (at)
		flags |= MAP_FIXED;
	return mmap(at, size, PROT_READ | PROT_WRITE, flags, mem->devmem, (off_t)phys);
}

/*
 * Unmanaged memory has what the last measurement left in it. L1 takes its tables, its image's .bss and the
 * L2 area to be zero at first; its stacks and samples it writes before it reads them, and clearing those
 * 2.5 MiB would cost more than the rest of making a VM.
 */
static void clear_unmanaged(struct vm_memory *mem)
{
	memset(mem->base, 0, L1_STACKS);
	memset(mem->base + L1_IMAGE, 0, L1_IMAGE_MAX);
	memset(mem->area, 0, mem->area_size);
}

/* /dev/mem failed. What a host does not have or does not allow is a skip; anything else is an error. */
static int skip_devmem(struct sink *s, const char *what, const char *needed)
{
	if (errno != ENOENT && errno != ENXIO && errno != EACCES && errno != EPERM)
		return -errno;
	sink_skip(s, "/dev/mem: %s: %s (%s is needed)", what, strerror(errno), needed);
	return VM_SAID;
}

static int find_unmanaged(size_t want, int *devmem, uint64_t *phys, struct sink *s)
{
	struct region r;
	int ret = regions_unmanaged(&r);

	if (ret)
		return ret;
	if (r.size < want + LARGE_PAGE) {
		sink_skip(
			s,
			"no %zu MiB of RAM that the kernel does not manage: boot with mem= to leave some",
			(size_t)((want + LARGE_PAGE) >> 20));
		return VM_SAID;
	}
	*devmem = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (*devmem < 0)
		return skip_devmem(s, "cannot open it", "CONFIG_DEVMEM=y");
	*phys = (r.start + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	return 0;
}

int vm_memory_find_unmanaged(size_t size, uint64_t *phys, struct sink *s)
{
	int devmem, ret = find_unmanaged(size, &devmem, phys, s);

	if (!ret)
		close(devmem);
	return ret;
}

int vm_memory_map_unmanaged(size_t size, char **at, struct sink *s)
{
	uint64_t phys;
	int devmem, ret = find_unmanaged(size, &devmem, &phys, s);

	if (ret)
		return ret;
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, devmem, (off_t)phys);
	ret = 0;
	if (*at == MAP_FAILED)
		ret = skip_devmem(s, "cannot map RAM", "CONFIG_STRICT_DEVMEM=n");
	close(devmem);
	return ret;
}

/* Leaves the PTEs of the mapping that L1 lives in as clean as they were made. */
static int clear_elsewhere(const struct vm_memory *mem)
{
	struct vm_memory other = *mem;

	other.base = map_devmem(mem, NULL, L1_AREA, mem->phys);
	other.area = map_devmem(mem, NULL, mem->area_size, mem->phys + L1_AREA);
	if (other.base == MAP_FAILED || other.area == MAP_FAILED)
		return -errno;
	clear_unmanaged(&other);
	munmap(other.base, L1_AREA);
	munmap(other.area, mem->area_size);
	return 0;
}

static int map_unmanaged(struct vm_memory *mem, bool clean, struct sink *s)
{
	size_t want = L1_AREA + 2 * mem->area_size + SPARES * L1_PAGE;
	int ret = find_unmanaged(want, &mem->devmem, &mem->phys, s);

	if (ret)
		return ret;
	mem->base = map_devmem(mem, NULL, L1_AREA, mem->phys);
	mem->area = map_devmem(mem, NULL, mem->area_size, mem->phys + L1_AREA);
	if (mem->base == MAP_FAILED || mem->area == MAP_FAILED)
		return skip_devmem(s, "cannot map RAM", "CONFIG_STRICT_DEVMEM=n");
	if (clean)
		return clear_elsewhere(mem);
	clear_unmanaged(mem);
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

int vm_memory_map(struct vm_memory *mem, const struct plan_measure *m, int vm, struct sink *s)
{
	*mem = (struct vm_memory){
		.base = MAP_FAILED, .area = MAP_FAILED, .devmem = -1, .file = -1, .vm = vm};
	mem->unmanaged = m->memory == PLAN_UNMANAGED;
	mem->area_size = m->l2_vcpus * L1_BLOCK_SIZE;
	if (mem->unmanaged)
		return map_unmanaged(mem, m->backing == PLAN_BACKING_CLEAN, s);
	if (m->backing != PLAN_BACKING_PLAIN)
		return vm_backing_map(mem, m->backing, s);
	return map_managed(mem);
}

void vm_memory_unmap(struct vm_memory *mem)
{
	if (mem->base != MAP_FAILED)
		munmap(mem->base, L1_AREA);
	if (mem->area != MAP_FAILED)
		munmap(mem->area, mem->area_size);
	if (mem->other)
		munmap(mem->other, mem->area_size);
	if (mem->retired) {
		close(mem->pipe[0]);
		close(mem->pipe[1]);
	}
	if (mem->devmem >= 0)
		close(mem->devmem);
	vm_backing_unmap(mem);
}

void *vm_memory_at(const struct vm_memory *mem, uint64_t gpa)
{
	if (gpa < L1_AREA)
		return mem->base + gpa;
	return mem->area + (gpa - L1_AREA);
}

/* ---- taking it away ---- */

static uint64_t read_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* Makes a page say nothing, and keeps it: a pipe that refers to it holds it back from the kernel,
 * which would else give the very same page back at the next fault. */
static int retire_page(struct vm_memory *mem, char *page)
{
	struct iovec iov = {.iov_base = page, .iov_len = L1_PAGE};
	char content[L1_PAGE];

	if (!mem->retired && pipe2(mem->pipe, O_CLOEXEC))
		return -errno;
	if (mem->retired >= RETIRED && read(mem->pipe[0], content, L1_PAGE) != L1_PAGE)
		return -EIO;
	memset(page, 0, L1_PAGE);
	if (vmsplice(mem->pipe[1], &iov, 1, 0) != L1_PAGE)
		return -errno;
	mem->retired++;
	return 0;
}

static int drop_managed(struct vm_memory *mem, char *page)
{
	uint64_t begin;
	int ret = retire_page(mem, page);

	if (ret)
		return ret;
	begin = read_tsc();
	ret = madvise(page, L1_PAGE, MADV_DONTNEED);
	mem->ticks += read_tsc() - begin;
	if (ret)
		return -errno;
	return 0;
}

static int remap_page(struct vm_memory *mem, char *page, uint64_t phys)
{
	uint64_t begin = read_tsc();
	void *p = map_devmem(mem, page, L1_PAGE, phys);

	mem->ticks += read_tsc() - begin;
	if (p == MAP_FAILED)
		return -errno;
	return 0;
}

int vm_memory_drop_page(struct vm_memory *mem, uint64_t gpa)
{
	char *page = vm_memory_at(mem, gpa);
	char content[L1_PAGE];
	int ret;

	if (mem->unmanaged)
		return remap_page(mem, page, mem->phys + gpa);
	memcpy(content, page, L1_PAGE);
	ret = drop_managed(mem, page);
	memcpy(page, content, L1_PAGE);
	return ret;
}

static int move_managed(struct vm_memory *mem, char *page)
{
	char *new = mmap(NULL, L1_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t begin;
	void *p;
	int ret;

	if (new == MAP_FAILED)
		return -errno;
	memcpy(new, page, L1_PAGE);
	ret = retire_page(mem, page);
	if (ret)
		return ret;
	begin = read_tsc();
	p = mremap(new, L1_PAGE, L1_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page);
	mem->ticks += read_tsc() - begin;
	if (p == MAP_FAILED)
		return -errno;
	return 0;
}

/* Round and round: when a spare comes again, its last user has moved on. */
static int move_unmanaged(struct vm_memory *mem, char *page)
{
	uint64_t spare = mem->next_spare++ % SPARES;
	char content[L1_PAGE];
	int ret;

	memcpy(content, page, L1_PAGE);
	memset(page, 0, L1_PAGE);
	ret = remap_page(mem, page, mem->phys + L1_AREA + mem->area_size + spare * L1_PAGE);
	memcpy(page, content, L1_PAGE);
	return ret;
}

int vm_memory_move_page(struct vm_memory *mem, uint64_t gpa)
{
	char *page = vm_memory_at(mem, gpa);

	if (mem->unmanaged)
		return move_unmanaged(mem, page);
	return move_managed(mem, page);
}

static char *map_other(struct vm_memory *mem)
{
	if (mem->unmanaged)
		return map_devmem(mem, NULL, mem->area_size,
				  mem->phys + L1_AREA + mem->area_size + SPARES * L1_PAGE);
	return mmap(NULL, mem->area_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int vm_memory_replace_area(struct vm_memory *mem)
{
	char *new = mem->other;

	if (!new)
		new = map_other(mem);
	if (new == MAP_FAILED)
		return -errno;
	memcpy(new, mem->area, mem->area_size);
	memset(mem->area, 0, mem->area_size);
	mem->other = mem->area;
	mem->area = new;
	return 0;
}
