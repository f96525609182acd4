// SPDX-License-Identifier: GPL-2.0-only
/* vmx.c - what both back ends need: VMXON, VMCLEAR, control words, and failed instructions. */
#include "agents/l1/l1.h"

#define CR4_VMXE (1ull << 13)

uint64_t vmx_read_region_revision(void)
{
	return rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
}

void vmx_failed(enum l1_instruction which, uint64_t error)
{
	struct cpu *cpu = l1_cpu();

	/* VMfailValid: the current VMCS says why (SDM 31.4), unless it was reading it that failed. */
	if (error == 2 && which != L1_VMREAD && cpu->loaded)
		error = cpu->ops->read(cpu->loaded, VMCS_INSTRUCTION_ERROR);
	else
		error = ~0ull;
	l1_end(L1_STATUS_DIED, L1_DEATH_VMFAIL, cpu->loaded ? cpu->loaded->id : ~0u, which, error,
	       0);
}

void vmx_on(struct cpu *cpu)
{
	uint64_t region = L1_VMXON_REGIONS + cpu->job->cpu * L1_PAGE;
	uint8_t fail;

	if (!(cpuid(1).c & (1 << 5)))
		l1_lacks(L1_LACK_VMX);
	asm volatile("mov %0, %%cr4" ::"r"(read_cr4() | rdmsr(MSR_VMX_CR4_FIXED0) | CR4_VMXE));
	asm volatile("mov %0, %%cr0" ::"r"(read_cr0() | rdmsr(MSR_VMX_CR0_FIXED0)));
	if (!(rdmsr(MSR_FEATURE_CONTROL) & 1))
		wrmsr(MSR_FEATURE_CONTROL, 5); /* VMX outside SMX, and lock (SDM 24.7) */
	*(uint32_t *)region = vmx_read_region_revision();
	asm volatile("vmxon %1; setna %0" : "=qm"(fail) : "m"(region) : "cc", "memory");
	if (fail)
		vmx_failed(L1_VMXON, 0);
}

void vmx_clear_region(uint64_t gpa)
{
	uint8_t fail;

	asm volatile("vmclear %1; setna %0" : "=qm"(fail) : "m"(gpa) : "cc", "memory");
	if (__builtin_expect(fail, 0))
		vmx_failed(L1_VMCLEAR, 0);
}

static uint64_t read_capability(uint32_t msr)
{
	if (msr >= MSR_VMX_PIN && msr <= MSR_VMX_ENTRY && rdmsr(MSR_VMX_BASIC) & VMX_BASIC_TRUE)
		msr += MSR_VMX_TRUE;
	return rdmsr(msr);
}

/* Can all of @bits be set in the controls of @msr? */
static bool allows_controls(uint32_t msr, uint32_t bits)
{
	return !(bits & ~(read_capability(msr) >> 32));
}

uint32_t vmx_control(uint32_t msr, uint32_t want)
{
	uint64_t cap =
		read_capability(msr); /* low half: must be 1, high half: may be 1 (SDM A.3) */

	if (want & ~(cap >> 32))
		l1_end(L1_STATUS_UNSUPPORTED, L1_LACK_CONTROL, ~0u, want & ~(cap >> 32), msr, 0);
	return want | (uint32_t)cap;
}

/* Each feature that the job asks for has its own report, so that the skip names what the host lacks. */
void vmx_check_features(const struct cpu *cpu)
{
	static const struct {
		uint32_t feature, msr, bits, lack;
	} needs[] = {
		{0, MSR_VMX_PROC, PROC_MSR_BITMAP, L1_LACK_MSR_BITMAP},
		{0, MSR_VMX_PROC, PROC_SECONDARY, L1_LACK_VPID},
		{0, MSR_VMX_PROC2, PROC2_VPID, L1_LACK_VPID},
		{L1_FEATURE_EPT, MSR_VMX_PROC2, PROC2_EPT, L1_LACK_EPT},
		{L1_FEATURE_TPR_SHADOW, MSR_VMX_PROC, PROC_TPR_SHADOW, L1_LACK_TPR_SHADOW},
		{L1_FEATURE_APIC_ACCESS, MSR_VMX_PROC2, PROC2_APIC_ACCESS, L1_LACK_APIC_ACCESS},
		{L1_FEATURE_POSTED, MSR_VMX_PIN, PIN_POSTED, L1_LACK_POSTED},
		{L1_FEATURE_POSTED, MSR_VMX_PROC2, PROC2_APIC_REGISTERS | PROC2_VID,
		 L1_LACK_POSTED},
	};

	for (uint32_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if ((cpu->job->features & needs[i].feature) == needs[i].feature &&
		    !allows_controls(needs[i].msr, needs[i].bits))
			l1_lacks(needs[i].lack);
}
