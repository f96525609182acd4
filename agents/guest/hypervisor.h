/* SPDX-License-Identifier: GPL-2.0-only */
/* hypervisor.h - what CPUID calls the hypervisor below, in an L1 of any system. */
#ifndef AGENTS_GUEST_HYPERVISOR_H
#define AGENTS_GUEST_HYPERVISOR_H

#include "agents/l0/records/line.h"

/* Appends the member "hypervisor" to a `hello`: "KVMKVMKVM", "Microsoft Hv"; "" where CPUID shows none. */
void hypervisor_add(struct line *l);

#endif
