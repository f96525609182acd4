// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/l2vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "agents/l0/sink.h"
#include "agents/l0/vm.h"
#include "agents/l0/vcpu.h"
#include "agents/l1/vmx.h"
#include "common/splitmix.h"

#define CPUID_MAX 128

/* The failure of an ioctl that must not fail. */
static int fail_ioctl(const struct l2vm *l2, const char *what)
{
	sink_fail(l2->sink, SINK_GUEST, "success", strerror(errno), "%s in L1 (L2 %" PRIu32 ")",
		  what, l2->id);
	return VM_SAID;
}

/* ---- making it ---- */

static int set_up_memory(struct l2vm *l2)
{
	struct kvm_userspace_memory_region region = {.memory_size = L2VM_MEMORY};
	uint64_t *table;

	l2->memory = mmap(NULL, L2VM_MEMORY, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l2->memory == MAP_FAILED)
		return fail_ioctl(l2, "L2's memory");
	table = (uint64_t *)(l2->memory + L2VM_TABLES);
	table[0] = (L2VM_TABLES + L1_PAGE) | 3;
	table[512] = (L2VM_TABLES + 2 * L1_PAGE) | 3;
	for (uint64_t i = 0; i < 512; i++)
		table[1024 + i] = i << 21 | 0x83;
	memcpy(l2->memory + L2VM_IMAGE, l2vm_image, (size_t)(l2vm_image_end - l2vm_image));
	l2->page = (struct l2_page *)(l2->memory + L2VM_PAGE);
	region.userspace_addr = (uintptr_t)l2->memory;
	if (ioctl(l2->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fail_ioctl(l2, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static int set_registers(const struct l2vm *l2)
{
	const struct kvm_regs regs = {
		.rip = L2VM_IMAGE, .rsp = L2_STACK_TOP(L2VM_PAGE), .rdi = L2VM_PAGE, .rflags = 2};

	return vcpu_start(l2->cpu, L2VM_TABLES, &regs);
}

/* Long mode has to be in CPUID before EFER can say it; and the leaf that L2 reads. */
static int set_cpuid(const struct l2vm *l2, int kvm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[CPUID_MAX];
	} t;
	uint32_t n = 0;

	t.head.nent = CPUID_MAX - 1;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &t))
		return -errno;
	for (uint32_t i = 0; i < t.head.nent; i++)
		if (t.entries[i].function >> 8 != L2_CPUID_LEAF >> 8)
			t.entries[n++] = t.entries[i];
	t.entries[n++] =
		(struct kvm_cpuid_entry2){.function = L2_CPUID_LEAF, .eax = L2VM_CPUID_ANSWER};
	t.head.nent = n;
	if (ioctl(l2->cpu, KVM_SET_CPUID2, &t))
		return -errno;
	return 0;
}

static int set_msrs(struct l2vm *l2)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} gs = {.head.nmsrs = 1, .entry = {.index = MSR_KERNEL_GS_BASE, .data = L1_GS_VALUE}},
	  misc = {.head.nmsrs = 1, .entry.index = L2VM_MSR};

	if (ioctl(l2->cpu, KVM_SET_MSRS, &gs) != 1 || ioctl(l2->cpu, KVM_GET_MSRS, &misc) != 1)
		return fail_ioctl(l2, "KVM_SET_MSRS, KVM_GET_MSRS");
	l2->page->expect_msr = misc.entry.data;
	return 0;
}

static int open_cpu(struct l2vm *l2, int kvm)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	l2->cpu = ioctl(l2->vm, KVM_CREATE_VCPU, 0);
	if (l2->cpu < 0)
		return fail_ioctl(l2, "KVM_CREATE_VCPU");
	l2->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, l2->cpu, 0);
	if (l2->run == MAP_FAILED)
		return fail_ioctl(l2, "mapping struct kvm_run");
	if (set_cpuid(l2, kvm))
		return fail_ioctl(l2, "setting CPUID");
	if (set_registers(l2))
		return fail_ioctl(l2, "setting registers");
	return set_msrs(l2);
}

int l2vm_open(struct l2vm *l2, int kvm, uint32_t id, uint64_t seed, struct sink *s)
{
	int ret;

	*l2 = (struct l2vm){.id = id, .sink = s, .cpu = -1};
	l2->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (l2->vm < 0)
		return fail_ioctl(l2, "KVM_CREATE_VM");
	ret = set_up_memory(l2);
	if (ret)
		return ret;
	ret = open_cpu(l2, kvm);
	if (ret)
		return ret;
	l2->page->id = id;
	l2->page->samples = (struct l1_sample *)L2VM_SAMPLES;
	for (uint32_t i = 0; i < L2_REGISTERS; i++)
		l2->regs[i] = l2->page->regs[i] = splitmix(seed + splitmix(id * L2_REGISTERS + i));
	return l2vm_check_step(l2, l2vm_enter(l2));
}

/* ---- running it ---- */

int l2vm_enter(const struct l2vm *l2)
{
	return ioctl(l2->cpu, KVM_RUN, 0);
}

static int refuse_exit(struct l2vm *l2, int entered, const char *expected)
{
	struct kvm_regs regs = {0};
	char found[128];

	vcpu_describe_exit(entered ? -errno : 0, l2->run, "L2", found, sizeof(found));
	ioctl(l2->cpu, KVM_GET_REGS, &regs);
	sink_fail(l2->sink, SINK_GUEST, expected, found,
		  "L1's KVM_RUN of L2 %" PRIu32 " ended otherwise (L2's RIP %#llx)", l2->id,
		  regs.rip);
	return VM_SAID;
}

