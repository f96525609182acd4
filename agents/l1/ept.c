// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept.c - L2's second-level page tables: L2 physical = L1 physical, by 2 MiB pages, with a hole
 * (SDM 29.3.2). All L2 vCPUs have the same, as the vCPUs of one guest do.
 */
#include "agents/l1/l1.h"

#define EPT_RWX	    7ull
#define EPT_LARGE   (1ull << 7)
#define EPT_WB	    (6ull << 3)
#define EPTP_WALK_4 (3ull << 3)
#define EPTP_WB	    6ull
#define LARGE_PAGE  0x200000ull

uint64_t ept_pointer(void)
{
	return L1_EPT | EPTP_WALK_4 | EPTP_WB;
}

void ept_build(void)
{
	const uint64_t caps = EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M;
	uint64_t *table = (uint64_t *)L1_EPT;
	uint64_t *directory = table + 1024;

	if ((rdmsr(MSR_VMX_EPT_VPID_CAP) & caps) != caps)
		l1_lacks(L1_LACK_EPT);
	table[0] = (L1_EPT + L1_PAGE) | EPT_RWX;
	table[512] = (L1_EPT + 2 * L1_PAGE) | EPT_RWX;
	for (uint64_t at = 0; at < L1_MAPPED; at += LARGE_PAGE)
		directory[at / LARGE_PAGE] = at == L1_HOLE ? 0 : at | EPT_LARGE | EPT_WB | EPT_RWX;
}
