// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_report.c - what went wrong in L1, in words.
 *
 * Three kinds of end must not be taken for each other: what this host lacks is a skip; what L1 or L2 saw that
 * must not be is class integrity, the finding that a kernel is wrong; a guest that died or hung is class
 * guest, which may have other causes.
 */
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agents/l0/vm.h"
#include "agents/l0/vcpu.h"

#define TEXT(table, what) \
	((what) < sizeof(table) / sizeof((table)[0]) && (table)[what] ? (table)[what] : "unknown")

static const char *const lacks[] = {
	[L1_LACK_VMX] = "no VMX for L1 (kvm_intel.nested=1?)",
	[L1_LACK_EPT] = "no nested EPT with 4 levels, write-back and 2 MiB pages",
	[L1_LACK_VPID] = "no nested VPID",
	[L1_LACK_MSR_BITMAP] = "no MSR bitmaps for L1",
	[L1_LACK_TPR_SHADOW] = "no TPR shadow for L1",
	[L1_LACK_APIC_ACCESS] = "no APIC-access page for L1",
	[L1_LACK_POSTED] = "no posted interrupts for L1 (the CPU has no APICv)",
	[L1_LACK_EVMCS] = "no enlightened VMCS for L1 (CONFIG_KVM_HYPERV=y?)",
};

static const char *const deaths[] = {
	[L1_DEATH_EXCEPTION] = "L1 got an exception (expected: its RIP, found: the vector)",
	[L1_DEATH_VMFAIL] = "a VMX instruction of L1's failed (found: VM-instruction error)",
	[L1_DEATH_ENTRY] = "a VM entry of L1's failed (found: exit reason)",
	[L1_DEATH_L2_EXCEPTION] = "L2 got an exception (expected: its RIP, found: which)",
	[L1_DEATH_JOB] = "L1 did not understand its job",
};

static const char *const instructions[] = {
	[L1_VMXON] = "vmxon",	[L1_VMCLEAR] = "vmclear", [L1_VMPTRLD] = "vmptrld",
	[L1_VMREAD] = "vmread", [L1_VMWRITE] = "vmwrite", [L1_VMENTRY] = "vmlaunch/vmresume",
};

static const char *const commands[] = {
	[L1_CMD_NONE] = "nothing",    [L1_CMD_START] = "start",
	[L1_CMD_SETUP] = "setup",     [L1_CMD_MULTIPLEX] = "multiplex",
	[L1_CMD_MIGRATE] = "migrate", [L1_CMD_RELEASE] = "release",
	[L1_CMD_ADOPT] = "adopt",     [L1_CMD_EXITS] = "exits",
	[L1_CMD_CHURN] = "churn",     [L1_CMD_PROVE] = "prove",
};

static int report_lack(struct vm *vm, const struct l1_report *r)
{
	if (r->what == L1_LACK_CONTROL)
		sink_skip(vm->sink,
			  "L1 cannot set VM control bits %#" PRIx64 " (capability MSR %#" PRIx64
			  ")",
			  r->expected, r->found);
	else
		sink_skip(vm->sink, "%s", TEXT(lacks, r->what));
	return VM_SAID;
}

static int report_failure(struct vm *vm, const struct vm_cpu *cpu, enum sink_class class,
			  const char *text)
{
	const struct l1_report *r = &cpu->job->report;
	char expected[48], found[48];

	snprintf(expected, sizeof(expected), "%#" PRIx64, r->expected);
	snprintf(found, sizeof(found), "%#" PRIx64, r->found);
	if (cpu->job->status == L1_STATUS_DIED && r->what == L1_DEATH_VMFAIL)
		snprintf(expected, sizeof(expected), "success of %s",
			 TEXT(instructions, r->expected));
	sink_fail(vm->sink, class, expected, found,
		  "%s (L1 vCPU %u, L2 vCPU %d, job %s, detail %#" PRIx64 ")", text, cpu->number,
		  (int)r->l2, TEXT(commands, cpu->job->command), r->detail);
	return VM_SAID;
}

int vm_report(struct vm *vm, const struct vm_cpu *cpu)
{
	const struct l1_report *r = &cpu->job->report;

	switch (cpu->job->status) {
	case L1_STATUS_UNSUPPORTED:
		return report_lack(vm, r);
	case L1_STATUS_BROKEN:
		return report_failure(vm, cpu, SINK_INTEGRITY, vm_check_text(r->what));
	case L1_STATUS_DIED:
		return report_failure(vm, cpu, SINK_GUEST, TEXT(deaths, r->what));
	default:
		return report_failure(vm, cpu, SINK_GUEST, "L1 did not say how its job ended");
	}
}

int vm_report_exit(struct vm *vm, const struct vm_cpu *cpu)
{
	struct kvm_regs regs = {0};
	char found[128];

	vcpu_describe_exit(cpu->ret, cpu->run, "L1", found, sizeof(found));
	ioctl(cpu->fd, KVM_GET_REGS, &regs);
	sink_fail(vm->sink, SINK_GUEST, "L1's end of job", found,
		  "KVM_RUN ended otherwise (L1 vCPU %u, job %s, RIP %#llx, RSP %#llx)", cpu->number,
		  TEXT(commands, cpu->job->command), regs.rip, regs.rsp);
	return VM_SAID;
}
