/* SPDX-License-Identifier: GPL-2.0-only */
/* l2set.h - the L2 vCPUs of a measurement: l2_smp of them that follow each other are a VM. */
#ifndef AGENTS_GUEST_L2SET_H
#define AGENTS_GUEST_L2SET_H

#include "agents/guest/l2vm.h"
#include "agents/wire/protocol.h"

struct l2set {
	uint32_t count;
	struct l2vm l2[PLAN_MAX_L2_VCPUS];
};

/* Makes the L2s of @m with @extras (enum l2vm_extra); results as of l2vm.h. The process that made them ends: nothing
 * is closed. */
int l2set_open(struct l2set *set, const struct plan_measure *m, unsigned int extras,
	       struct sink *s);
/* Each proves itself. */
int l2set_prove(struct l2set *set);

#endif
