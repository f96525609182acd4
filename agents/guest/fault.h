/* SPDX-License-Identifier: GPL-2.0-only */
/* fault.h - what goes wrong with a Linux L1 on purpose and L1 does itself (parameter fault). */
#ifndef AGENTS_GUEST_FAULT_H
#define AGENTS_GUEST_FAULT_H

#include "agents/wire/protocol.h"

/* Comes back if the fault of @m, if it has one, is L0's to cause. */
void guest_fault_cause(const struct plan_measure *m);

#endif
