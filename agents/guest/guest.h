/* SPDX-License-Identifier: GPL-2.0-only */
/* guest.h - the agent inside a Linux L1, in its two roles. */
#ifndef AGENTS_GUEST_GUEST_H
#define AGENTS_GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "agents/l0/records/channel.h"

/* As the first process of an L1 that boots a kernel of nestlab's: talks to L0 through the mail page (mail.h). */
void guest_main(void) __attribute__((noreturn));

/*
 * As a service of an L1 that boots from a disk of the user's: it takes plans from the serial line @device and
 * answers there, for ever. Both sides speak as agents/wire/protocol.h says, a plan and then its records, numbered from 0
 * for each plan. PROTOCOL_READY comes first. Returns the program's exit status, after a message.
 */
int guest_serve(const char *device);

/* `hello`, of an L1 or of an L2 that has our agent, too. 0 or a negative errno; @why: what an L1's KVM lacks. */
int guest_send_hello(struct channel *c, long cpus, bool is_l1, char *why, size_t size);

#endif
