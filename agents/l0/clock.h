/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - what a tick of the TSC is on this host.
 *
 * "emulated" (the kernel's command line says nestlab.clock=emulated): the TSC counts instructions,
 * and the clock unit is the instruction. "tsc": the unit is the nanosecond, by the TSC's rate.
 */
#ifndef AGENTS_L0_CLOCK_H
#define AGENTS_L0_CLOCK_H

#include <stdint.h>

struct host_clock {
	const char *name; /* "emulated" or "tsc" */
	const char *unit; /* "instructions" or "ns" */
	uint32_t tsc_khz; /* 0: unknown; only "tsc" needs it */
};

/* Set once, before the first measurement, by clock_init(); then read-only. */
extern struct host_clock host_clock;

/* @cmdline: the kernel's; @tsc_khz: from KVM_GET_TSC_KHZ, 0 if it could not be had. */
void clock_init(const char *cmdline, uint32_t tsc_khz);

uint64_t clock_units(uint64_t ticks); /* ticks of the TSC in clock units, rounded to nearest */

#endif
