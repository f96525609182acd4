/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mail.h - how the agent on L0 and the agent inside a Linux L1 talk: through the last MAIL_SIZE bytes of L1's
 * RAM, which L1's kernel leaves alone. L1 maps them through /dev/mem, so writing them costs no exit.
 *
 * It is a conversation in turns. L1 says something in `records` and rings: OUT to MAIL_PORT, which ends L0's
 * KVM_RUN. L0 reads it, writes the next line of the plan (agents/wire/protocol.h: "measure ...") to `plan`,
 * changes `turn` and lets L1 go on. Under a VMM whose OUT does not wait for L0, L1 waits until `turn` changes. L1's first turn has its `hello` alone; each other one the records of one measurement,
 * from `begin` to `end`. Records are lines, numbered and sealed as all records are: what L1 wrote may have
 * gone through a broken L0.
 *
 * In a measurement of churn L1 asks for what is to happen to its memory by OUT to MAIL_CHANGE_PORT. When that is
 * over, it has happened.
 *
 * L1 finds it by its command line: MAIL_PARAMETER and the physical address, in hex.
 */
#ifndef AGENTS_GUEST_MAIL_H
#define AGENTS_GUEST_MAIL_H

#include <stdint.h>

#include "agents/wire/protocol.h"

#define MAIL_SIZE	 0x100000u
#define MAIL_PORT	 0x4d /* no device has it, nor the next one */
#define MAIL_CHANGE_PORT 0x4f
#define MAIL_PARAMETER	 "nestlab.mail="
#define MAIL_INIT	 "/l1-agent" /* what rdinit= calls the agent that runs inside L1 */
#define MAIL_MAGIC	 0x6c69616d6c74736eull
#define MAIL_MAGIC_L2 \
	0x3269616d6c74736eull /* of an L2, which is L1's: it says who it is, and no more */

/* Where L1 is when it is moved: anywhere, unless L0 asks. */
enum mail_stay {
	MAIL_STAY_NOT,	 /* L0's: L1 may go on */
	MAIL_STAY_ASKED, /* L0's: L1 is to stay outside of its L2s */
	MAIL_STAY_IS, /* L1's: it stays, and has just left an L2 that has changed its registers */
};

struct mail {
	uint64_t magic;		  /* L0's, before L1 starts */
	uint32_t turn;		  /* L0's: changes when `plan` has the next line */
	char plan[PLAN_LINE_MAX]; /* L0's: a line, NUL-terminated */
	/* Of a measurement that moves L1 while it runs: rounds that L1 has done; L0's word that it has moved it enough. */
	uint32_t progress, stop;
	uint32_t stay; /* both's: enum mail_stay */
	/* Of one that unplugs its memory: L0's count of how often there was some to lie in, upon which L1 puts its L2s there; how
	 * many of their pages do lie there now. */
	uint32_t plugged, pages;
	uint32_t len; /* L1's: bytes in records */
	char records[];
};
#define MAIL_RECORDS_MAX (MAIL_SIZE - sizeof(struct mail))

/* What L1 has from here on, in bytes, was plugged in (agents/l0/vmm/qemu.h). */
#define MAIL_PLUGGED 0x100000000ull

/* Inside L1: the page, once guest_main() has mapped it. Processes that it forks have it too. */
extern struct mail *mail_page;

#endif
