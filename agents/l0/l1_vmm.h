/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_vmm.h - what runs a Linux L1: a row for each word of PLAN_VMMS (agents/wire/words.h). l1_linux.c talks to L1
 * through it, and is the same for all of them.
 *
 * Functions that return an int give 0, VM_SAID when the sink was told why not, or a negative errno about
 * which nothing was said. A VMM is always closed, also after an error of open().
 */
#ifndef AGENTS_L0_L1_VMM_H
#define AGENTS_L0_L1_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/sink.h"
#include "agents/wire/protocol.h"

struct kvm_stats;

struct l1_vmm {
	/* Makes the L1 of @m with @kernel (a vmlinux) loaded; nothing of it runs yet. The mail page has its magic
	 * (agents/guest/mail.h), the rest of its head is 0. *vmm is what the others take. */
	int (*open)(const struct plan_measure *m, const char *kernel, struct sink *s, void **vmm);
	/* @len bytes of L1's mail page, from @at on: out of it, and into it. */
	int (*peek)(void *vmm, size_t at, void *to, size_t len);
	int (*poke)(void *vmm, size_t at, const void *from, size_t len);
	/* Runs L1 until it rings. A death, a panic and @limit_s seconds of silence are failures, which the sink is
	 * told with the end of L1's console. */
	int (*run)(void *vmm, unsigned int limit_s);
	/* KVM's statistics of L1 from now on, for kvm_stats_end(); NULL: there are none. */
	struct kvm_stats *(*stats)(void *vmm);
	/* NULL: L0 cannot tell. Did L1 enter its last L2 by an enlightened VMCS? */
	bool (*uses_evmcs)(void *vmm);
	void (*close)(void *vmm); /* NULL is allowed */
};

extern const struct l1_vmm l1_vmm_thin, l1_vmm_qemu;

#endif
