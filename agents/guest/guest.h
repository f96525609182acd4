/* SPDX-License-Identifier: GPL-2.0-only */
/* guest.h - the agent as the first process of a Linux L1. */
#ifndef AGENTS_GUEST_GUEST_H
#define AGENTS_GUEST_GUEST_H

/* Prepares L1, says who it is, and then measures what it is told to (mail.h). */
void guest_main(void) __attribute__((noreturn));

#endif
