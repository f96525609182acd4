// SPDX-License-Identifier: GPL-2.0-only
/* pin.c - crew_pin() of a Windows L1. */
#include <errno.h>
#include <windows.h>

#include "agents/guest/crew.h"

int crew_pin(uint32_t cpu)
{
	if (!SetThreadAffinityMask(GetCurrentThread(), (DWORD_PTR)1 << cpu))
		return -EINVAL;
	return 0;
}
