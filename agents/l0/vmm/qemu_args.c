// SPDX-License-Identifier: GPL-2.0-only
/* qemu_args.c - from a measurement to QEMU's command line. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agents/l0/vmm/l1_boot.h"
#include "agents/l0/vmm/l1_fault.h"
#include "agents/l0/vmm/qemu.h"

/* What Hyper-V L1s are given by those who run them, and all that the nested path can use. Each needs the ones before it;
 * without vapic there is no VP assist page, and so no enlightened VMCS (docs/system/i386/hyperv.rst of QEMU). */
#define HYPERV_FULL                                                                            \
	"hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-runtime,hv-synic,hv-stimer,hv-frequencies," \
	"hv-tlbflush,hv-ipi,hv-evmcs,hv-emsr-bitmap"

const char *qemu_cpu(const struct plan_measure *m)
{
	static const char *const cpus[PLAN_ENLIGHTENMENTS_COUNT] = {
		[PLAN_SEES_NONE] = "host,kvm=off",
		[PLAN_SEES_KVM] = "host",
		[PLAN_SEES_HYPERV_BASIC] =
			"host,kvm=off,hv-relaxed,hv-vapic,hv-time,hv-spinlocks=8191",
		[PLAN_SEES_HYPERV_FULL] = "host,kvm=off," HYPERV_FULL,
	};

	if (m->kvm_visible)
		return "host," HYPERV_FULL;
	return cpus[plan_measure_sees(m)];
}

static void add(struct qemu_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct qemu_args *a, const char *fmt, ...)
{
	size_t room = sizeof(a->text) - a->used;
	va_list ap;
	int n;

	if (a->n >= QEMU_ARGS_MAX - 1)
		return; /* no room is left, as qemu_args_make() sees */
	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		a->n = QEMU_ARGS_MAX;
		return;
	}
	a->argv[a->n++] = a->text + a->used;
	a->used += (size_t)n + 1;
}

static void add_list(struct qemu_args *a, const char *const *list)
{
	for (; *list; list++)
		add(a, "%s", *list);
}

const char *qemu_memory(const struct plan_measure *m)
{
	if (m->memory == PLAN_UNMANAGED)
		return "memory-backend-file,mem-path=/dev/mem,share=on";
	if (m->backing == PLAN_BACKING_MEMFD)
		return "memory-backend-memfd,share=on";
	if (m->backing == PLAN_BACKING_HUGETLB)
		return "memory-backend-memfd,share=on,hugetlb=on,hugetlbsize=2M";
	return NULL;
}

/* Of the clock chip a guest wants to know the time; but KVM's ask KVM. */
static void add_machine(struct qemu_args *a, const struct plan_measure *m)
{
	const char *rtc = "on", *backend = "", *memory = qemu_memory(m);

	if (plan_measure_sees(m) == PLAN_SEES_KVM)
		rtc = "off";
	if (memory)
		backend = ",memory-backend=ram";
	add(a, "-M");
	add(a, "microvm,acpi=off,auto-kernel-cmdline=off,rtc=%s%s", rtc, backend);
	add(a, "-m");
	add(a, "%" PRIu64 "M", l1_fault_megabytes(m, QEMU_MEGABYTES));
	if (memory) {
		add(a, "-object");
		add(a, "%s,id=ram,size=%uM", memory, QEMU_MEGABYTES);
	}
}

/*
 * A PC, as virtio-mem is of PCI's and microvm has no place for it. It maps it at MAIL_PLUGGED: all other memory is far smaller.
 * Linux adds memory in blocks of 128 MiB, and parts of them.
 */
#define PLUGGABLE_MEGABYTES 128u
#define PLUGGED_PARAMETER   " memhp_default_state=online_movable"

static void add_pluggable(struct qemu_args *a, const struct plan_measure *m)
{
	const char *memory = qemu_memory(m) ?: "memory-backend-ram", *backend = "";

	if (qemu_memory(m))
		backend = ",memory-backend=ram";
	add(a, "-M");
	add(a, "q35%s", backend);
	add(a, "-m");
	add(a, "%uM,maxmem=%uM", QEMU_MEGABYTES, QEMU_MEGABYTES + PLUGGABLE_MEGABYTES);
	if (qemu_memory(m)) {
		add(a, "-object");
		add(a, "%s,id=ram,size=%uM", memory, QEMU_MEGABYTES);
	}
	add(a, "-object");
	add(a, "%s,id=pluggable,size=%uM", memory, PLUGGABLE_MEGABYTES);
	add(a, "-device");
	add(a, "virtio-mem-pci,id=plugged,memdev=pluggable,requested-size=%uM",
	    QEMU_PLUGGED_MEGABYTES);
}

