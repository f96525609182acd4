// SPDX-License-Identifier: GPL-2.0-only
/* libvirt_xml.c - from a measurement to the description of a domain (libvirt's docs/formatdomain.rst). */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "agents/l0/l1_boot.h"
#include "agents/l0/l1_fault.h"
#include "agents/l0/libvirt.h"

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
static void add_hyperv(struct text *t)
{
	static const char *const words[] = {"relaxed", "vapic",	 "vpindex",	"runtime",
					    "synic",   "stimer", "frequencies", "tlbflush",
					    "ipi",     "evmcs"};

	add(t, "<hyperv mode='custom'><spinlocks state='on' retries='8191'/>");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add(t, "<%s state='on'/>", words[i]);
	add(t, "</hyperv>");
}

static void add_features(struct text *t, const struct plan_measure *m)
{
	bool is_evmcs = m->l1 == PLAN_L1_LINUX_EVMCS;
	const char *hidden = "off", *clock = "kvmclock";

	if (is_evmcs && !m->kvm_visible)
		hidden = "on";
	if (is_evmcs)
		clock = "hypervclock";
	add(t, "<features><acpi/><apic/><kvm><hidden state='%s'/></kvm>", hidden);
	if (is_evmcs)
		add_hyperv(t);
	if (m->fault == PLAN_FAULT_REFUSED)
		add(t, "<hyperv><" L1_FAULT_ENLIGHTENMENT " state='on'/></hyperv>");
	add(t,
	    "</features><cpu mode='host-passthrough' check='none' migratable='on'/>"
	    "<clock offset='utc'><timer name='%s' present='yes'/><timer name='hpet' present='no'/></clock>",
	    clock);
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
	add(t, "</qemu:commandline>");
}

int libvirt_xml_make(char *xml, size_t size, const struct plan_measure *m,
		     const struct libvirt_files *f)
{
	struct text t = {xml, size};

	add(&t,
	    "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
	    "<name>l1</name><memory unit='MiB'>%" PRIu64
	    "</memory><vcpu placement='static'>%u</vcpu>",
	    l1_fault_megabytes(m, QEMU_MEGABYTES), m->l1_vcpus);
	add_boot(&t, f);
	add_features(&t, m);
	/* a restored domain goes on in the same file: libvirt empties it otherwise */
	add(&t,
	    "<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>"
	    "<devices><emulator>" QEMU_PROGRAM "</emulator><controller type='usb' model='none'/>"
	    "<serial type='file'><source path='%s' append='on'/></serial><memballoon model='none'/></devices>",
	    f->console);
	add_arguments(&t, m, f);
	add(&t, "</domain>\n");
	if (!t.left)
		return -E2BIG;
	return 0;
}
