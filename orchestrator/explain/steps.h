/* SPDX-License-Identifier: GPL-2.0-only */
/* steps.h - what an instruction does to the flow of control, and which of them hardware feels. */
#ifndef ORCHESTRATOR_EXPLAIN_STEPS_H
#define ORCHESTRATOR_EXPLAIN_STEPS_H

#include <stdbool.h>

enum step_flow {
	STEP_NEXT, /* the next one follows */
	STEP_JUMP,
	STEP_CALL,    /* and SYSCALL: comes back to what follows */
	STEP_RETURN,  /* and SYSRET */
	STEP_IRETURN, /* from an interrupt */
};

/* @text: as the disassembler writes it, "call .-4436  (0x001013b0)". */
enum step_flow step_flow_of(const char *text);

/* What it is counted as, besides being an instruction: "VMWRITE", "INVEPT", "atomic operation"; NULL: as
 * nothing. On hardware one of them costs as much as hundreds of others. */
const char *step_event_of(const char *text);

/* Why a guest exits at it: "vmresume", "cpuid", ...; NULL: it need not exit, so something else did it. */
const char *step_exit_of(const char *text);

#endif
