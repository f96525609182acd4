// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/l2vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/sink.h"
#include "agents/l0/vm.h"
#include "agents/l0/vcpu.h"
#include "agents/l1/vmx.h"
#include "common/splitmix.h"

#define CPUID_MAX	   128
#define CPUID_TSC_DEADLINE (1u << 24)	/* leaf 1, ECX: left to the VMM */
#define EFER_SCE	   1ull		/* SYSCALL */
#define APIC_ON_X2APIC	   (3ull << 10) /* IA32_APIC_BASE */

/* The failure of an ioctl that must not fail. */
static int fail_ioctl(const struct l2vm *l2, const char *what)
{
	sink_fail(l2->sink, SINK_GUEST, "success", strerror(errno), "%s in L1 (L2 %" PRIu32 ")",
		  what, l2->id);
	return VM_SAID;
}

/* ---- making its VM ---- */

static int set_slot(struct l2vm *l2, uint32_t slot, uint64_t at, const void *memory, size_t size)
{
	const struct kvm_userspace_memory_region region = {.slot = slot,
							   .guest_phys_addr = at,
							   .memory_size = size,
							   .userspace_addr = (uintptr_t)memory};

	if (ioctl(l2->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fail_ioctl(l2, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static char *map_memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

/* Where interrupts go: an interrupt gate to the image's handler (SDM volume 3, 6.14.1). */
static void write_descriptors(struct l2vm *l2)
{
	uint64_t *gdt = (uint64_t *)(l2->memory + L2VM_GDT);
	uint64_t *gate = (uint64_t *)(l2->memory + L2VM_IDT + L2VM_VECTOR * 16);

	gdt[1] = 0x00af9b000000ffff; /* code 8 */
	gdt[2] = 0x00cf93000000ffff; /* data 0x10 */
	gate[0] = (L2VM_ON_INTERRUPT & 0xffff) | 8ull << 16 | 0x8e00ull << 32 |
		  (L2VM_ON_INTERRUPT >> 16 & 0xffff) << 48;
}

static int set_up_memory(struct l2vm *l2, uint32_t smp)
{
	size_t size = L2VM_SAMPLES + smp * L2VM_SAMPLES_SIZE;
	uint64_t *table;

	l2->memory = map_memory(size);
	if (l2->memory == MAP_FAILED)
		return fail_ioctl(l2, "L2's memory");
	table = (uint64_t *)(l2->memory + L2VM_TABLES);
	table[0] = (L2VM_TABLES + L1_PAGE) | 3;
	table[512] = (L2VM_TABLES + 2 * L1_PAGE) | 3;
	for (uint64_t i = 0; i < 512; i++)
		table[1024 + i] = i << 21 | 0x83;
	memcpy(l2->memory + L2VM_IMAGE, l2vm_image, (size_t)(l2vm_image_end - l2vm_image));
	write_descriptors(l2);
	return set_slot(l2, 0, 0, l2->memory, size);
}

static int add_window(struct l2vm *l2, uint32_t smp)
{
	size_t size = smp * L2VM_WINDOW_PAGES * L1_PAGE;

	l2->window = map_memory(size);
	if (l2->window == MAP_FAILED)
		return fail_ioctl(l2, "L2's window");
	madvise(l2->window, size, MADV_NOHUGEPAGE);
	return set_slot(l2, 1, L2VM_WINDOW, l2->window, size);
}

static int add_bell(struct l2vm *l2)
{
	struct kvm_ioeventfd bell = {.addr = L2VM_BELL}; /* of any length: KVM's fastest */

	l2->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l2->bell < 0)
		return fail_ioctl(l2, "eventfd()");
	bell.fd = l2->bell;
	if (ioctl(l2->vm, KVM_IOEVENTFD, &bell))
		return fail_ioctl(l2, "KVM_IOEVENTFD");
	return 0;
}

static int create_vm(struct l2vm *l2, const struct l2vm_recipe *r)
{
	int ret;

	l2->vm = ioctl(r->kvm, KVM_CREATE_VM, 0);
	if (l2->vm < 0)
		return fail_ioctl(l2, "KVM_CREATE_VM");
	ret = set_up_memory(l2, r->smp);
	if (!ret && r->extras & L2VM_WITH_WINDOW)
		ret = add_window(l2, r->smp);
	if (!ret && r->extras & L2VM_WITH_BELL)
		ret = add_bell(l2);
	if (ret)
		return ret;
	if (r->extras & L2VM_WITH_APIC && ioctl(l2->vm, KVM_CREATE_IRQCHIP, 0))
		return fail_ioctl(l2, "KVM_CREATE_IRQCHIP");
	return 0;
}

/* The VM is its sibling's. */
static void join_vm(struct l2vm *l2, const struct l2vm *before)
{
	l2->vm = before->vm;
	l2->bell = before->bell;
	l2->memory = before->memory;
	l2->number = before->number + 1;
	if (before->window)
		l2->window = before->window + L2VM_WINDOW_PAGES * L1_PAGE;
}

/* ---- making a vCPU ---- */

static uint64_t page_of(const struct l2vm *l2)
{
	return L2VM_PAGE + l2->number * L1_PAGE;
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
	for (uint32_t i = 0; i < t.head.nent; i++) {
		if (t.entries[i].function == 1)
			t.entries[i].ecx |= CPUID_TSC_DEADLINE;
		if (t.entries[i].function >> 8 != L2_CPUID_LEAF >> 8)
			t.entries[n++] = t.entries[i];
	}
	t.entries[n++] =
		(struct kvm_cpuid_entry2){.function = L2_CPUID_LEAF, .eax = L2VM_CPUID_ANSWER};
	t.head.nent = n;
	if (ioctl(l2->cpu, KVM_SET_CPUID2, &t))
		return -errno;
	return 0;
}

static int set_registers(const struct l2vm *l2, bool has_apic)
{
	const struct kvm_regs regs = {.rip = L2VM_IMAGE,
				      .rsp = L2_STACK_TOP(page_of(l2)),
				      .rdi = page_of(l2),
				      .rflags = 2};
	struct kvm_sregs s;
	int ret = vcpu_start(l2->cpu, L2VM_TABLES, &regs);

	if (ret)
		return ret;
	if (ioctl(l2->cpu, KVM_GET_SREGS, &s))
		return -errno;
	s.gs.base = page_of(l2);
	s.gdt = (struct kvm_dtable){.base = L2VM_GDT, .limit = 3 * 8 - 1};
	s.idt = (struct kvm_dtable){.base = L2VM_IDT, .limit = 256 * 16 - 1};
	s.efer |= EFER_SCE;
	if (has_apic)
		s.apic_base |= APIC_ON_X2APIC;
	if (ioctl(l2->cpu, KVM_SET_SREGS, &s))
		return -errno;
	return 0;
}

/* No vCPU waits to be started by another one. */
static int set_runnable(const struct l2vm *l2)
{
	struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};

	if (ioctl(l2->cpu, KVM_SET_MP_STATE, &state))
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

static int open_cpu(struct l2vm *l2, const struct l2vm_recipe *r)
{
	int size = ioctl(r->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	l2->cpu = ioctl(l2->vm, KVM_CREATE_VCPU, l2->number);
	if (l2->cpu < 0)
		return fail_ioctl(l2, "KVM_CREATE_VCPU");
	l2->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, l2->cpu, 0);
	if (l2->run == MAP_FAILED)
		return fail_ioctl(l2, "mapping struct kvm_run");
	if (set_cpuid(l2, r->kvm))
		return fail_ioctl(l2, "setting CPUID");
	if (set_registers(l2, r->extras & L2VM_WITH_APIC))
		return fail_ioctl(l2, "setting registers");
	if (r->extras & L2VM_WITH_APIC && set_runnable(l2))
		return fail_ioctl(l2, "KVM_SET_MP_STATE");
	return set_msrs(l2);
}

static void fill_page(struct l2vm *l2, uint64_t seed)
{
	struct l2_page *page = l2->page;

	page->id = l2->id;
	page->number = l2->number;
	page->window = L2VM_WINDOW + l2->number * L2VM_WINDOW_PAGES * L1_PAGE;
	page->samples = (struct l1_sample *)(L2VM_SAMPLES + l2->number * L2VM_SAMPLES_SIZE);
	for (uint32_t i = 0; i < L2_REGISTERS; i++)
		l2->regs[i] = page->regs[i] = splitmix(seed + splitmix(l2->id * L2_REGISTERS + i));
}

int l2vm_open(struct l2vm *l2, const struct l2vm_recipe *recipe, uint32_t id,
	      const struct l2vm *before, struct sink *s)
{
	int ret = 0;

	*l2 = (struct l2vm){.id = id, .sink = s, .cpu = -1};
	if (before)
		join_vm(l2, before);
	else
		ret = create_vm(l2, recipe);
	if (ret)
		return ret;
	l2->page = (struct l2_page *)(l2->memory + page_of(l2));
	ret = open_cpu(l2, recipe);
	if (ret)
		return ret;
	fill_page(l2, recipe->seed);
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
static uint64_t exits_expected(uint32_t kind, uint32_t count)
{
	if (kind == PLAN_REASON_HLT || kind == PLAN_REASON_IO || kind == PLAN_REASON_EPT_VIOLATION)
		return count;
	return 0;
}

int l2vm_exits(struct l2vm *l2, uint32_t kind, uint32_t count)
{
	uint64_t before = l2->exits;
	int ret;

	l2->page->exit_kind = kind;
	l2->page->count = count;
	ret = run_command(l2, L2_CMD_EXITS);
	if (ret)
		return ret;
	ret = check_word(l2, L1_CHECK_EXIT_COUNT, exits_expected(kind, count), l2->exits - before,
			 kind);
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

int l2vm_renew_window(struct l2vm *l2, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t found = *(const uint64_t *)(l2->window + i * L1_PAGE);
		int ret = check_word(l2, L1_CHECK_MEMORY, l2vm_window_word(l2->id, i), found, i);

		if (ret)
			return ret;
	}
	if (madvise(l2->window, L2VM_WINDOW_PAGES * L1_PAGE, MADV_DONTNEED))
		return fail_ioctl(l2, "MADV_DONTNEED");
	return 0;
}

int l2vm_check_bell(struct l2vm *l2, uint64_t count)
{
	uint64_t rung = 0;

	if (read(l2->bell, &rung, sizeof(rung)) != sizeof(rung))
		rung = 0; /* never */
	return check_word(l2, L1_CHECK_EXIT_COUNT, count, rung, 0);
}
