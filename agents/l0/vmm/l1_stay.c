// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_stay.h"

#include "agents/l0/vmm/l1_end.h"
#include "agents/l0/vm.h"

/* The machine's trouble, where the kernel under test did what it was asked to; but a migration that breaks off by itself may have met
 * a KVM that does not take L1's state. */
static const struct {
	const char *place, *found, *remedy;
	bool may_be_kernel;
} stays[L1_STAY_COUNT] = {
	[L1_STAY_ON_HOST] = {"host", "here", ""},
	[L1_STAY_REFUSED] =
		{"libvirt", "refused settings",
		 " The QEMU there cannot be what the one here is: give both hosts the same "
		 "QEMU and CPU."},
	[L1_STAY_UNMANAGED] = {"libvirt", "a killed libvirt",
			       " The libvirt there ended. " L1_END_KILL_REMEDY},
	[L1_STAY_KILLED] = {"libvirt", "a killed QEMU",
			    " The QEMU there was killed by signal 9. " L1_END_KILL_REMEDY},
	[L1_STAY_BROKE_OFF] = {"libvirt", "a migration that broke off", "", true},
};

int l1_stay_report(struct sink *s, enum l1_stay stay, const char *why)
{
	enum sink_class class = SINK_HOST;

	if (stays[stay].may_be_kernel)
		class = SINK_GUEST;
	sink_fail(
		s, class, "the Linux L1 at its destination", stays[stay].found,
		"the Linux L1 did not get to the other %s: %s.%s It ran on here, its L2s right to the "
		"last step",
		stays[stay].place, why, stays[stay].remedy);
	return VM_SAID;
}
