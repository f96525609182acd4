/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confirm.h - the culprit, tested again in fresh boots: against its parent, and the bad end against
 * the bad end without it.
 */
#ifndef ORCHESTRATOR_BISECT_CONFIRM_H
#define ORCHESTRATOR_BISECT_CONFIRM_H

#include "orchestrator/bisect/session.h"

struct bisect_confirmation {
	bool confirmed;
	bool reverted;		    /* a revert was tested too */
	struct bisect_ratio itself; /* culprit / parent */
	struct bisect_ratio revert; /* bad end / bad end without the culprit */
	char text[ERROR_TEXT_MAX];  /* what was seen, for people */
};

/*
 * Boots @parent and @culprit afresh, and (unless @revert is NULL) the bad end and @revert, which is
 * the bad end without the culprit. Confirmed: both pairs differ beyond doubt, the same way as the
 * ends do.
 */
int bisect_confirm(struct bisect_session *s, const char *parent, const char *culprit,
		   const char *revert, struct bisect_confirmation *out, struct error *err);

#endif
