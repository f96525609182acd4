/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.h - a bisect space that is a line: candidates "FIRST" (good) .. "LAST" (bad), numbers
 * in order. A series of N patches is the line of its prefixes, 0 .. N.
 */
#ifndef ORCHESTRATOR_BISECT_LINE_H
#define ORCHESTRATOR_BISECT_LINE_H

#include "orchestrator/bisect/search.h"

/* @names (borrowed; NULL: none): the name of each number above @first. -EINVAL unless first <
 * last. */
int bisect_line_open(long first, long last, const char *const *names, struct bisect_space **space,
		     struct error *err);

#endif
