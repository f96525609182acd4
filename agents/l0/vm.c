// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - a VM with the micro-hypervisor in it, through the KVM API (Documentation/virt/kvm/api.rst).
 *
 * There is no firmware: vCPUs start in 64-bit mode at L1's first instruction, on page tables that are
 * written here. Whatever a BIOS would do first would be work of L0's that depends on its length and order.
 */
#include "agents/l0/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/l0/clock.h"
#include "agents/l0/vmm/hyperv.h"
#include "agents/l0/vmm/slack.h"
#include "agents/l0/kvm_stats.h"
#include "agents/l0/vcpu.h"
#include "common/splitmix.h"

#define TICK_MS \
	4 /* of CONFIG_HZ=250; with another HZ the phase is that of several ticks, or of a part */

/* The failure of an ioctl that must not fail. */
static int fail_ioctl(struct vm *vm, const char *what)
{
	sink_fail(vm->sink, SINK_GUEST, "success", strerror(errno), "%s", what);
	return VM_SAID;
}

/* ---- memory ---- */

int vm_set_slot(struct vm *vm, uint32_t slot, uint64_t gpa, void *at, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)at,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return -errno;
	return 0;
}

/* L1's page tables: one to one, by 2 MiB pages (SDM volume 3, 4.5.4: present, writable; large). */
static void build_page_tables(struct vm *vm)
{
	uint64_t *table = vm_memory_at(&vm->mem, L1_PAGE_TABLES);

	table[0] = (L1_PAGE_TABLES + L1_PAGE) | 3;
	table[512] = (L1_PAGE_TABLES + 2 * L1_PAGE) | 3;
	for (uint64_t i = 0; i < L1_MAPPED >> 21; i++)
		table[1024 + i] = i << 21 | 0x83;
}

