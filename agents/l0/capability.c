// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "agents/l0/files.h"

#define PARAMETERS "/sys/module/kvm_intel/parameters/"

/* Capability MSRs, Intel SDM volume 3, appendix A: what may be 1 is in the upper half. */
#define MSR_VMX_PROCBASED2     0x48b
#define MSR_VMX_TRUE_PINBASED  0x48d
#define MSR_VMX_TRUE_PROCBASED 0x48e

/*
 * What KVM offers to an L1 is in its feature MSRs. PML and shadow VMCS are L0's own tools (KVM offers
 * both to L1 whatever the CPU has), so for them it is the module's parameter that tells.
 */
static const struct {
	const char *name;
	uint32_t msr;
	unsigned int bit; /* of the allowed-1 half */
	const char *parameter;
} features[] = {
	{"ept", MSR_VMX_PROCBASED2, 1},
	{"vpid", MSR_VMX_PROCBASED2, 5},
	{"tpr_shadow", MSR_VMX_TRUE_PROCBASED, 21},
	{"apic_access", MSR_VMX_PROCBASED2, 0},
	{"posted_interrupts", MSR_VMX_TRUE_PINBASED, 7},
	{"shadow_vmcs", .parameter = PARAMETERS "enable_shadow_vmcs"},
	{"pml", .parameter = PARAMETERS "pml"},
	{"unrestricted", MSR_VMX_PROCBASED2, 7},
};

static bool parameter_is_on(const char *path)
{
	char value[8];

	return file_read(path, value, sizeof(value)) > 0 && (value[0] == 'Y' || value[0] == '1');
}

/* Is @word a whole word of the first line of /proc/cpuinfo that starts with "flags"? */
static bool cpu_has(const char *word)
{
	static char cpuinfo[65536];
	size_t len = strlen(word);
	char *flags, *end;

	file_read("/proc/cpuinfo", cpuinfo, sizeof(cpuinfo));
	flags = strstr(cpuinfo, "\nflags");
	if (!flags)
		return false;
	end = strchr(flags + 1, '\n');
	if (end)
		*end = '\0';
	for (char *p = flags; (p = strstr(p, word)); p += len)
		if (p[-1] == ' ' && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

static const char *why_no_kvm(void)
{
	if (!cpu_has("vmx"))
		return "this CPU has no VMX (no vmx flag in /proc/cpuinfo): switch VT-x on in the "
		       "firmware, or give the virtual machine a CPU that has it";
	if (access("/sys/module/kvm_intel", F_OK))
		return "this kernel has no kvm_intel: build it with CONFIG_KVM=y and "
		       "CONFIG_KVM_INTEL=y";
	return "there is no /dev/kvm although kvm_intel is there: the console says why";
}

static const char *why_not_usable(int kvm)
{
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return "/dev/kvm does not speak KVM's API version 12";
	if (access("/sys/module/kvm_intel", F_OK))
		return "/dev/kvm is not kvm_intel's: this host's CPU has no VMX";
	if (!parameter_is_on(PARAMETERS "nested"))
		return "kvm_intel runs with nested=N: boot with kvm_intel.nested=1";
	return NULL;
}

int capability_open_kvm(char *why, size_t len)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const char *trouble;

	if (kvm >= 0)
		trouble = why_not_usable(kvm);
	else if (errno == EACCES || errno == EPERM)
		trouble = "/dev/kvm may not be opened: run as root or as a member of group kvm";
	else if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		trouble = why_no_kvm();
	else
		trouble = strerror(errno);
	if (!trouble)
		return kvm;
	snprintf(why, len, "%s", trouble);
	if (kvm >= 0)
		close(kvm);
	return -1;
}

static bool msr_allows(int kvm, uint32_t msr, unsigned int bit)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry.index = msr};

	return ioctl(kvm, KVM_GET_MSRS, &msrs) == 1 && msrs.entry.data >> (32 + bit) & 1;
}

static const char *bool_word(bool b)
{
	return b ? "true" : "false";
}

void capability_describe(int kvm, struct line *l)
{
	bool evmcs = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_HYPERV_ENLIGHTENED_VMCS) > 0;

	line_addf(l, ",\"vmx\":{");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		bool has;

		if (features[i].parameter)
			has = parameter_is_on(features[i].parameter);
		else
			has = msr_allows(kvm, features[i].msr, features[i].bit);
		line_addf(l, "\"%s\":%s,", features[i].name, bool_word(has && kvm >= 0));
	}
	line_addf(l, "\"evmcs\":%s}", bool_word(evmcs));
}

uint32_t capability_tsc_khz(int kvm)
{
	int vm, khz;

	vm = ioctl(kvm, KVM_CREATE_VM, 0); /* EBADF if @kvm is -1 */
	if (vm < 0)
		return 0;
	khz = ioctl(vm, KVM_GET_TSC_KHZ, 0);
	close(vm);
	if (khz <= 0)
		return 0;
	return (uint32_t)khz;
}

int capability_check(void)
{
	char why[512];
	int kvm, missing = 0;

	if (geteuid()) {
		puts("root: the machine's settings, its MSRs and its kernel's log are root's (sudo)");
		missing++;
	}
	kvm = capability_open_kvm(why, sizeof(why));
	if (kvm < 0) {
		printf("VMX: %s\n", why);
		missing++;
	} else {
		close(kvm);
	}
	return missing;
}
