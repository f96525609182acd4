/* SPDX-License-Identifier: GPL-2.0-only */
/* work.h - what an L2 of a Linux L1 does in l2-work: one function a row of PLAN_WORKS, which does it once. */
#ifndef AGENTS_GUEST_L2_WORK_H
#define AGENTS_GUEST_L2_WORK_H

#include "agents/l1/l2.h"

#define L2_WORK_DECLARE(id, word) void l2_work_##id(struct l2_page *page);
PLAN_WORKS(L2_WORK_DECLARE)

/* Its local APIC takes interrupts from now on: before another vCPU may send one. */
void l2_enable_apic(struct l2_page *page);

#endif
