/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab.h - what a bisect needs of the world: kernels built, booted and compared. engine_lab.h is the
 * real one; the unit tests have one that needs no kernel.
 */
#ifndef ORCHESTRATOR_BISECT_LAB_H
#define ORCHESTRATOR_BISECT_LAB_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "orchestrator/bisect/position.h"

struct bisect_built {  /* free with bisect_built_free() */
	char *why;     /* NULL, or why there is no kernel: one line */
	char *variant; /* what the engine is told to boot */
	char *key;     /* of the kernel */
	char *sha256;  /* of all that is booted: the bzImage, and a selftest that is looked for */
};
void bisect_built_free(struct bisect_built *b);

/* All members return 0 or a negative errno; an error never means that a kernel is at fault. */
struct bisect_lab {
	/* Builds @n candidates, at once if it can. A candidate that cannot be built has `why`. */
	int (*build)(void *arg, const char *const *ids, size_t n, struct bisect_built *out,
		     struct error *err);
	/* Boots each kernel @boots times, numbered from @first, and stores every boot under
	 * @session, however it ends. Boot N's seed is the request's plus @seed_offset plus N - 1. */
	int (*boot)(void *arg, const char *session, const struct bisect_built *const *kernels,
		    size_t n, int first, int boots, uint64_t seed_offset, struct error *err);
	/* Compares two kernels by their boots in @session, which are looked at @looks times as they
	 * grow. -ENODATA: one has no number. */
	int (*compare)(void *arg, const char *session, const char *base_key, const char *new_key,
		       int looks, struct bisect_ratio *out, struct error *err);
	void *arg;
};

#endif
