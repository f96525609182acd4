// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/hypervisor.h"

#include <cpuid.h>
#include <string.h>

/* Signature leaf of hypervisors (TLFS, Documentation/virt/kvm/x86/cpuid.rst): EAX is the highest such leaf. */
#define HYPERVISOR_LEAF 0x40000000u

void hypervisor_add(struct line *l)
{
	unsigned int highest, id[3] = {0};
	char name[13] = "";

	__cpuid(HYPERVISOR_LEAF, highest, id[0], id[1], id[2]);
	if (highest >> 16 == HYPERVISOR_LEAF >> 16) /* else it is of another leaf: there is none */
		memcpy(name, id, 12);
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		if ((unsigned char)name[i] < 0x20 || (unsigned char)name[i] > 0x7e)
			name[i] = '\0';
	line_add_member(l, "hypervisor", name);
}
