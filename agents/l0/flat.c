// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/flat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/l0/vmm/hyperv.h"
#include "agents/l0/vcpu.h"

#define TSS_ADDRESS	   0xfffbd000ul /* three pages that KVM wants below 4 GiB, for real mode */
#define IDENTITY_PAGE	   0xfffbc000ull
#define MULTIBOOT_LOADED   0x2badb002u
#define CPUID_TSC_DEADLINE (1u << 24) /* leaf 1, ECX: what KVM leaves to the VMM to announce */
#define CPUID_HYPERVISOR   (1u << 31)

struct flat {
	const struct flat_request *req;
	int kvm, vm, vcpu;
	uint8_t *ram;
	struct kvm_run *run;
	struct flat_devices devices;
};

static int refuse(const struct flat_request *req, const char *what, const char *why)
{
	snprintf(req->end->text, sizeof(req->end->text), "%s: %s", what, why);
	req->end->how = FLAT_DIED;
	return -EIO;
}

static int fail_ioctl(const struct flat *f, const char *what)
{
	return refuse(f->req, what, strerror(errno));
}

static int load_file(const struct flat *f, uint32_t *entry)
{
	const char *path = f->req->path;
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	char why[160];
	struct stat st;
	void *file;

	if (fd < 0 || fstat(fd, &st))
		return refuse(f->req, path, strerror(errno));
	if (!st.st_size)
		return refuse(f->req, path, "it is empty");
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return refuse(f->req, path, strerror(errno));
	close(fd);
	ret = flat_load(f->ram, FLAT_RAM, file, (size_t)st.st_size, entry, why, sizeof(why));
	munmap(file, (size_t)st.st_size);
	if (ret)
		return refuse(f->req, f->req->name, why);
	if (flat_write_info(f->ram, FLAT_RAM, f->req->name, f->req->arguments))
		return refuse(f->req, f->req->name, "its arguments are too long");
	return 0;
}

