/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answer.h - the state of a bisect while it runs, and its answer: as text for people, as JSON for
 * the database.
 */
#ifndef ORCHESTRATOR_BISECT_ANSWER_H
#define ORCHESTRATOR_BISECT_ANSWER_H

#include "common/strbuf.h"
#include "orchestrator/bisect/bisect.h"
#include "orchestrator/bisect/confirm.h"
#include "orchestrator/bisect/engine_lab.h"
#include "orchestrator/bisect/git.h"
#include "orchestrator/bisect/search.h"
#include "orchestrator/bisect/session.h"
#include "orchestrator/request/request.h"

struct bisect_run {
	struct request request; /* of kind REQUEST_BISECT */
	struct bisect_git_range range;
	struct bisect_space *space; /* NULL for configs, whose candidates are sets of differences */
	struct lab *lab;
	struct bisect_session s;
	struct bisect_hunt *hunt; /* NULL: a metric is looked at */
	char *good, *bad;	  /* the ends' candidates */
	int lock;		  /* an open file, or -1 */
	double started;		  /* clock_seconds() */
	/* the answer */
	struct bisect_answer found;
	struct bisect_confirmation again;
	char *reason;	  /* why it was refused */
	const char *runs; /* folder of the boots; borrowed */
	char *explanation; /* NULL, or where the culprit's instructions went, or why that is not known */
};

/* A candidate for people: "1a2b3c4d5e6f kvm: ...", "3 0003-....patch", "CONFIG_X: y -> n". The caller
 * frees. */
char *bisect_describe_candidate(const struct bisect_run *r, const char *id);

/* {"end": "confirmed", "suspects": [...], ...}; the caller frees. */
char *bisect_answer_json(const struct bisect_run *r, enum bisect_end end);
/* The only suspect of such a text, which the caller frees; NULL: there are none or several. */
char *bisect_answer_culprit(const char *json);

void bisect_answer_text(const struct bisect_run *r, enum bisect_end end, struct strbuf *out);

#endif
