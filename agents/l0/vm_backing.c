// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_backing.c - what managed memory of L1's consists of, other than single anonymous pages.
 *
 * KVM treats pages differently by what is behind them: who marks a page of a file as dirty calls into its
 * filesystem, a huge page is found one level higher up in the page tables, guest_memfd belongs to KVM itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/vm.h"

#define HUGE_PAGE 0x200000ull

/* KVM_CREATE_GUEST_MEMFD with its flags, which the headers of older kernels do not have: see
 * Documentation/virt/kvm/api.rst. */
struct guest_memfd {
	uint64_t size, flags, reserved[6];
};
#define CREATE_GUEST_MEMFD  _IOWR(KVMIO, 0xd4, struct guest_memfd)
#define MEMFD_MAPPED	    (1u << 0)
#define MEMFD_STARTS_SHARED (1u << 1)

/* What a kernel does not have is a skip; that the agent has no descriptor left says nothing of it. */
static int skip_backing(struct sink *s, const char *what, const char *needed)
{
	if (errno == EMFILE || errno == ENFILE)
		return -errno;
	sink_skip(s, "%s: %s (%s is needed)", what, strerror(errno), needed);
	return VM_SAID;
}

/* ---- huge pages without a file ---- */

/* @size bytes that begin where a huge page can. */
static char *map_aligned(size_t size)
{
	char *all = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (all == MAP_FAILED)
		return all;
	before = -(uintptr_t)all % HUGE_PAGE;
	if (before)
		munmap(all, before);
	munmap(all + before + size, HUGE_PAGE - before);
	return all + before;
}

/* How much of the machine's anonymous memory is huge pages, in bytes. */
static size_t count_huge(void)
{
	static const char word[] = "AnonHugePages:";
	char text[8192];
	const char *at = NULL;

	if (file_read("/proc/meminfo", text, sizeof(text)) > 0)
		at = strstr(text, word);
	return at ? strtoul(at + sizeof(word) - 1, NULL, 10) << 10 : 0;
}

static int map_thp(struct vm_memory *mem, struct sink *s)
{
	size_t before = count_huge(), want = L1_AREA + mem->area_size;

	mem->base = map_aligned(L1_AREA);
	mem->area = map_aligned(mem->area_size);
	if (mem->base == MAP_FAILED || mem->area == MAP_FAILED)
		return -errno;
	if (madvise(mem->base, L1_AREA, MADV_HUGEPAGE) ||
	    madvise(mem->area, mem->area_size, MADV_HUGEPAGE))
		return skip_backing(s, "MADV_HUGEPAGE", "CONFIG_TRANSPARENT_HUGEPAGE=y");
	memset(mem->base, 0, L1_AREA);
	memset(mem->area, 0, mem->area_size);
	if (count_huge() - before >= want)
		return 0;
	sink_skip(s,
		  "the kernel made no huge pages of %zu MiB: none are free, or it was told not to",
		  want >> 20);
	return VM_SAID;
}

/* ---- files ---- */

static int map_file(struct vm_memory *mem)
{
	const int prot = PROT_READ | PROT_WRITE;

	mem->base = mmap(NULL, L1_AREA, prot, MAP_SHARED, mem->file, 0);
	mem->area = mmap(NULL, mem->area_size, prot, MAP_SHARED, mem->file, L1_AREA);
	if (mem->base == MAP_FAILED || mem->area == MAP_FAILED)
		return -errno;
	return 0;
}

static int map_memfd(struct vm_memory *mem, struct sink *s)
{
	mem->file = memfd_create("l1", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem->file < 0)
		return skip_backing(s, "memfd_create", "CONFIG_MEMFD_CREATE=y");
	if (ftruncate(mem->file, (off_t)(L1_AREA + mem->area_size)))
		return -errno;
	return map_file(mem);
}