static int set_up_memory(struct vm *vm)
{
	int ret = vm_memory_map(&vm->mem, vm->m, vm->fd, vm->sink);

	if (ret)
		return ret;
	memcpy(vm_memory_at(&vm->mem, L1_IMAGE), vm_image, (size_t)(vm_image_end - vm_image));
	build_page_tables(vm);
	if (vm_set_slot(vm, VM_SLOT_BASE, 0, vm->mem.base, L1_AREA) ||
	    vm_set_slot(vm, VM_SLOT_AREA, L1_AREA, vm->mem.area, vm->mem.area_size))
		return fail_ioctl(vm, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

/* ---- a vCPU ---- */

static int set_registers(struct vm_cpu *cpu)
{
	const struct kvm_regs regs = {
		.rip = L1_IMAGE,
		.rsp = L1_STACKS + (cpu->number + 1) * L1_STACK_SIZE,
		.rdi = cpu->number,
		.rflags = 2,
	};

	return vcpu_start(cpu->fd, L1_PAGE_TABLES, &regs);
}

static int set_cpuid(struct vm_cpu *cpu)
{
	static struct cpuid_table t;
	int ret;

	t.nent = CPUID_TABLE_MAX;
	if (ioctl(cpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, &t))
		return -errno;
	if (cpu->vm->features & L1_FEATURE_EVMCS) {
		ret = hyperv_add_leaves(cpu->fd, &t, false);
		if (ret)
			return ret;
	}
	if (ioctl(cpu->fd, KVM_SET_CPUID2, &t))
		return -errno;
	return 0;
}

static void write_job(struct vm_cpu *cpu)
{
	struct vm *vm = cpu->vm;

	cpu->job = vm_memory_at(&vm->mem, L1_JOBS + cpu->number * L1_PAGE);
	cpu->samples = vm_memory_at(&vm->mem, l1_samples(cpu->number));
	*cpu->job = (struct l1_job){
		.cpu = cpu->number,
		.ncpus = vm->m->l1_vcpus,
		.nl2 = vm->m->l2_vcpus,
		.features = vm->features,
		.seed = vm->m->seed,
	};
}

static int open_cpu(struct vm *vm, uint32_t number)
{
	struct vm_cpu *cpu = &vm->cpus[number];
	/* With a local APIC all vCPUs but the first would wait for a startup IPI. */
	struct kvm_mp_state runnable = {KVM_MP_STATE_RUNNABLE};
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	*cpu = (struct vm_cpu){.vm = vm, .number = number};
	cpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, number);
	if (cpu->fd < 0)
		return fail_ioctl(vm, "KVM_CREATE_VCPU");
	vm->ncpus++;
	cpu->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		return fail_ioctl(vm, "mapping struct kvm_run");
	if (vm->features & L1_FEATURE_EVMCS) {
		int ret = hyperv_enable_evmcs(cpu->fd, vm->sink);

		if (ret)
			return ret;
	}
	if (set_cpuid(cpu))
		return fail_ioctl(vm, "setting CPUID");
	if (set_registers(cpu) || ioctl(cpu->fd, KVM_SET_MP_STATE, &runnable))
		return fail_ioctl(vm, "setting registers");
	write_job(cpu);
	return 0;
}

/* ---- the VM ---- */

static uint32_t features_of(const struct plan_measure *m)
{
	uint32_t f = 0;

	if (m->ept)
		f |= L1_FEATURE_EPT;
	if (m->apic_pages || m->posted_interrupts)
		f |= L1_FEATURE_TPR_SHADOW;
	if (m->posted_interrupts)
		f |= L1_FEATURE_POSTED;
	/* Version 1 of the enlightened VMCS has no APIC-access address. */
	if (m->l1 == PLAN_L1_EVMCS)
		f |= L1_FEATURE_EVMCS;
	else if (m->apic_pages)
		f |= L1_FEATURE_APIC_ACCESS;
	return f;
}

static int create_vm(struct vm *vm)
{
	/*
	 * Local APICs in KVM, because TPR shadow, APIC-access page and L2's interrupts need them; no other
	 * interrupt controllers and no timer, because nothing but L1 itself may interrupt what is timed.
	 */
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
	int version;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return fail_ioctl(vm, "/dev/kvm");
	version = ioctl(vm->kvm, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return fail_ioctl(vm, "KVM_GET_API_VERSION");
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return fail_ioctl(vm, "KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &split))
		return fail_ioctl(vm, "KVM_CAP_SPLIT_IRQCHIP");
	return 0;
}

static int set_up_cpus(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->m->l1_vcpus; i++) {
		int ret = open_cpu(vm, i);

		if (ret)
			return ret;
	}
	return 0;
}

int vm_start(struct vm *vm)
{
	/* In turn even in parallel mode: vCPU 0 builds what all share. */
	for (enum l1_command c = L1_CMD_START; c <= L1_CMD_SETUP; c++) {
		int ret = vm_run_in_turn(vm, c);

		if (ret)
			return ret;
	}
	vm_make_slack(vm->m);
	sink_wait_quiet(vm->sink);
	vm_wait_for_phase(vm->m);
	return 0;
}

void vm_make_slack(const struct plan_measure *m)
{
	if (m->memory == PLAN_UNMANAGED && !strcmp(host_clock.name, "emulated"))
		slack_make("/");
}

void vm_wait_for_phase(const struct plan_measure *m)
{
	uint64_t begin = __builtin_ia32_rdtsc();
	uint64_t period = (uint64_t)host_clock.tsc_khz * TICK_MS;
	uint64_t wait;

	if (!period)
		return;
	wait = splitmix(m->seed + splitmix(m->id)) % period;
	while (__builtin_ia32_rdtsc() - begin < wait)
		;
}

int vm_create(struct vm *vm, const struct plan_measure *m, struct sink *s)
{
	int ret;

	*vm = (struct vm){.m = m, .sink = s, .kvm = -1, .fd = -1, .features = features_of(m)};
	vm->mem.base = vm->mem.area = MAP_FAILED;
	vm->mem.devmem = vm->mem.file = -1;
	ret = create_vm(vm);
	if (ret)
		return ret;
	ret = set_up_memory(vm);
	if (ret)
		return ret;
	return set_up_cpus(vm);
}

int vm_open(struct vm *vm, const struct plan_measure *m, struct sink *s)
{
	int ret = vm_create(vm, m, s);

	if (ret)
		return ret;
	return vm_start(vm);
}

void vm_close(struct vm *vm)
{
	vm_stop_crew(vm);
	for (uint32_t i = 0; i < vm->ncpus; i++)
		close(vm->cpus[i].fd); /* the mapping of kvm_run goes with the process */
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	vm_memory_unmap(&vm->mem);
}

struct kvm_stats *vm_stats_begin(struct vm *vm)
{
	int fds[1 + L1_MAX_CPUS] = {vm->fd};

	for (uint32_t i = 0; i < vm->ncpus; i++)
		fds[1 + i] = vm->cpus[i].fd;
	return kvm_stats_begin(fds, 1 + vm->ncpus);
}

void vm_stats_end(struct vm *vm, struct kvm_stats *stats, int ret)
{
	kvm_stats_end(stats, ret ? NULL : vm->sink);
}