static bool is_end(const struct l2vm *l2)
{
	return l2->run->exit_reason == KVM_EXIT_IO && l2->run->io.port == L1_PORT;
}

/* What L2 found wrong itself. */
static int check_l2_found_nothing(const struct l2vm *l2)
{
	const struct l2_fail *f = &l2->page->fail;
	char expected[32], found[32];

	if (!f->what)
		return 0;
	snprintf(expected, sizeof(expected), "%#" PRIx64, f->expected);
	snprintf(found, sizeof(found), "%#" PRIx64, f->found);
	sink_fail(l2->sink, SINK_INTEGRITY, expected, found, "%s (L2 %" PRIu32 ", detail %u)",
		  vm_check_text(f->what - 1), l2->id, f->detail);
	return VM_SAID;
}

static int check_word(const struct l2vm *l2, enum l1_check what, uint64_t expected, uint64_t found,
		      uint32_t detail)
{
	char e[32], f[32];

	if (expected == found)
		return 0;
	snprintf(e, sizeof(e), "%#" PRIx64, expected);
	snprintf(f, sizeof(f), "%#" PRIx64, found);
	sink_fail(l2->sink, SINK_INTEGRITY, e, f, "%s (L2 %" PRIu32 " of the Linux L1, detail %u)",
		  vm_check_text(what), l2->id, detail);
	return VM_SAID;
}

static int check_registers(struct l2vm *l2)
{
	struct kvm_regs r;
	int ret;

	if (ioctl(l2->cpu, KVM_GET_REGS, &r))
		return fail_ioctl(l2, "KVM_GET_REGS");
	const uint64_t seen[L2_REGISTERS] = {r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r8,
					     r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14};

	for (uint32_t i = 0; i < L2_REGISTERS; i++) {
		ret = check_word(l2, L1_CHECK_REGISTER, l2->regs[i], seen[i], i);
		if (ret)
			return ret;
		ret = check_word(l2, L1_CHECK_MEMORY, l2->regs[i], l2->page->regs[i], i);
		if (ret)
			return ret;
		l2->regs[i] += L2_STRIDE;
	}
	return 0;
}

int l2vm_check_step(struct l2vm *l2, int entered)
{
	int ret;

	if (entered || !is_end(l2))
		return refuse_exit(l2, entered, "the end of a step");
	ret = check_l2_found_nothing(l2);
	if (ret)
		return ret;
	ret = check_word(l2, L1_CHECK_STEPS, l2->steps, l2->page->steps, 0);
	if (ret)
		return ret;
	l2->steps++;
	return check_registers(l2);
}

/* An exit on the way to the end of the command: the answer that L2 expects. */
static bool answer_exit(struct l2vm *l2)
{
	struct kvm_run *run = l2->run;
	const uint32_t answer = L2_APIC_ANSWER;

	l2->exits++;
	if (run->exit_reason == KVM_EXIT_IO)
		return run->io.port == L2_IO_PORT;
	if (run->exit_reason == KVM_EXIT_HLT)
		return true;
	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != L2VM_HOLE ||
	    run->mmio.is_write || run->mmio.len != sizeof(answer))
		return false;
	memcpy(run->mmio.data, &answer, sizeof(answer));
	return true;
}

/*
 * L2 is at the end of a step. With another command in its page it makes that step whole, does what it is
 * told, and ends with that; with the next entry it is about to step again.
 */
static int run_command(struct l2vm *l2, enum l2_command command)
{
	int entered;

	l2->page->command = command;
	entered = l2vm_enter(l2);
	while (!entered && !is_end(l2)) {
		if (!answer_exit(l2))
			return refuse_exit(l2, entered, "an exit of the asked-for kind");
		entered = l2vm_enter(l2);
	}
	if (entered)
		return refuse_exit(l2, entered, "the end of a command");
	l2->page->command = L2_CMD_STEP;
	return check_l2_found_nothing(l2);
}

/* The step that L2 made whole on its way to the command, and the one that brings it back. */
static int go_back_to_steps(struct l2vm *l2)
{
	return l2vm_check_step(l2, l2vm_enter(l2));
}

/* How many of the exits must have come to the agent; of the others L1's kernel keeps none. */
static uint64_t exits_expected(enum plan_reason reason, uint32_t count)
{
	if (reason == PLAN_REASON_HLT || reason == PLAN_REASON_IO ||
	    reason == PLAN_REASON_EPT_VIOLATION)
		return count;
	return 0;
}

int l2vm_exits(struct l2vm *l2, enum plan_reason reason, uint32_t count)
{
	uint64_t before = l2->exits;
	int ret;

	l2->page->exit_kind = reason;
	l2->page->count = count;
	ret = run_command(l2, L2_CMD_EXITS);
	if (ret)
		return ret;
	ret = check_word(l2, L1_CHECK_EXIT_COUNT, exits_expected(reason, count), l2->exits - before,
			 reason);
	if (ret)
		return ret;
	return go_back_to_steps(l2);
}

int l2vm_prove(struct l2vm *l2)
{
	int ret = run_command(l2, L2_CMD_PROVE);

	if (ret)
		return ret;
	return go_back_to_steps(l2);
}
