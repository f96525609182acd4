// SPDX-License-Identifier: GPL-2.0-only
/* hv_kvm.c - an L2 vCPU by the /dev/kvm of a Linux L1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/guest/hv.h"
#include "agents/l0/records/sink.h"
#include "agents/l0/vcpu.h"
#include "agents/l0/vm.h"
#include "agents/l1/vmx.h"

#define CPUID_MAX	   128
#define CPUID_TSC_DEADLINE (1u << 24)	/* leaf 1, ECX: left to the VMM */
#define EFER_SCE	   1ull		/* SYSCALL */
#define APIC_ON_X2APIC	   (3ull << 10) /* IA32_APIC_BASE */

struct hv_cpu {
	int vm, cpu;
	int bell; /* the eventfd of the VM's bell; -1 without */
	struct kvm_run *run;
};

/* The failure of an ioctl that must not fail. */
static int fail_ioctl(const struct l2vm *l2, const char *what)
{
	sink_fail(l2->sink, SINK_GUEST, "success", strerror(errno), "%s in L1 (L2 %" PRIu32 ")",
		  what, l2->id);
	return VM_SAID;
}

int hv_open_host(intptr_t *host, struct sink *s)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0) {
		sink_fail(s, SINK_GUEST, "success", strerror(errno), "/dev/kvm in L1");
		return VM_SAID;
	}
	*host = kvm;
	return 0;
}

/* ---- the VM ---- */

void *hv_get_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int hv_map(struct l2vm *l2, uint32_t slot, uint64_t at, void *memory, size_t size)
{
	const struct kvm_userspace_memory_region region = {.slot = slot,
							   .guest_phys_addr = at,
							   .memory_size = size,
							   .userspace_addr = (uintptr_t)memory};

	if (ioctl(l2->hv->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fail_ioctl(l2, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

int hv_renew(struct l2vm *l2, void *memory, size_t size)
{
	if (madvise(memory, size, MADV_DONTNEED))
		return fail_ioctl(l2, "MADV_DONTNEED");
	return 0;
}

/* Of any length, which is what KVM answers fastest. */
static int add_bell(const struct l2vm *l2)
{
	struct kvm_ioeventfd bell = {.addr = L2VM_BELL};

	bell.fd = l2->hv->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell.fd < 0)
		return fail_ioctl(l2, "eventfd()");
	if (ioctl(l2->hv->vm, KVM_IOEVENTFD, &bell))
		return fail_ioctl(l2, "KVM_IOEVENTFD");
	return 0;
}

uint64_t hv_take_rings(const struct l2vm *l2)
{
	uint64_t rings = 0;

	if (read(l2->hv->bell, &rings, sizeof(rings)) != sizeof(rings))
		return 0;
	return rings;
}

static int create_vm(struct l2vm *l2, const struct l2vm_recipe *r)
{
	struct hv_cpu *m = l2->hv;
	int ret = 0;

	m->vm = ioctl((int)r->host, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		return fail_ioctl(l2, "KVM_CREATE_VM");
	if (r->extras & L2VM_WITH_APIC && ioctl(m->vm, KVM_CREATE_IRQCHIP, 0))
		return fail_ioctl(l2, "KVM_CREATE_IRQCHIP");
	if (r->extras & L2VM_WITH_BELL)
		ret = add_bell(l2);
	return ret;
}

int hv_create(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2vm *before)
{
	l2->hv = malloc(sizeof(*l2->hv));
	if (!l2->hv)
		return -ENOMEM;
	*l2->hv = (struct hv_cpu){.cpu = -1, .bell = -1};
	if (!before)
		return create_vm(l2, recipe);
	l2->hv->vm = before->hv->vm;
	l2->hv->bell = before->hv->bell;
	return 0;
}

/* ---- the vCPU ---- */

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
	if (ioctl(l2->hv->cpu, KVM_SET_CPUID2, &t))
		return -errno;
	return 0;
}

static int set_registers(const struct l2vm *l2, const struct l2_start *start)
{
	const struct kvm_regs regs = {
		.rip = start->rip, .rsp = start->rsp, .rdi = start->rdi, .rflags = 2};
	int cpu = l2->hv->cpu, ret = vcpu_start(cpu, start->cr3, &regs);
	struct kvm_sregs s;

	if (ret)
		return ret;
	if (ioctl(cpu, KVM_GET_SREGS, &s))
		return -errno;
	s.gs.base = start->gs;
	s.gdt = (struct kvm_dtable){.base = start->gdt, .limit = start->gdt_limit};
	s.idt = (struct kvm_dtable){.base = start->idt, .limit = start->idt_limit};
	if (start->has_syscall)
		s.efer |= EFER_SCE;
	if (start->has_apic)
		s.apic_base |= APIC_ON_X2APIC;
	if (ioctl(cpu, KVM_SET_SREGS, &s))
		return -errno;
	return 0;
}

/* No vCPU waits to be started by another one. */
static int set_runnable(const struct l2vm *l2)
{
	struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};

	if (ioctl(l2->hv->cpu, KVM_SET_MP_STATE, &state))
		return -errno;
	return 0;
}

static int set_kernel_gs(const struct l2vm *l2, uint64_t value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} gs = {.head.nmsrs = 1, .entry = {.index = MSR_KERNEL_GS_BASE, .data = value}};

	if (ioctl(l2->hv->cpu, KVM_SET_MSRS, &gs) != 1)
		return -errno;
	return 0;
}

int hv_read_msr(const struct l2vm *l2, uint32_t msr, uint64_t *value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = {.head.nmsrs = 1, .entry.index = msr};

	if (ioctl(l2->hv->cpu, KVM_GET_MSRS, &m) != 1)
		return fail_ioctl(l2, "KVM_GET_MSRS");
	*value = m.entry.data;
	return 0;
}

int hv_add_cpu(struct l2vm *l2, const struct l2vm_recipe *recipe, const struct l2_start *start)
{
	int kvm = (int)recipe->host, size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct hv_cpu *m = l2->hv;

	m->cpu = ioctl(m->vm, KVM_CREATE_VCPU, l2->number);
	if (m->cpu < 0)
		return fail_ioctl(l2, "KVM_CREATE_VCPU");
	m->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, m->cpu, 0);
	if (m->run == MAP_FAILED)
		return fail_ioctl(l2, "mapping struct kvm_run");
	if (set_cpuid(l2, kvm))
		return fail_ioctl(l2, "setting CPUID");
	if (set_registers(l2, start))
		return fail_ioctl(l2, "setting registers");
	if (start->has_apic && set_runnable(l2))
		return fail_ioctl(l2, "KVM_SET_MP_STATE");
	if (set_kernel_gs(l2, start->kernel_gs))
		return fail_ioctl(l2, "KVM_SET_MSRS");
	return 0;
}

