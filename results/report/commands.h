/* SPDX-License-Identifier: GPL-2.0-only */
/* commands.h - the command lines that make a report's numbers again. */
#ifndef RESULTS_REPORT_COMMANDS_H
#define RESULTS_REPORT_COMMANDS_H

#include "common/strbuf.h"
#include "results/report/report.h"

/* Appends a `nestlab run` for each scenario and seed of the boots, then the comparison; one a line,
 * quoted for a shell. @o may be NULL. */
void commands_add(const struct report *r, const struct report_options *o, struct strbuf *out);

#endif
