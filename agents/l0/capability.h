/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capability.h - can this host run an L1 at all, and what does it offer to one?
 */
#ifndef AGENTS_L0_CAPABILITY_H
#define AGENTS_L0_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/line.h"

/* Opens /dev/kvm. The descriptor, or -1 with @why naming what is missing (VMX in the CPU, KVM in the
 * kernel, nested=Y) and what to do about it. */
int capability_open_kvm(char *why, size_t len);

/* Tells on stdout, a line "WHAT: REMEDY" for each, what this machine lacks to be measured on as it is.
 * How many there were. */
int capability_check(void);

/* Adds ,"vmx":{"ept":true,...} (agents/wire/protocol.h: hello). @kvm may be -1: then all are false. */
void capability_describe(int kvm, struct line *l);

/* The rate of the TSC that guests see, from KVM_GET_TSC_KHZ; 0 if KVM does not tell it. */
uint32_t capability_tsc_khz(int kvm);

#endif
