// SPDX-License-Identifier: GPL-2.0-only
/* libvirt as the VMM of a Linux L1: the description of its domain. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/l0/clock.h"
#include "agents/l0/libvirt.h"

static const struct libvirt_files files = {
	.kernel = "/l1/vmlinux", .initramfs = "/i", .console = "/c", .bell = "/b"};

static char xml[8192];

static void describe(enum plan_l1 l1, bool kvm_visible)
{
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	m.l1 = l1;
	m.vmm = PLAN_VMM_LIBVIRT;
	m.kvm_visible = kvm_visible;
	m.l1_vcpus = 2;
	clock_init("nestlab.clock=emulated", 100000);
	assert_int_equal(libvirt_xml_make(xml, sizeof(xml), &m, &files), 0);
}

static void has(const char *part)
{
	if (!strstr(xml, part))
		fail_msg("\"%s\" is not in: %s", part, xml);
}

static void lacks(const char *part)
{
	if (strstr(xml, part))
		fail_msg("\"%s\" is in: %s", part, xml);
}

/* libvirt would take no other. */
static void is_well_formed(void)
{
	__cleanup_free char *path = unit_write("l1.xml", xml);
	const char *const argv[] = {"xmllint", "--noout", path, NULL};
	struct error err = {0};

	if (subprocess_run(&(struct subprocess){.argv = argv}, NULL, &err))
		fail_msg("%s: %s", err.text, xml);
}

TEST(a_kvm_l1_is_a_q35_that_sees_kvm)
{
	describe(PLAN_L1_LINUX_KVM, false);
	is_well_formed();
	has("machine='q35'");
	has("<memory unit='MiB'>128</memory><vcpu placement='static'>2</vcpu>");
	has("<kernel>/l1/vmlinux</kernel><initrd>/i</initrd><cmdline>memmap=1M$0x7800000 console=");
	has("<kvm><hidden state='off'/></kvm>");
	has("<timer name='kvmclock' present='yes'/>");
	has("<source path='/c' append='on'/>");
	has("<qemu:arg value='isa-debugcon,iobase=0x4d,chardev=bell'/>");
	lacks("hyperv");
}

TEST(an_evmcs_l1_sees_hyper_v_alone)
{
	describe(PLAN_L1_LINUX_EVMCS, false);
	is_well_formed();
	has("<kvm><hidden state='on'/></kvm><hyperv mode='custom'>");
	has("<evmcs state='on'/></hyperv>");
	has("<qemu:arg value='host-x86_64-cpu.hv-emsr-bitmap=on'/>");
	describe(PLAN_L1_LINUX_EVMCS, true);
	has("<hidden state='off'/>");
}

TEST(a_description_that_does_not_fit_is_an_error)
{
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	for (size_t size = 1; size < 1000; size += 37)
		assert_int_equal(libvirt_xml_make(xml, size, &m, &files), -E2BIG);
}

UNIT_MAIN("libvirt", unit_make_dir, unit_drop_dir)
