// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's memory on the agent's side: what is taken from under a VM comes back with its content, in
 * another place, and the old place says nothing any more. A memfd stands for /dev/mem.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agents/l0/regions.h"
#include "agents/l0/vm.h"

#define NL2    2u
#define SPARES 64u

static struct vm_memory mem;

static int regions_error;

int regions_unmanaged(struct region *out)
{
	*out = (struct region){0};
	return regions_error;
}

static int skips;

void sink_skip(struct sink *s, const char *fmt, ...)
{
	(void)s;
	(void)fmt;
	skips++;
}

static const struct plan_measure managed = {.memory = PLAN_MANAGED, .l2_vcpus = NL2};
static const struct plan_measure unmanaged = {.memory = PLAN_UNMANAGED, .l2_vcpus = NL2};

static int set_up_managed(void **state)
{
	(void)state;
	return vm_memory_map(&mem, &managed, -1, NULL);
}

static int set_up_unmanaged(void **state)
{
	size_t size = L1_AREA + 2 * NL2 * L1_BLOCK_SIZE + SPARES * L1_PAGE;

	(void)state;
	mem = (struct vm_memory){.area_size = NL2 * L1_BLOCK_SIZE, .unmanaged = true, .file = -1};
	mem.devmem = memfd_create("ram", 0);
	if (mem.devmem < 0 || ftruncate(mem.devmem, (off_t)size))
		return -1;
	mem.base = mmap(NULL, L1_AREA, PROT_READ | PROT_WRITE, MAP_SHARED, mem.devmem, 0);
	mem.area =
		mmap(NULL, mem.area_size, PROT_READ | PROT_WRITE, MAP_SHARED, mem.devmem, L1_AREA);
	return mem.base == MAP_FAILED || mem.area == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	vm_memory_unmap(&mem);
	return 0;
}