/* microvm's last transport, which the first device gets (QEMU's hw/i386/microvm.c); without ACPI L1's kernel is told. */
#define BALLOON_DEVICE	  "virtio-balloon-device,id=balloon"
#define BALLOON_PARAMETER " virtio_mmio.device=512@0xfeb00e00:12"

static void add_boot(struct qemu_args *a, const struct plan_measure *m, const struct qemu_files *f)
{
	static const char *const devices[PLAN_SCENARIO_COUNT] = {
		[PLAN_L1_BALLOON] = BALLOON_PARAMETER,
		[PLAN_L1_UNPLUG] = PLUGGED_PARAMETER,
	};
	char line[L1_CMDLINE_MAX];

	l1_cmdline_format(QEMU_MAIL, line, sizeof(line));
	add(a, "-kernel");
	add(a, "%s", f->kernel);
	add(a, "-initrd");
	add(a, "%s", f->initramfs);
	add(a, "-append");
	add(a, "memmap=1M$0x%" PRIx64 " %s%s", QEMU_MAIL, line, devices[m->scenario] ?: "");
}

/* A comma ends a value, and two of them are one in it. */
static void add_path(struct qemu_args *a, const char *start, const char *path)
{
	char value[2 * 256];
	size_t n = 0;

	for (; *path && n < sizeof(value) - 2; path++) {
		value[n++] = *path;
		if (*path == ',')
			value[n++] = ',';
	}
	value[n] = '\0';
	if (*path)
		a->n = QEMU_ARGS_MAX; /* too long, as qemu_args_make() sees */
	add(a, "%s%s", start, value);
}

/* What a PC of these days has. */
static void add_disk(struct qemu_args *a, const struct plan_measure *m, const struct qemu_files *f)
{
	char start[96];

	snprintf(start, sizeof(start), "if=none,id=disk,snapshot=on,format=%s,file=", f->format);
	add(a, "-M");
	add(a, "q35");
	add(a, "-m");
	add(a, "%uM", plan_l1_megabytes(m));
	add(a, "-drive");
	add_path(a, start, f->disk);
	add(a, "-device");
	add(a, "ide-hd,drive=disk,bus=ide.0");
	if (m->l1 != PLAN_L1_HYPERV)
		return;
	add(a, "-drive");
	add(a, "if=pflash,unit=0,format=raw,readonly=on,file=" QEMU_UEFI);
	add(a, "-drive");
	add(a, "if=pflash,unit=1,format=raw,snapshot=on,file=" QEMU_UEFI_VARS);
}

/* The first serial line is L1's console. What rings: an L1 on a disk has the second one, which people can use. */
static void add_lines(struct qemu_args *a, const struct plan_measure *m, const struct qemu_files *f)
{
	add(a, "-serial");
	add(a, "file:%s", f->console);
	add(a, "-chardev");
	add(a, "socket,id=bell,fd=%d", f->bell);
	if (plan_l1_is_disk(m->l1)) {
		add(a, "-serial");
		add(a, "chardev:bell");
		return;
	}
	add(a, "-device");
	add(a, "isa-debugcon,iobase=0x%x,chardev=bell", MAIL_PORT);
}

int qemu_args_make(struct qemu_args *a, const struct plan_measure *m, const struct qemu_files *f)
{
	static const char *const always[] = {QEMU_PROGRAM, "-nodefaults", "-no-user-config",
					     "-display",   "none",	  "-no-reboot",
					     NULL};

	*a = (struct qemu_args){0};
	add_list(a, always);
	add(a, "-accel");
	add(a, "%s", f->without_kvm ? "tcg" : "kvm");
	add(a, "-cpu");
	add(a, "%s", f->without_kvm ? "max" : qemu_cpu(m));
	if (!f->incoming) /* what comes in goes on */
		add(a, "-S");
	add(a, "-smp");
	add(a, "%u", m->l1_vcpus);
	if (plan_l1_is_disk(m->l1)) {
		add_disk(a, m, f);
	} else {
		if (m->scenario == PLAN_L1_UNPLUG)
			add_pluggable(a, m);
		else
			add_machine(a, m);
		add_boot(a, m, f);
	}
	if (m->fault == PLAN_FAULT_REFUSED) {
		add(a, "-global");
		add(a, "host-x86_64-cpu.hv-" L1_FAULT_ENLIGHTENMENT "=on");
	}
	if (m->scenario == PLAN_L1_BALLOON) {
		add(a, "-device");
		add(a, BALLOON_DEVICE);
	}
	add_lines(a, m, f);
	add(a, "-chardev");
	add(a, "socket,id=monitor,fd=%d", f->monitor);
	add(a, "-mon");
	add(a, "chardev=monitor,mode=control");
	if (f->incoming) {
		add(a, "-incoming");
		add(a, "fd:%d", f->incoming);
	}
	if (a->n >= QEMU_ARGS_MAX - 1)
		return -E2BIG;
	return 0;
}
