// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <unistd.h>

/* reboot=t,force on the command line (agents/l0/vmm/l1_boot.c): the kernel empties its table of interrupts and takes one. */
static void triple_fault(void)
{
	reboot(RB_AUTOBOOT);
}

/* This is process 1. */
static void panic(void)
{
	fprintf(stderr, "nestlab-agent in L1: the plan wants a panic\n");
	exit(1);
}

static void be_silent(void)
{
	for (;;)
		pause();
}

void guest_fault_cause(const struct plan_measure *m)
{
	static void (*const causes[PLAN_FAULT_COUNT])(void) = {
		[PLAN_FAULT_TRIPLE] = triple_fault,
		[PLAN_FAULT_PANIC] = panic,
		[PLAN_FAULT_SILENT] = be_silent,
	};

	if (causes[m->fault])
		causes[m->fault]();
}
