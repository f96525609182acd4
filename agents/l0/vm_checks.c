// SPDX-License-Identifier: GPL-2.0-only
/* vm_checks.c - what L1 and L2 check, in words. */
#include "agents/l0/vm.h"

static const char *const checks[] = {
	[L1_CHECK_REGISTER] = "an L2 register lost its value over an exit",
	[L1_CHECK_MEMORY] = "L2's memory lost its value",
	[L1_CHECK_L2_REGISTER] = "L2 found a register changed over an exit",
	[L1_CHECK_EXIT_REASON] = "an exit for another reason than expected",
	[L1_CHECK_EXIT_COUNT] = "the number of exits is not the expected one",
	[L1_CHECK_STEPS] = "L2 made another number of steps than it was told to",
	[L1_CHECK_MSR_INTERCEPTED] = "RDMSR did not exit although the MSR bitmap says that it must",
	[L1_CHECK_MSR_PASSED] = "RDMSR of a passed-through MSR did not give its value",
	[L1_CHECK_CR8] = "CR8 is not what the virtual-APIC page has",
	[L1_CHECK_TPR_MMIO] = "the TPR read through the APIC-access page is not the virtual one",
	[L1_CHECK_VTPR] = "the virtual-APIC page does not hold the TPR that L2 set",
	[L1_CHECK_APIC_READ] = "an APIC register read by L2 is not what L1 answered",
	[L1_CHECK_QUALIFICATION] = "the exit's address or qualification is wrong",
	[L1_CHECK_VECTOR] = "an interrupt with another vector than was sent",
	[L1_CHECK_INTERRUPTS] = "L2 got another number of interrupts than were sent to it",
	[L1_CHECK_STATE] = "a register that only some exits bring to L1 lost its value",
	[L1_CHECK_FRESH] = "L2 does not see the page that L1 gave it, but the one before",
	[L1_CHECK_TSC] = "L2's TSC went back, or is not between L1's readings before and after",
	[L1_CHECK_TIMER] = "a timer of L1's did not end the run of an L2 that takes no exit",
};

const char *vm_check_text(uint32_t check)
{
	if (check < sizeof(checks) / sizeof(checks[0]) && checks[check])
		return checks[check];
	return "unknown";
}
