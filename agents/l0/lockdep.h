/* SPDX-License-Identifier: GPL-2.0-only */
/* lockdep.h - whether the kernel still proves that its locks are right, if it ever did. */
#ifndef AGENTS_L0_LOCKDEP_H
#define AGENTS_L0_LOCKDEP_H

#include <stdbool.h>

/*
 * Has lockdep switched itself off? It does at its first report, and at what it does not understand. What came after that was
 * not looked at, so a boot that says nothing would prove nothing. Of @root's proc/lockdep_stats ("" is
 * this machine); false if the kernel has no lockdep.
 */
bool lockdep_is_off(const char *root);

#endif
