/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * marks.h - where L1 reads the clock: what `nestlab explain` (docs/explain.md) stops at.
 *
 * Each timed part of a job is the time between two RDTSC. Each of these RDTSC has an entry in the section
 * L1_MARKS_SECTION of l1.elf, which is not part of the image that runs: marks cost nothing.
 */
#ifndef AGENTS_L1_MARKS_H
#define AGENTS_L1_MARKS_H

#include <stdint.h>

#define L1_MARKS_SECTION ".nestlab.marks"

/* What an RDTSC is to the parts of an operation (struct l1_sample's a and b), as bits. */
enum l1_mark_bits {
	L1_MARK_BEGIN_A = 1 << 0,
	L1_MARK_END_A = 1 << 1,
	L1_MARK_BEGIN_B = 1 << 2,
	L1_MARK_END_B = 1 << 3,
	L1_MARK_JOB = 1 << 4, /* a job begins */
};

struct l1_mark {	  /* an entry of the section */
	uint64_t address; /* of the RDTSC */
	uint32_t command; /* enum l1_command (abi.h): whose; 0: of every job */
	uint32_t bits;
};

#endif
