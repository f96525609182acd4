/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * step.h - one round of a bisect: candidates are built, booted and judged, and the verdicts stored.
 * It is the tester that bisect_search() and bisect_ddmin() are given.
 *
 *	candidate
 *	    |
 *	has a stored verdict? ---- yes --> that verdict; nothing is done
 *	    | no
 *	  build ------- does not build --> skip
 *	    |
 *	same bzImage as a judged one? ---> its verdict, without a boot
 *	    | no
 *	    v
 *	+-> boot ---- fails as a guest too often --> skip   (not in the way that is looked for: hunt.h)
 *	|   |    ---- the host fails too often ----> the bisect stops, and can be resumed
 *	|   v
 *	|  compare with both ends
 *	|   |    ---- surely nearer to one end ----> good or bad
 *	|   v
 *	+- more boots, up to the maximum
 *	    |
 *	    v
 *	  skip: not sure which end is nearer
 */
#ifndef ORCHESTRATOR_BISECT_STEP_H
#define ORCHESTRATOR_BISECT_STEP_H

#include "orchestrator/bisect/session.h"

/* struct bisect_tester's test(); @arg is the session, whose ends were checked. */
int bisect_test(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		struct error *err);

#endif
