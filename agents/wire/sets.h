/* SPDX-License-Identifier: GPL-2.0-only */
/* sets.h - sets of scenarios, as bits: who takes a word (words.c), and whom a rule is about (rules.c). */
#ifndef AGENTS_WIRE_SETS_H
#define AGENTS_WIRE_SETS_H

#include "agents/wire/words.h"

#define ONLY(s) (1u << (s))
#define ALL	(ONLY(PLAN_SCENARIO_COUNT) - 1)
#define TESTS	(ONLY(PLAN_KSELFTEST) | ONLY(PLAN_KVM_UNIT_TEST))
#define WITH_L1 (ALL & ~TESTS)
#define BOOTS	(ONLY(PLAN_L1_BOOT) | ONLY(PLAN_L2_BOOT))
#define WITH_L2 (WITH_L1 & ~BOOTS)
#define MOVES                                                                            \
	(ONLY(PLAN_SAVE_RESTORE) | ONLY(PLAN_LIVE_MIGRATE) | ONLY(PLAN_SNAPSHOT_STORM) | \
	 ONLY(PLAN_L1_BALLOON) | ONLY(PLAN_L1_UNPLUG))
#define TAKES  (ONLY(PLAN_L1_BALLOON) | ONLY(PLAN_L1_UNPLUG))
#define FAULTY (ONLY(PLAN_MULTIPLEX) | ONLY(PLAN_SAVE_RESTORE) | ONLY(PLAN_LIVE_MIGRATE))

#endif
