// SPDX-License-Identifier: GPL-2.0-only
/* libvirt_xml.c - from a measurement to the description of a domain (libvirt's docs/formatdomain.rst). */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "agents/l0/cpus.h"
#include "agents/l0/vmm/l1_boot.h"
#include "agents/l0/vmm/l1_fault.h"
#include "agents/l0/vmm/libvirt.h"

struct text {
	char *at;
	size_t left; /* 0: it did not fit */
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left) {
		t->left = 0;
		return;
	}
	t->at += n;
	t->left -= (size_t)n;
}

/* Those of qemu_cpu(), in libvirt's words. That of the MSR bitmap libvirt 9.0 does not know: add_arguments(). */
#define HYPERV_BASIC                             \
	"<spinlocks state='on' retries='8191'/>" \
	"<relaxed state='on'/><vapic state='on'/>"
#define HYPERV_FULL                                                    \
	HYPERV_BASIC "<vpindex state='on'/><runtime state='on'/>"      \
		     "<synic state='on'/><stimer state='on'/>"         \
		     "<frequencies state='on'/><tlbflush state='on'/>" \
		     "<ipi state='on'/><evmcs state='on'/>"

static const struct {
	const char *features, *clock;
} sights[PLAN_ENLIGHTENMENTS_COUNT] = {
	[PLAN_SEES_NONE] = {"", ""},
	[PLAN_SEES_KVM] = {"", "<timer name='kvmclock' present='yes'/>"},
	[PLAN_SEES_HYPERV_BASIC] = {"<hyperv mode='custom'>" HYPERV_BASIC "</hyperv>",
				    "<timer name='hypervclock' present='yes'/>"},
	[PLAN_SEES_HYPERV_FULL] = {"<hyperv mode='custom'>" HYPERV_FULL "</hyperv>",
				   "<timer name='hypervclock' present='yes'/>"},
};

static void add_features(struct text *t, const struct plan_measure *m)
{
	enum plan_enlightenments sees = plan_measure_sees(m);
	const char *hidden = "on";

	if (sees == PLAN_SEES_KVM || m->kvm_visible)
		hidden = "off";
	add(t, "<features><acpi/><apic/><kvm><hidden state='%s'/></kvm>%s", hidden,
	    sights[sees].features);
	if (m->fault == PLAN_FAULT_REFUSED)
		add(t, "<hyperv><" L1_FAULT_ENLIGHTENMENT " state='on'/></hyperv>");
	add(t,
	    "</features><cpu mode='host-passthrough' check='none' migratable='on'/>"
	    "<clock offset='utc'>%s<timer name='hpet' present='no'/></clock>",
	    sights[sees].clock);
}

static void add_memory(struct text *t, const struct plan_measure *m)
{
	add(t, "<memory unit='MiB'>%" PRIu64 "</memory>", l1_fault_megabytes(m, QEMU_MEGABYTES));
	if (m->backing == PLAN_BACKING_PLAIN || m->memory == PLAN_UNMANAGED)
		return;
	add(t, "<memoryBacking>");
	if (m->backing == PLAN_BACKING_HUGETLB)
		add(t, "<hugepages><page size='2' unit='MiB'/></hugepages>");
	add(t, "<source type='memfd'/><access mode='shared'/></memoryBacking>");
}

/* One CPU for each of L1's, where the machine has CPUs to measure on (cpus.h). */
static void add_cpus(struct text *t, const struct plan_measure *m)
{
	add(t, "<vcpu placement='static'>%u</vcpu>", m->l1_vcpus);
	if (cpus_nth(0) < 0)
		return;
	add(t, "<cputune>");
	for (uint32_t i = 0; i < m->l1_vcpus; i++)
		add(t, "<vcpupin vcpu='%u' cpuset='%d'/>", i, cpus_nth(i));
	add(t, "</cputune>");
}

static void add_boot(struct text *t, const struct libvirt_files *f)
{
	char line[L1_CMDLINE_MAX];

	l1_cmdline_format(QEMU_MAIL, line, sizeof(line));
	add(t,
	    "<os><type arch='x86_64' machine='q35'>hvm</type><kernel>%s</kernel><initrd>%s</initrd>"
	    "<cmdline>memmap=1M$0x%" PRIx64 " %s</cmdline></os>",
	    f->kernel, f->initramfs, QEMU_MAIL, line);
}

/* libvirt has no words for it. The object that it makes itself stays untouched then. */
static void add_unmanaged(struct text *t, const struct plan_measure *m,
			  const struct libvirt_files *f)
{
	add(t,
	    "<qemu:arg value='-object'/><qemu:arg value='%s,id=devmem,size=%uM'/>"
	    "<qemu:arg value='-machine'/><qemu:arg value='memory-backend=devmem'/>"
	    "<qemu:env name='LD_PRELOAD' value='" QEMU_PRELOAD "'/>"
	    "<qemu:env name='" QEMU_DEVMEM_VARIABLE "' value='%" PRIx64 "'/>",
	    qemu_memory(m), QEMU_MEGABYTES, f->phys);
}

static void add_arguments(struct text *t, const struct plan_measure *m,
			  const struct libvirt_files *f)
{
	add(t,
	    "<qemu:commandline><qemu:arg value='-chardev'/><qemu:arg value='file,id=bell,path=%s'/>"
	    "<qemu:arg value='-device'/><qemu:arg value='isa-debugcon,iobase=0x%x,chardev=bell'/>",
	    f->bell, MAIL_PORT);
	if (m->l1 == PLAN_L1_LINUX_EVMCS)
		add(t, "<qemu:arg value='-global'/>"
		       "<qemu:arg value='host-x86_64-cpu.hv-emsr-bitmap=on'/>");
	if (m->memory == PLAN_UNMANAGED)
		add_unmanaged(t, m, f);
	add(t, "</qemu:commandline>");
}

/*
 * Of each vCPU libvirt asks for some 400 properties one by one, to say in its description of the running domain what the CPU has
 * become. QEMU 7.2 reads a question byte by byte, each in a round of its loop (monitor_can_read() of its monitor/monitor.c): a
 * million instructions each, at each start of a QEMU. Nobody reads that here. Without this capability libvirt asks two questions,
 * as of QEMUs before 4.1; what QEMU is started with is the same (qemuProcessFetchGuestCPU() of libvirt's qemu_process.c). By the
 * 400 it checks that each of Hyper-V's enlightenments is there, so where there are such it asks.
 */
static void add_capabilities(struct text *t, const struct plan_measure *m)
{
	if (sights[plan_measure_sees(m)].features[0])
		return;
	add(t,
	    "<qemu:capabilities><qemu:del capability='cpu-unavailable-features'/></qemu:capabilities>");
}

int libvirt_xml_make(char *xml, size_t size, const struct plan_measure *m,
		     const struct libvirt_files *f)
{
	struct text t = {xml, size};

	add(&t, "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
		"<name>l1</name>");
	add_memory(&t, m);
	add_cpus(&t, m);
	add_boot(&t, f);
	add_features(&t, m);
	/* a restored domain goes on in the same file: libvirt empties it otherwise */
	add(&t,
	    "<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>"
	    "<devices><emulator>" QEMU_PROGRAM "</emulator><controller type='usb' model='none'/>"
	    "<serial type='file'><source path='%s' append='on'/></serial><memballoon model='none'/></devices>",
	    f->console);
	add_arguments(&t, m, f);
	add_capabilities(&t, m);
	add(&t, "</domain>\n");
	if (!t.left)
		return -E2BIG;
	return 0;
}