static int create_vm(struct flat *f)
{
	const struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	struct kvm_userspace_memory_region slot = {.memory_size = FLAT_RAM};
	uint64_t identity = IDENTITY_PAGE;

	f->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (f->kvm < 0)
		return fail_ioctl(f, "/dev/kvm");
	f->vm = ioctl(f->kvm, KVM_CREATE_VM, 0);
	if (f->vm < 0)
		return fail_ioctl(f, "KVM_CREATE_VM");
	if (ioctl(f->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(f->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS))
		return fail_ioctl(f, "KVM_SET_TSS_ADDR");
	if (ioctl(f->vm, KVM_CREATE_IRQCHIP, 0) || ioctl(f->vm, KVM_CREATE_PIT2, &pit))
		return fail_ioctl(f, "KVM_CREATE_IRQCHIP and KVM_CREATE_PIT2");
	slot.userspace_addr = (uintptr_t)f->ram;
	if (ioctl(f->vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return fail_ioctl(f, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static int set_cpuid(const struct flat *f)
{
	static struct cpuid_table table = {.nent = CPUID_TABLE_MAX};

	if (ioctl(f->kvm, KVM_GET_SUPPORTED_CPUID, &table))
		return fail_ioctl(f, "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < table.nent; i++) {
		struct kvm_cpuid_entry2 *e = &table.entries[i];

		if (e->function == 1) {
			e->ebx &= 0xffffff; /* its APIC's number */
			e->ecx |= CPUID_TSC_DEADLINE | CPUID_HYPERVISOR;
		} else if (e->function == 0xb || e->function == 0x1f) {
			e->edx = 0;
		}
	}
	if (ioctl(f->vcpu, KVM_SET_CPUID2, &table))
		return fail_ioctl(f, "KVM_SET_CPUID2");
	return 0;
}

/* Multiboot, 3.2: protected mode without paging, flat segments. */
static int set_registers(const struct flat *f, uint32_t entry)
{
	const struct kvm_segment data = {
		.limit = ~0u, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
	const struct kvm_regs regs = {
		.rip = entry, .rax = MULTIBOOT_LOADED, .rbx = FLAT_INFO, .rflags = 2};
	struct kvm_sregs s;

	if (ioctl(f->vcpu, KVM_GET_SREGS, &s))
		return fail_ioctl(f, "KVM_GET_SREGS");
	s.ds = s.es = s.ss = s.fs = s.gs = s.cs = data;
	s.cs.selector = 8;
	s.cs.type = 11;
	s.cr0 = 0x11; /* ET, PE */
	if (ioctl(f->vcpu, KVM_SET_SREGS, &s) || ioctl(f->vcpu, KVM_SET_REGS, &regs))
		return fail_ioctl(f, "KVM_SET_SREGS and KVM_SET_REGS");
	return 0;
}

static int create_vcpu(struct flat *f)
{
	int size = ioctl(f->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	f->vcpu = ioctl(f->vm, KVM_CREATE_VCPU, 0);
	if (f->vcpu < 0)
		return fail_ioctl(f, "KVM_CREATE_VCPU");
	f->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, f->vcpu, 0);
	if (f->run == MAP_FAILED)
		return fail_ioctl(f, "mapping struct kvm_run");
	return set_cpuid(f);
}

static int make(struct flat *f)
{
	uint32_t entry;
	int ret;

	f->ram = mmap(NULL, FLAT_RAM, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->ram == MAP_FAILED)
		return refuse(f->req, "the guest's memory", strerror(errno));
	ret = load_file(f, &entry);
	if (ret)
		return ret;
	ret = create_vm(f);
	if (ret)
		return ret;
	ret = create_vcpu(f);
	if (ret)
		return ret;
	return set_registers(f, entry);
}

/* What a port asked for that takes more than the devices know. */
static void serve_devices(struct flat *f)
{
	struct flat_devices *d = &f->devices;
	uint32_t page = d->flush & ~0xfffu;

	if (d->irq >= 0) {
		struct kvm_irq_level line = {.irq = (uint32_t)d->irq, .level = d->level};

		ioctl(f->vm, KVM_IRQ_LINE, &line);
	}
	/* The host forgets how the page was mapped, and KVM with it. */
	if (page && page < FLAT_RAM) {
		mprotect(f->ram + page, 4096, PROT_NONE);
		mprotect(f->ram + page, 4096, PROT_READ | PROT_WRITE);
	}
}

/* false: the guest cannot go on. */
static bool handle_exit(struct flat *f)
{
	struct kvm_run *run = f->run;

	if (run->exit_reason == KVM_EXIT_IO) {
		flat_port(&f->devices, run->io.port, run->io.direction == KVM_EXIT_IO_OUT,
			  (uint8_t *)run + run->io.data_offset, run->io.size, run->io.count);
		serve_devices(f);
		return true;
	}
	if (run->exit_reason == KVM_EXIT_MMIO) {
		flat_mmio(&f->devices, run->mmio.phys_addr, run->mmio.is_write, run->mmio.data,
			  run->mmio.len);
		return true;
	}
	return run->exit_reason == KVM_EXIT_INTR;
}

static void run_guest(struct flat *f)
{
	struct flat_end *end = f->req->end;

	while (!f->devices.ended) {
		int ret = ioctl(f->vcpu, KVM_RUN, 0) ? -errno : 0;

		if (ret == -EINTR)
			continue;
		if (ret || !handle_exit(f)) {
			vcpu_describe_exit(ret, f->run, "the guest", end->text, sizeof(end->text));
			end->how = FLAT_DIED;
			return;
		}
	}
	end->code = f->devices.code;
	end->how = FLAT_EXITED;
}

void flat_run(const struct flat_request *req)
{
	static struct flat f;

	f.req = req;
	f.devices.fd = req->fd;
	if (make(&f))
		return;
	run_guest(&f);
	flat_flush_console(&f.devices);
}
