/* SPDX-License-Identifier: GPL-2.0-only */
/* vcpu.h - what the agent does to a vCPU of KVM's wherever it runs one: on L0 for L1, and in L1 for L2. */
#ifndef AGENTS_L0_VCPU_H
#define AGENTS_L0_VCPU_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Has the vCPU @fd begin in 64-bit mode at CPL 0, with flat segments (code 8, data 0x10, task 0x18; no descriptor table
 * is behind them), the page tables at @cr3 (a guest-physical address) and @regs. 0 or a negative errno.
 * Its CPUID has to offer long mode before.
 */
int vcpu_start(int fd, uint64_t cr3, const struct kvm_regs *regs);

/*
 * Writes in words why KVM_RUN, which returned @ret (0 or a negative errno), came back, where the caller can do
 * nothing with it; @whose is what the vCPU runs: "L1", "L2". @text has @len bytes and is cut to fit.
 */
void vcpu_describe_exit(int ret, const struct kvm_run *run, const char *whose, char *text,
			size_t len);

#endif