/* The other process, e.g. a vhost-user back end: it has each page in its page tables and does nothing. */
static void share_forever(const struct vm_memory *mem, int ready)
{
	size_t size = L1_AREA + mem->area_size;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mem->file, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (p == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < size; i += L1_PAGE)
		p[i] = p[i];
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static int share_file(struct vm_memory *mem)
{
	int ready[2];
	char byte;
	ssize_t n;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	mem->sharer = fork();
	if (!mem->sharer)
		share_forever(mem, ready[1]);
	close(ready[1]);
	n = read(ready[0], &byte, 1);
	close(ready[0]);
	if (mem->sharer < 0 || n != 1)
		return -ECHILD;
	return 0;
}

static int map_memfd_shared(struct vm_memory *mem, struct sink *s)
{
	int ret = map_memfd(mem, s);

	if (ret)
		return ret;
	if (fcntl(mem->file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		return -errno;
	return share_file(mem);
}

static int open_huge(size_t size, int *fd, struct sink *s)
{
	char count[32];

	*fd = memfd_create("l1", MFD_CLOEXEC | MFD_HUGETLB);
	if (*fd < 0)
		return skip_backing(s, "memfd_create(MFD_HUGETLB)", "CONFIG_HUGETLBFS=y");
	snprintf(count, sizeof(count), "%llu", size / HUGE_PAGE);
	file_write("/proc/sys/vm/nr_hugepages", count);
	return 0;
}

int vm_backing_reserve_huge(size_t size, struct sink *s)
{
	char text[32];
	int fd, ret = open_huge(size, &fd, s);

	if (ret)
		return ret;
	close(fd);
	if (file_read("/proc/sys/vm/nr_hugepages", text, sizeof(text)) > 0 &&
	    strtoul(text, NULL, 10) >= size / HUGE_PAGE)
		return 0;
	errno = ENOMEM;
	return skip_backing(s, "reserving huge pages", "free memory");
}

static int map_hugetlb(struct vm_memory *mem, struct sink *s)
{
	int ret = open_huge(L1_AREA + mem->area_size, &mem->file, s);

	if (ret)
		return ret;
	if (ftruncate(mem->file, (off_t)(L1_AREA + mem->area_size)))
		return -errno;
	if (map_file(mem))
		return skip_backing(s, "mapping huge pages", "free memory");
	return 0;
}

static int map_guest_memfd(struct vm_memory *mem, struct sink *s)
{
	struct guest_memfd create = {.size = L1_AREA + mem->area_size,
				     .flags = MEMFD_MAPPED | MEMFD_STARTS_SHARED};

	mem->file = ioctl(mem->vm, CREATE_GUEST_MEMFD, &create);
	if (mem->file < 0 || map_file(mem))
		return skip_backing(s, "mapping a guest_memfd",
				    "a kernel with KVM_CAP_GUEST_MEMFD_FLAGS, 6.18 or newer");
	return 0;
}

static const struct {
	int (*map)(struct vm_memory *mem, struct sink *s);
	size_t page; /* what the size of the L2 area is a multiple of */
} backings[PLAN_BACKING_COUNT] = {
	[PLAN_BACKING_THP] = {map_thp, HUGE_PAGE},
	[PLAN_BACKING_MEMFD] = {map_memfd, L1_PAGE},
	[PLAN_BACKING_MEMFD_SHARED] = {map_memfd_shared, L1_PAGE},
	[PLAN_BACKING_HUGETLB] = {map_hugetlb, HUGE_PAGE},
	[PLAN_BACKING_GUEST_MEMFD] = {map_guest_memfd, L1_PAGE},
};

int vm_backing_map(struct vm_memory *mem, enum plan_backing backing, struct sink *s)
{
	size_t page = backings[backing].page;

	mem->area_size = (mem->area_size + page - 1) / page * page;
	return backings[backing].map(mem, s);
}

void vm_backing_unmap(struct vm_memory *mem)
{
	if (mem->sharer > 0) {
		kill(mem->sharer, SIGKILL);
		waitpid(mem->sharer, NULL, 0);
	}
	if (mem->file >= 0)
		close(mem->file);
}
