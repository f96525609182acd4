// SPDX-License-Identifier: GPL-2.0-only
/*
 * devmem.c - preloaded into QEMU, for L1s in memory that L0 does not manage: `-object
 * memory-backend-file,mem-path=/dev/mem` maps /dev/mem from its start, for QEMU 7.2 has no `offset` there (8.1
 * has). What is mapped of /dev/mem is mapped from $NESTLAB_DEVMEM on; nothing else changes.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVMEM makedev(1, 1) /* Documentation/admin-guide/devices.txt of the kernel */

static off_t place(int fd)
{
	const char *start = getenv("NESTLAB_DEVMEM");
	struct stat st;

	if (fd < 0 || !start || fstat(fd, &st) || !S_ISCHR(st.st_mode) || st.st_rdev != DEVMEM)
		return 0;
	return (off_t)strtoull(start, NULL, 16);
}

void *mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, offset + place(fd));
}

void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	return mmap64(at, size, prot, flags, fd, offset);
}