int hv_read_registers(const struct l2vm *l2, uint64_t regs[L2_REGISTERS], uint64_t *rip)
{
	struct kvm_regs r;

	if (ioctl(l2->hv->cpu, KVM_GET_REGS, &r))
		return fail_ioctl(l2, "KVM_GET_REGS");
	const uint64_t seen[L2_REGISTERS] = {r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r8,
					     r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14};

	memcpy(regs, seen, sizeof(seen));
	*rip = r.rip;
	return 0;
}

/* ---- running it ---- */

int l2vm_enter(const struct l2vm *l2)
{
	if (ioctl(l2->hv->cpu, KVM_RUN, 0)) {
		l2->hv->run->immediate_exit = 0;
		return -errno;
	}
	return 0;
}

void hv_leave(const struct l2vm *l2)
{
	l2->hv->run->immediate_exit = 1;
}

enum l2_exit hv_exit(const struct l2vm *l2)
{
	const struct kvm_run *run = l2->hv->run;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == L1_PORT)
		return L2_EXIT_END;
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == L2_IO_PORT)
		return L2_EXIT_IO;
	if (run->exit_reason == KVM_EXIT_HLT)
		return L2_EXIT_HLT;
	if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == L2VM_HOLE &&
	    !run->mmio.is_write && run->mmio.len == sizeof(uint32_t))
		return L2_EXIT_MMIO;
	return L2_EXIT_OTHER;
}

void hv_answer(struct l2vm *l2, uint32_t value)
{
	memcpy(l2->hv->run->mmio.data, &value, sizeof(value));
}

void hv_describe(const struct l2vm *l2, int entered, char *text, size_t len)
{
	vcpu_describe_exit(entered, l2->hv->run, "L2", text, len);
}
