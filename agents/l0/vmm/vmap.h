/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmap.h - L0's kernel maps pages of unmanaged memory one by one at each entry of an L2, and lets them go again. Their
 * addresses are not free at once: they wait in a tree until 32 MiB of them are there (per power of two of CPUs; lazy_max_pages() in
 * mm/vmalloc.c), which are then freed together, by a worker. The deeper that tree, the dearer each unmapping: an entry costs up
 * to 6 % more at the end of such a cycle than at its begin. Where in the cycle a measurement begins is chance.
 */
#ifndef AGENTS_L0_VMM_VMAP_H
#define AGENTS_L0_VMM_VMAP_H

#include <stdint.h>

#define VMAP_CYCLE 4096 /* mappings of a page, each with a guard page, with one CPU */
#define VMAP_SETTLED \
	1024 /* of them: where a measurement begins. In the rest of the cycle the tree grows by two levels */
#define VMAP_LIMIT (2 * VMAP_CYCLE)
#define VMAP_FREEING \
	500000 /* ticks of the emulated clock: freeing a cycle takes more, a timer's tick a tenth of it */

/* Makes and drops mappings until a cycle has ended, then VMAP_SETTLED more. It ends, too, where none can be made, or after VMAP_LIMIT
 * without an end. For the emulated clock. */
void vmap_settle(void);

/* The same by @touch, which makes and drops one and returns the ticks that it took; UINT64_MAX: it could not. How many were made. */
unsigned int vmap_settle_by(uint64_t (*touch)(void *arg), void *arg);

#endif
