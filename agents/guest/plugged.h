/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plugged.h - inside a Linux L1 whose memory is unplugged while its L2s run (PLAN_L1_UNPLUG): where their memory lies. What was
 * plugged in is of the zone that L1's kernel takes processes' memory from first, so it is enough to take it anew.
 */
#ifndef AGENTS_GUEST_PLUGGED_H
#define AGENTS_GUEST_PLUGGED_H

#include "agents/guest/l2set.h"

/* Each L2's memory is copied to new pages, which take its place under KVM. 0, or a negative errno. */
int plugged_settle(const struct l2set *set, uint32_t smp);
/* *pages: how many pages of theirs lie in memory that was plugged in: 0 where L1's kernel does not
 * tell (CONFIG_PROC_PAGE_MONITOR). As above. */
int plugged_count(const struct l2set *set, uint32_t smp, uint32_t *pages);

#endif
