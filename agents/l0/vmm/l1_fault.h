/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * l1_fault.h - the parameter `fault`: something goes wrong with a Linux L1 on purpose, so that one sees what is said of it
 * and that the rest of the plan goes on. What L1 does itself is in agents/guest/fault.c.
 */
#ifndef AGENTS_L0_VMM_L1_FAULT_H
#define AGENTS_L0_VMM_L1_FAULT_H

#include <stdint.h>

#include "agents/wire/protocol.h"

/* What no QEMU and no libvirt knows: fault `refused` asks for it. */
#define L1_FAULT_ENLIGHTENMENT "no-such-enlightenment"

/* When the VMM's files are there: fault `disk-full` puts a small file system in the place of @directory, which the calling
 * process and its children see alone. 0 or a negative errno. */
int l1_fault_prepare(const struct plan_measure *m, const char *directory);

/* The memory of the L1 of @m, in MiB: @usual, but twice all that L0 has for fault `no-memory`. */
uint64_t l1_fault_megabytes(const struct plan_measure *m, uint32_t usual);

#endif
