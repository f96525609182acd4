/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ends.h - the two ends of a bisect: they must build, boot, and differ beyond doubt, because every
 * step is compared with them.
 */
#ifndef ORCHESTRATOR_BISECT_ENDS_H
#define ORCHESTRATOR_BISECT_ENDS_H

#include "orchestrator/bisect/session.h"

/*
 * Loads the stored steps, then builds and boots the ends. -EDOM, with the numbers, unless they differ
 * beyond doubt; -ENOEXEC if one does not build or boot; -ERANGE: see bisect_find_border().
 */
int bisect_check_ends(struct bisect_session *s, struct error *err);

/* Makes the boots that the ends lack to have @boots each. -ENOEXEC: an end cannot be measured. */
int bisect_boot_ends(struct bisect_session *s, int boots, struct error *err);

#endif