/* Page frame number, or 0 where this user may not know (proc_pid_pagemap(5)). */
static uint64_t frame_of(const void *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	off_t at = (off_t)((uintptr_t)p / L1_PAGE * sizeof(entry));

	if (fd < 0 || pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry & ((1ull << 55) - 1);
}

static void fill(uint64_t gpa, char c)
{
	memset(vm_memory_at(&mem, gpa), c, L1_PAGE);
}

static void holds(const char *page, char c)
{
	for (size_t i = 0; i < L1_PAGE; i++)
		assert_int_equal(page[i], c);
}

static void change_often(int (*change)(struct vm_memory *m, uint64_t gpa), bool other_frame)
{
	for (uint32_t n = 0; n < 3 * SPARES; n++) {
		uint64_t gpa = l1_block(n % NL2, n % L1_BLOCK_PAGES), before;

		fill(gpa, (char)n);
		before = frame_of(vm_memory_at(&mem, gpa));
		assert_int_equal(change(&mem, gpa), 0);
		holds(vm_memory_at(&mem, gpa), (char)n);
		if (other_frame && before)
			assert_int_not_equal(frame_of(vm_memory_at(&mem, gpa)), before);
	}
	assert_true(mem.ticks > 0);
}

TEST_WITH(a_dropped_page_comes_back_as_another_one, set_up_managed, tear_down)
{
	change_often(vm_memory_drop_page, true);
}

TEST_WITH(a_moved_page_is_another_one, set_up_managed, tear_down)
{
	change_often(vm_memory_move_page, true);
}

TEST_WITH(an_unmanaged_page_keeps_its_content, set_up_unmanaged, tear_down)
{
	change_often(vm_memory_drop_page, false);
	change_often(vm_memory_move_page, true);
}

TEST_WITH(what_an_unmanaged_page_was_is_zeros, set_up_unmanaged, tear_down)
{
	uint64_t gpa = l1_block(1, L1_BLOCK_MSR);
	char old[L1_PAGE];

	fill(gpa, 'x');
	assert_int_equal(vm_memory_move_page(&mem, gpa), 0);
	assert_int_equal(pread(mem.devmem, old, L1_PAGE, (off_t)gpa), L1_PAGE);
	holds(old, 0);
	holds(vm_memory_at(&mem, gpa), 'x');
}

static void check_replaced_area(void)
{
	uint64_t gpa = l1_block(1, L1_BLOCK_L2);

	for (int n = 0; n < 4; n++) {
		char *before = vm_memory_at(&mem, gpa);

		fill(gpa, (char)('a' + n));
		assert_int_equal(vm_memory_replace_area(&mem), 0);
		assert_ptr_not_equal(vm_memory_at(&mem, gpa), before);
		holds(vm_memory_at(&mem, gpa), (char)('a' + n));
		holds(before, 0);
	}
}

TEST_WITH(a_replaced_managed_area_is_elsewhere_with_all_that_was_in_it, set_up_managed, tear_down)
{
	check_replaced_area();
}

TEST_WITH(a_replaced_unmanaged_area_is_elsewhere_with_all_that_was_in_it, set_up_unmanaged,
	  tear_down)
{
	check_replaced_area();
}

TEST_WITH(both_slots_have_their_addresses, set_up_managed, tear_down)
{
	assert_ptr_equal(vm_memory_at(&mem, 0), mem.base);
	assert_ptr_equal(vm_memory_at(&mem, L1_AREA - 1), mem.base + L1_AREA - 1);
	assert_ptr_equal(vm_memory_at(&mem, L1_AREA), mem.area);
	assert_ptr_equal(vm_memory_at(&mem, l1_block(1, L1_BLOCK_VAPIC)),
			 mem.area + L1_BLOCK_SIZE + L1_BLOCK_VAPIC * L1_PAGE);
}

TEST(no_unmanaged_ram_is_a_skip)
{
	struct vm_memory none;

	skips = 0;
	assert_int_equal(vm_memory_map(&none, &unmanaged, -1, NULL), VM_SAID);
	assert_int_equal(skips, 1);
	vm_memory_unmap(&none);
}

/* A verdict on the host, "it has none", must not come of the agent's own trouble. */
TEST(a_lack_of_descriptors_is_no_skip)
{
	struct vm_memory none;

	skips = 0;
	regions_error = -EMFILE;
	assert_int_equal(vm_memory_map(&none, &unmanaged, -1, NULL), -EMFILE);
	regions_error = 0;
	assert_int_equal(skips, 0);
	vm_memory_unmap(&none);
}

/* What a process that shares L1's memory would see is what L1 writes, in both parts and no other. */
TEST(memory_of_a_file_is_the_files)
{
	struct plan_measure m = managed;
	struct vm_memory file;
	char byte;

	m.backing = PLAN_BACKING_MEMFD;
	assert_int_equal(vm_memory_map(&file, &m, -1, NULL), 0);
	*(char *)vm_memory_at(&file, 5) = 1;
	*(char *)vm_memory_at(&file, L1_AREA + 7) = 2;
	assert_int_equal(pread(file.file, &byte, 1, 5), 1);
	assert_int_equal(byte, 1);
	assert_int_equal(pread(file.file, &byte, 1, L1_AREA + 7), 1);
	assert_int_equal(byte, 2);
	vm_memory_unmap(&file);
}

TEST(who_shares_the_memory_ends_with_it)
{
	struct plan_measure m = managed;
	struct vm_memory file;

	m.backing = PLAN_BACKING_MEMFD_SHARED;
	assert_int_equal(vm_memory_map(&file, &m, -1, NULL), 0);
	assert_int_equal(kill(file.sharer, 0), 0);
	assert_true(fcntl(file.file, F_GET_SEALS) & F_SEAL_SHRINK);
	vm_memory_unmap(&file);
	assert_int_equal(kill(file.sharer, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* 6.12's guest_memfd cannot be mapped, and a file that is no VM's makes none at all. */
TEST(memory_that_this_kernel_does_not_have_is_a_skip)
{
	struct plan_measure m = managed;
	struct vm_memory none;

	skips = 0;
	m.backing = PLAN_BACKING_GUEST_MEMFD;
	assert_int_equal(vm_memory_map(&none, &m, -1, NULL), VM_SAID);
	assert_int_equal(skips, 1);
	vm_memory_unmap(&none);
}

static int map_huge_without_hugetlbfs(void *arg)
{
	struct plan_measure m = managed;
	struct vm_memory none;

	(void)arg;
	unit_filter_syscall(SYS_memfd_create, SECCOMP_RET_ERRNO | ENOSYS);
	m.backing = PLAN_BACKING_HUGETLB;
	if (vm_memory_map(&none, &m, -1, NULL) != VM_SAID || skips != 1)
		return 1;
	vm_memory_unmap(&none);
	if (vm_backing_reserve_huge(L1_AREA, NULL) != VM_SAID || skips != 2)
		return 2;
	return fcntl(STDOUT_FILENO, F_GETFD) != 0; /* VM_SAID is 1: it was taken for a descriptor */
}

/* Once, and no failure beside it: each boot of `full` on a kernel without huge pages failed by that. */
TEST(no_huge_pages_is_a_skip)
{
	skips = 0;
	assert_int_equal(unit_in_child(map_huge_without_hugetlbfs, NULL), 0);
}

static int map_without_descriptors(void *arg)
{
	static const enum plan_backing files[] = {PLAN_BACKING_MEMFD, PLAN_BACKING_HUGETLB};

	(void)arg;
	unit_use_up_descriptors(0);
	for (int i = 0; i < 2; i++) {
		struct plan_measure m = managed;
		struct vm_memory none;

		m.backing = files[i];
		if (vm_memory_map(&none, &m, -1, NULL) != -EMFILE || skips)
			return 1 + i;
		vm_memory_unmap(&none);
	}
	return 0;
}

TEST(a_file_that_cannot_be_opened_is_no_skip)
{
	skips = 0;
	assert_int_equal(unit_in_child(map_without_descriptors, NULL), 0);
}

UNIT_MAIN("l1 memory", NULL, NULL)
