/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A selftest of the nested-context series with its VM's memory in transparent huge pages: include this, then the
 * test. The selftests' library asks for pages of 4 KiB (MADV_NOHUGEPAGE), and some slots have less than 2 MiB. So
 * each such mapping begins where a huge page can, and where the library asks, huge pages are there already:
 * what the test takes away is a part of one. A kernel without huge pages: a skip.
 */
#ifndef HUGEPAGES_H
#define HUGEPAGES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_SIZE (2ul << 20)

static size_t huge_round_up(size_t size)
{
	return (size + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
}

static int huge_kilobytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	int kilobytes = 0;
	char line[200];

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "AnonHugePages: %d kB", &kilobytes);
	if (f)
		fclose(f);
	return kilobytes;
}

/* Says once whether it worked: a plan has the line as must_print. */
static void huge_tell(void)
{
	static int told;

	if (told)
		return;
	told = 1;
	if (!huge_kilobytes()) {
		printf("no transparent huge page: needs CONFIG_TRANSPARENT_HUGEPAGE\n");
		exit(4);
	}
	printf("the VM's memory is in huge pages\n");
}

/* An anonymous mapping at an address of the kernel's choice, at the beginning of what can be huge pages. */
static void *huge_map(size_t size, int prot, int flags)
{
	size_t huge = huge_round_up(size);
	uintptr_t all = syscall(SYS_mmap, NULL, huge + HUGE_SIZE, prot, flags, -1, 0);
	uintptr_t start = huge_round_up(all);

	if ((void *)all == MAP_FAILED)
		return MAP_FAILED;
	if (start != all)
		syscall(SYS_munmap, all, start - all);
	syscall(SYS_munmap, start + huge, all + HUGE_SIZE - start);
	return (void *)start;
}

/* These two take the place of libc's for the test and its library; libc itself calls others. */
void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	/* Not what has MAP_POPULATE: a test that replaces many pages would run out of memory. */
	if (!addr && flags == (MAP_PRIVATE | MAP_ANONYMOUS))
		return huge_map(size, prot, flags);
	return (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, offset);
}

int madvise(void *addr, size_t size, int advice)
{
	if (advice != MADV_NOHUGEPAGE)
		return syscall(SYS_madvise, addr, size, advice);
	/* It is the library that does not want them, and for a VM's memory only. */
	size = huge_round_up(size);
	syscall(SYS_madvise, addr, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += HUGE_SIZE)
		((volatile char *)addr)[at] = 0;
	huge_tell();
	return 0;
}

#endif
