// SPDX-License-Identifier: GPL-2.0-only
/*
 * scenario_unrelated.c - what the VMM does that has nothing to do with nested VMX must not cost more because L1
 * has L2 vCPUs.
 *
 * Each change of the VMM's memory calls KVM's MMU notifier, which has to find out whether a page that it keeps
 * for nested VMX is concerned. None is here. After each operation all L2 vCPUs run once and check themselves: a
 * kernel that puts the work off until then has all of its pages in use again.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "agents/l0/clock.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/measure.h"
#include "agents/l0/vm.h"

#define RANGE 0x200000ull

struct figures {
	struct histogram page, page_no_l2, range, l1_page;
};

/* Drops [at, at + size), of which the first page is there. */
static int drop_range(char *at, size_t size, struct histogram *h)
{
	uint64_t begin, end;

	*(volatile char *)at = 1;
	begin = __builtin_ia32_rdtsc();
	if (madvise(at, size, MADV_DONTNEED))
		return -errno;
	end = __builtin_ia32_rdtsc();
	if (h)
		histogram_add(h, clock_units(end - begin));
	return 0;
}

static char *map_range(void)
{
	char *p = mmap(NULL, 2 * RANGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, 2 * RANGE, MADV_NOHUGEPAGE);
	return p + (-(uintptr_t)p % RANGE);
}

static int drop_without_l2(struct vm *vm, char *range, struct figures *f)
{
	for (uint32_t i = 0; i < vm->m->warmup + vm->m->rounds; i++) {
		int ret = drop_range(range, L1_PAGE, i < vm->m->warmup ? NULL : &f->page_no_l2);

		if (ret)
			return ret;
	}
	return 0;
}

/* The MSR bitmap that only churn uses, of the L2 vCPU in the middle: its neighbours are in use. */
static int drop_l1_page(struct vm *vm, struct histogram *h)
{
	char *at = vm_memory_at(&vm->mem, l1_block(vm->m->l2_vcpus / 2, L1_BLOCK_MSR_OTHER));
	char content[L1_PAGE];
	int ret;

	memcpy(content, at, L1_PAGE);
	ret = drop_range(at, L1_PAGE, h);
	memcpy(at, content, L1_PAGE);
	return ret;
}

static int run_round(struct vm *vm, char *range, struct figures *f)
{
	int ret = drop_range(range, L1_PAGE, f ? &f->page : NULL);

	if (!ret)
		ret = drop_range(range, RANGE, f ? &f->range : NULL);
	if (!ret)
		ret = drop_l1_page(vm, f ? &f->l1_page : NULL);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < vm->ncpus; i++)
		vm->cpus[i].job->churn = L1_CHURN_FLIP_MSR;
	return vm_run(vm, L1_CMD_CHURN);
}

static int run_rounds(struct vm *vm, char *range, struct figures *f)
{
	struct kvm_stats *stats = NULL;
	uint32_t warmup = vm->m->warmup;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < warmup + vm->m->rounds; i++) {
		if (i == warmup)
			stats = vm_stats_begin(vm);
		ret = run_round(vm, range, i < warmup ? NULL : f);
	}
	if (stats)
		vm_stats_end(vm, stats, ret);
	return ret;
}

static int measure_unrelated(struct vm *vm, struct figures *f)
{
	char *range = map_range();
	int ret;

	if (!range)
		return -errno;
	ret = drop_without_l2(vm, range, f);
	if (ret)
		return ret;
	ret = vm_start(vm);
	if (ret)
		return ret;
	return run_rounds(vm, range, f);
}

int scenario_unrelated_run(const struct plan_measure *m, struct sink *s)
{
	static struct figures f;
	struct vm vm;
	int ret;

	histogram_init_zeroed(&f.page);
	histogram_init_zeroed(&f.page_no_l2);
	histogram_init_zeroed(&f.range);
	histogram_init_zeroed(&f.l1_page);
	ret = vm_create(&vm, m, s);
	if (!ret)
		ret = measure_unrelated(&vm, &f);
	if (!ret) {
		sink_metric(s, "vmm-page", &f.page);
		sink_metric(s, "vmm-page-no-l2", &f.page_no_l2);
		sink_metric(s, "vmm-range", &f.range);
		sink_metric(s, "l1-page", &f.l1_page);
	}
	vm_close(&vm);
	return vm_result(ret);
}
