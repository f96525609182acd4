// SPDX-License-Identifier: GPL-2.0-only
/* libvirt as the VMM of a Linux L1: the description of its domain. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/l0/clock.h"
#include "agents/l0/cpus.h"
#include "agents/l0/vmm/libvirt.h"

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
	has("<qemu:capabilities><qemu:del capability='cpu-unavailable-features'/></qemu:capabilities>");
	has("<qemu:arg value='isa-debugcon,iobase=0x4d,chardev=bell'/>");
	lacks("hyperv");
}

TEST(an_evmcs_l1_sees_hyper_v_alone)
{
	describe(PLAN_L1_LINUX_EVMCS, false);
	is_well_formed();
	has("<kvm><hidden state='on'/></kvm><hyperv mode='custom'>");
	has("<evmcs state='on'/></hyperv>");
	lacks("qemu:capabilities"); /* libvirt checks that they are there */
	has("<qemu:arg value='host-x86_64-cpu.hv-emsr-bitmap=on'/>");
	describe(PLAN_L1_LINUX_EVMCS, true);
	has("<hidden state='off'/>");
}

static void describe_more(void (*change)(struct plan_measure *m), uint64_t phys)
{
	struct libvirt_files f = files;
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	m.l1 = PLAN_L1_LINUX_KVM;
	m.vmm = PLAN_VMM_LIBVIRT;
	f.phys = phys;
	change(&m);
	assert_null(plan_measure_impossible(&m));
	assert_int_equal(libvirt_xml_make(xml, sizeof(xml), &m, &f), 0);
	is_well_formed();
}

static void take_unmanaged(struct plan_measure *m)
{
	m->memory = PLAN_UNMANAGED;
}

static void take_memfd(struct plan_measure *m)
{
	m->backing = PLAN_BACKING_MEMFD;
}

static void take_huge_pages(struct plan_measure *m)
{
	m->backing = PLAN_BACKING_HUGETLB;
}

TEST(memory_is_what_the_plan_says)
{
	describe_more(take_memfd, 0);
	has("<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>");
	describe_more(take_huge_pages, 0);
	has("<memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages><source type='memfd'/>");
	lacks("devmem");
	describe_more(take_unmanaged, 0x30000000);
	has("<qemu:arg value='memory-backend-file,mem-path=/dev/mem,share=on,id=devmem,size=128M'/>"
	    "<qemu:arg value='-machine'/><qemu:arg value='memory-backend=devmem'/>");
	has("<qemu:env name='LD_PRELOAD' value='/usr/lib/nestlab/nestlab-devmem.so'/>"
	    "<qemu:env name='NESTLAB_DEVMEM' value='30000000'/>");
	lacks("memoryBacking");
}

static void see_none(struct plan_measure *m)
{
	m->enlightenments = PLAN_SEES_NONE;
}

static void see_basic(struct plan_measure *m)
{
	m->enlightenments = PLAN_SEES_HYPERV_BASIC;
}

TEST(enlightenments_are_by_name)
{
	describe_more(see_none, 0);
	has("<hidden state='on'/></kvm></features>");
	lacks("kvmclock");
	describe_more(see_basic, 0);
	has("<hidden state='on'/></kvm><hyperv mode='custom'>");
	has("<vapic state='on'/></hyperv>");
	has("<timer name='hypervclock' present='yes'/>");
	lacks("evmcs");
}

static void take_three_cpus(struct plan_measure *m)
{
	m->l1_vcpus = 3;
	m->l2_vcpus = 3;
	m->parallel = true;
}

TEST(each_cpu_of_l1_has_one_to_measure_on)
{
	const struct cpus two = {.has = {[2] = true, [5] = true}, .count = 2};

	describe_more(take_three_cpus, 0);
	lacks("cputune");
	cpus_use(&two);
	describe_more(take_three_cpus, 0);
	has("<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='5'/>"
	    "<vcpupin vcpu='2' cpuset='2'/></cputune>");
	cpus_use(&(struct cpus){0});
}

TEST(a_description_that_does_not_fit_is_an_error)
{
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	for (size_t size = 1; size < 1000; size += 37)
		assert_int_equal(libvirt_xml_make(xml, size, &m, &files), -E2BIG);
}

UNIT_MAIN("libvirt", unit_make_dir, unit_drop_dir)
