/* SPDX-License-Identifier: GPL-2.0-only */
/* hyperv.h - what makes a vCPU one of Hyper-V's: CPUID leaves (TLFS, section 2), and enlightened VMCSs. */
#ifndef AGENTS_L0_VMM_HYPERV_H
#define AGENTS_L0_VMM_HYPERV_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "agents/l0/records/sink.h"

#define CPUID_TABLE_MAX 256

struct cpuid_table { /* as struct kvm_cpuid2, with room */
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entries[CPUID_TABLE_MAX];
};

/* Hyper-V's leaves take the place of KVM's own; those of KVM are dropped, or, with @keep_kvm, moved to 0x40000100,
 * where a guest that looks for them finds them too. 0 or a negative errno. */
int hyperv_add_leaves(int vcpu, struct cpuid_table *t, bool keep_kvm);

/* KVM calls itself "Linux KVM Hv" in its Hyper-V leaves, which Linux as a guest does not take for Hyper-V: this
 * gives them the name that it looks for. */
void hyperv_set_name(struct cpuid_table *t);

/* Switches the synthetic interrupt controller on, without which the synthetic timers that the leaves announce cannot
 * be used. 0 or a negative errno. */
int hyperv_enable_synic(int vcpu);

/* Lets the guest use enlightened VMCSs; before its leaves are asked for. 0, VM_SAID (agents/l0/vm.h) after a
 * skip, or a negative errno. */
int hyperv_enable_evmcs(int vcpu, struct sink *s);

#endif
