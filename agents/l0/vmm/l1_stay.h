/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_stay.h - a Linux L1 was to go to another VMM while it ran, and did not get there: it runs on where it was. What that is
 * called, and what to do about it.
 */
#ifndef AGENTS_L0_VMM_L1_STAY_H
#define AGENTS_L0_VMM_L1_STAY_H

#include "agents/l0/records/sink.h"

enum l1_stay {
	L1_STAY_NOT,	   /* it went */
	L1_STAY_ON_HOST,   /* the other host did not take it */
	L1_STAY_REFUSED,   /* there was no QEMU for it */
	L1_STAY_UNMANAGED, /* the libvirt there ended */
	L1_STAY_KILLED,	   /* the QEMU there, by SIGKILL */
	L1_STAY_BROKE_OFF, /* on its way, for another reason */
	L1_STAY_COUNT
};

#define L1_STAY_WHY 384

/* @why: in the words of who tried. What its L2s did was proved. Tells the sink, and gives VM_SAID (vm.h). */
int l1_stay_report(struct sink *s, enum l1_stay stay, const char *why);

#endif
