/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carrier.h - carries an L1 that crosses from one machine's memory to another's (agents/wire/crossing.h), in a thread of its
 * own. Each side joins with each measurement in which it crosses, when its agent has said so. What one side waits for and the
 * other will not give any more it is told by the carrier: the other's boot is over, or measures something else by now.
 */
#ifndef ORCHESTRATOR_ENGINE_CARRIER_H
#define ORCHESTRATOR_ENGINE_CARRIER_H

#include <stdint.h>

#include "common/error.h"
#include "orchestrator/hosts/memory.h"

enum carrier_side { CARRIER_SOURCE, CARRIER_DESTINATION };

struct carrier;

int carrier_new(struct carrier **out, struct error *err);
/* Its agent has prepared its chunks for measurement @id; @memory's descriptor is the carrier's from now on. */
void carrier_join(struct carrier *c, enum carrier_side side, uint32_t id,
		  const struct host_memory *memory);
/* It comes no more; the other side, which waits for it or will, is told @why. The machine may be off. */
void carrier_leave(struct carrier *c, enum carrier_side side, const char *why);
/* NULL is allowed. */
void carrier_free(struct carrier *c);

#endif
