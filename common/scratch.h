/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scratch.h - folders for work in progress. One is locked while its process lives; what a process that was killed
 * left is therefore recognized, and the next scratch_begin() at the same place removes it.
 *
 *	struct scratch s;
 *
 *	ret = scratch_begin(NULL, NULL, &s, err);
 *	if (ret)
 *		return ret;
 *	... files in s.dir ...
 *	scratch_end(&s);
 */
#ifndef COMMON_SCRATCH_H
#define COMMON_SCRATCH_H

#include "common/error.h"

#define SCRATCH_PREFIX "nestlab-scratch."

/* A file in it: who works in it holds its lock. */
#define SCRATCH_LOCK "lock"
/* A file in one that stays. */
#define SCRATCH_KEPT "kept"

struct scratch {
	char *dir; /* NULL: none, and all else is void */
	int lock;
};

/*
 * Makes the folder @top/@prefixXXXXXX for this user alone (mode 0700). @top, which exists: NULL for $TMPDIR, or /tmp
 * without. All folders of the prefix in it must be scratch folders; NULL: SCRATCH_PREFIX. 0 or a negative errno with
 * @err set, and then @s is none.
 */
int scratch_begin(const char *top, const char *prefix, struct scratch *s, struct error *err);

/* Removes it; it is none afterwards. Nothing to do for one that is none. */
void scratch_end(struct scratch *s);

/* It stays for a person to look at, and nestlab never removes it. */
void scratch_keep(struct scratch *s);

#endif
