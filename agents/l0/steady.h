/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steady.h - is a machine with a real clock quiet enough to measure on, and is its clock one? Asked once,
 * before the first measurement, on the first CPU that measures.
 *
 * For STEADY_MS an empty loop reads the TSC. What it loses between two reads somebody else took: a tick,
 * an interrupt, another task, the firmware (SMM), a hypervisor below. Around it are read: the count of
 * system management interrupts (MSR 0x34), the clocks that the CPU really ran (APERF and MPERF, MSRs 0xe8
 * and 0xe7; Intel SDM volume 3, section 15.2), the counts of thermal throttling and of power limits
 * (/sys/devices/system/cpu/cpuN/thermal_throttle), and CLOCK_MONOTONIC_RAW.
 */
#ifndef AGENTS_L0_STEADY_H
#define AGENTS_L0_STEADY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEADY_MS 200

/* What is there at one moment; -1: this machine does not tell it. */
struct steady_counts {
	int64_t smi, aperf, mperf;
	int64_t core_throttles, package_throttles;
};

struct steady {
	int cpu;
	uint32_t tsc_khz;		/* as KVM gives it to guests; 0: unknown */
	bool constant_tsc, nonstop_tsc; /* flags of /proc/cpuinfo */
	uint64_t ticks, raw_ns;		/* of the loop: by the TSC, by CLOCK_MONOTONIC_RAW */
	uint64_t lost_ticks,
		worst_ticks; /* of them in gaps of more than a microsecond; the longest */
	struct steady_counts before, after;
};

/* Fills in all but tsc_khz, on the calling thread's CPU @cpu. @root: "" but for tests. */
void steady_measure(const char *root, int cpu, struct steady *s);

/* True if it may be measured on; else @why says all that is wrong, and what to do. */
bool steady_judge(const struct steady *s, char *why, size_t len);

/* The limits that it judges by. */
#define STEADY_LOST_PERMILLE  10   /* of the loop's time */
#define STEADY_WORST_US	      1000 /* the longest gap */
#define STEADY_RATE_PERMILLE  900  /* APERF/MPERF: less is a CPU that is held down */
#define STEADY_CLOCK_PERMILLE 1	   /* the TSC's rate against CLOCK_MONOTONIC_RAW */

#endif
