// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/hyperv.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agents/l0/vm.h"

#define LEAVES 0x40000000u /* to 0x400000ff: the hypervisor's, KVM's own or Hyper-V's */
#define KVM_LEAVES \
	0x40000100u /* where KVM's own go beside them (the kernel's Documentation/virt/kvm/x86/cpuid.rst) */

int hyperv_add_leaves(int vcpu, struct cpuid_table *t, bool keep_kvm)
{
	static struct cpuid_table hv;
	uint32_t n = 0;

	hv.nent = CPUID_TABLE_MAX;
	if (ioctl(vcpu, KVM_GET_SUPPORTED_HV_CPUID, &hv))
		return -errno;
	for (uint32_t i = 0; i < t->nent; i++) {
		struct kvm_cpuid_entry2 e = t->entries[i];
		bool is_kvm = e.function >> 8 == LEAVES >> 8;

		if (is_kvm && !keep_kvm)
			continue;
		if (is_kvm)
			e.function += KVM_LEAVES - LEAVES;
		if (e.function == KVM_LEAVES)
			e.eax = KVM_LEAVES + 1; /* the last of them */
		t->entries[n++] = e;
	}
	if (n + hv.nent > CPUID_TABLE_MAX)
		return -E2BIG;
	memcpy(&t->entries[n], hv.entries, hv.nent * sizeof(hv.entries[0]));
	t->nent = n + hv.nent;
	return 0;
}

void hyperv_set_name(struct cpuid_table *t)
{
	static const char name[] = "Microsoft Hv";

	for (uint32_t i = 0; i < t->nent; i++) {
		struct kvm_cpuid_entry2 *e = &t->entries[i];

		if (e->function != LEAVES)
			continue;
		memcpy(&e->ebx, name, 4);
		memcpy(&e->ecx, name + 4, 4);
		memcpy(&e->edx, name + 8, 4);
	}
}

int hyperv_enable_synic(int vcpu)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_HYPERV_SYNIC2};

	if (ioctl(vcpu, KVM_ENABLE_CAP, &cap))
		return -errno;
	return 0;
}

int hyperv_enable_evmcs(int vcpu, struct sink *s)
{
	uint16_t version = 0;
	struct kvm_enable_cap cap = {.cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
				     .args = {(uintptr_t)&version}};

	if (!ioctl(vcpu, KVM_ENABLE_CAP, &cap))
		return 0;
	if (errno != EINVAL && errno != ENOTTY)
		return -errno;
	sink_skip(s, "KVM_CAP_HYPERV_ENLIGHTENED_VMCS: %s (is CONFIG_KVM_HYPERV=y?)",
		  strerror(errno));
	return VM_SAID;
}
