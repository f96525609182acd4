/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registers.h - which MSR a WRMSR or RDMSR is for.
 *
 * The debugger prints instructions and not registers (printing those, too, would cost as much again). But the
 * number of an MSR is a constant of the source nearly always: "mov ecx, 0x48", perhaps by way of EDI, an
 * argument. So constants are followed from register to register; whatever else writes to a register makes it
 * unknown, and an instruction that is not understood makes all of them unknown.
 */
#ifndef ORCHESTRATOR_EXPLAIN_REGISTERS_H
#define ORCHESTRATOR_EXPLAIN_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTERS     16 /* in the order of their encoding: 0 is RAX, 1 RCX, ... */
#define REGISTERS_RCX 1

struct registers { /* zeroed: nothing is known */
	bool known[REGISTERS];
	uint32_t value[REGISTERS]; /* the lower half */
};

/* @text was executed: "mov ecx, 0x00000048" (steps.h). */
void registers_follow(struct registers *r, const char *text);

/* Writes "WRMSR" as "WRMSR 0x48 SPEC_CTRL", or as "WRMSR (number not known)", into @out. */
void registers_name_msr(const struct registers *r, const char *event, char *out, size_t size);

#endif
