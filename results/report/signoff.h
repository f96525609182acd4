/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * signoff.h - a report judged by a policy: PASS, FAIL, or BLOCKED with what is missing.
 *
 * Every requirement becomes one finding. A metric passes when its whole interval is within what is
 * allowed, fails when its whole interval is beyond (and the test, where boots allow one, agrees),
 * and is undecided between: then the sign-off is blocked, until more boots decide. Boots of the new
 * kernel that died or computed something wrong fail it, and cannot be waived.
 */
#ifndef RESULTS_REPORT_SIGNOFF_H
#define RESULTS_REPORT_SIGNOFF_H

#include "results/report/report.h"
#include "results/report/policy.h"
#include "results/report/selection.h"

enum signoff_state { SIGNOFF_OK, SIGNOFF_WAIVED, SIGNOFF_MISSING, SIGNOFF_FAILED };
enum signoff_verdict { SIGNOFF_PASS, SIGNOFF_FAIL, SIGNOFF_BLOCKED };

struct signoff_finding {
	enum signoff_state state;
	char *what, *why;
	double excess; /* how many percent of cost beyond what is allowed; 0 where it is no number */
};

struct signoff { /* free with signoff_free() */
	enum signoff_verdict verdict;
	struct signoff_finding *findings; /* failed, missing, waived, fine; each by excess */
	size_t nfindings;
	bool *used;			   /* waiver i excused something */
	struct report_selection selection; /* the metrics that rules name */
	char today[11];
};

/* @today is YYYY-MM-DD (NULL: now, UTC). @nothing: why there is nothing to judge (then @r is
 * from report_load_nothing()), or NULL. */
int signoff_judge(struct results_db *db, const struct policy *p, const struct report *r,
		  const char *today, const char *nothing, struct signoff *out, struct error *err);
void signoff_free(struct signoff *s);

void signoff_render(const struct signoff *s, const struct policy *p, const struct report *r,
		    const struct report_options *o, bool html, struct strbuf *out);

const char *signoff_verdict_name(enum signoff_verdict v); /* "PASS", "FAIL", "BLOCKED" */

#endif
