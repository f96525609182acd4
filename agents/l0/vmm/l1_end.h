/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_end.h - a Linux L1 ended, or is silent, instead of answering: what that is called, whose trouble it is, and what to do
 * about it. The same for all VMMs.
 */
#ifndef AGENTS_L0_VMM_L1_END_H
#define AGENTS_L0_VMM_L1_END_H

#include <stdbool.h>

#include "agents/l0/records/sink.h"

enum l1_end {
	L1_END_KILLED,	  /* the VMM, by SIGKILL */
	L1_END_PANIC,	  /* of its kernel */
	L1_END_RESET,	  /* without a panic: a triple fault */
	L1_END_SILENT,	  /* within the time that it is given */
	L1_END_REFUSED,	  /* the VMM does not take its settings */
	L1_END_NO_MEMORY, /* L0 has no memory for it */
	L1_END_NO_SPACE,  /* L0 has no room for its file */
	L1_END_OTHER,
	L1_END_COUNT
};

/* How much is looked at of what a VMM and a console said last. */
#define L1_END_WHAT	240
#define L1_END_MESSAGES 240
#define L1_END_CONSOLE	960

/* What to do about an end by SIGKILL. */
#define L1_END_KILL_REMEDY                                                                       \
	"Nobody does that but a person, and a kernel whose memory ends: the boot's console.log " \
	"says so (\"Out of memory\")."

/* Did its kernel panic, by the end of its console? */
bool l1_end_is_panic(const char *console);

/* @who it was; @what: the end, in words. @vmm: what the VMM said itself, NULL if it is the agent. What these say of memory and
 * space outweighs @end. Tells the sink, and gives VM_SAID (vm.h). */
int l1_end_report(struct sink *s, const char *who, enum l1_end end, const char *what,
		  const char *vmm, const char *console);

#endif
