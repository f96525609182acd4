/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulated_trace.h - following the instructions of a boot with the debugger that Debian's Bochs has built
 * in, for driver.h's struct host_tracer.
 *
 * A thread gives the debugger its commands through a FIFO (Bochs' -rc file), and reads what it prints from a
 * pipe:
 *
 *	lb 0x1024e3			a stop: a breakpoint on a linear address
 *	c				to the next stop, at nearly the speed of an untraced boot
 *	trace on			each instruction as a line, 9 us of a core each
 *
 *	Next at t=142645786
 *	(0) [0x0000301024e3] 0008:00000000001024e3 (unk. ctxt): rdtsc         ; 0f31
 *	(0).[142645787] [0x0000301024e5] 0008:00000000001024e5 (unk. ctxt): lfence        ; 0faee8
 *
 * "t" counts instructions, iterations of a REP among them, as the guest's TSC does. stdin stays /dev/null
 * (emulated.c says why).
 */
#ifndef ORCHESTRATOR_HOSTS_EMULATED_TRACE_H
#define ORCHESTRATOR_HOSTS_EMULATED_TRACE_H

#include "orchestrator/hosts/driver.h"

struct emulated_trace;

/* Makes the FIFO @commands, and the pipe whose writing end *out is to be Bochs' stdout. */
int emulated_trace_open(const struct host_tracer *tracer, const char *commands,
			struct emulated_trace **t, int *out, struct error *err);
/* After Bochs was forked: closes *out here and follows. */
int emulated_trace_start(struct emulated_trace *t, struct error *err);
/* After Bochs has ended: what it printed has all been told. NULL is allowed. */
void emulated_trace_close(struct emulated_trace *t);

/*
 * Reads a line of the debugger's. True: it is an instruction; *traced tells one that "trace on" printed from
 * the one at a stop, whose time is not in the line. @line is changed, and @step borrows from it.
 */
bool emulated_trace_parse(char *line, struct host_step *step, bool *traced);

#endif
