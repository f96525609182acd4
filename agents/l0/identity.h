/* SPDX-License-Identifier: GPL-2.0-only */
/* identity.h - the hello record: who this agent is, and what it runs on. */
#ifndef AGENTS_L0_IDENTITY_H
#define AGENTS_L0_IDENTITY_H

#include <stddef.h>

#include "agents/l0/records/line.h"
#include "agents/l0/quiet.h"

/* Sets the clock (agents/l0/clock.h). */
void identity_find_clock(int kvm);

/* Writes the body of the hello record. @kvm may be -1, @q NULL; @nonce: of the ticket, or "". What
 * this kernel does not tell is "" or 0. */
void identity_hello(struct line *l, int kvm, size_t plan_count, const struct quiet *q,
		    const char *nonce);

/* Its parts, as members of @l: release and build_id; clock and tsc_khz, once identity_find_clock() was called. */
void identity_add_kernel(struct line *l);
void identity_add_clock(struct line *l);

#endif
