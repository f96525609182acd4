/* SPDX-License-Identifier: GPL-2.0-only */
/* measured.h - a series against its base, in lines of text for a mail: short, what decides first, how to see it oneself. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_MEASURED_H
#define ORCHESTRATOR_DAEMON_WATCH_MEASURED_H

#include "orchestrator/daemon/watch/ended.h"
#include "results/report/report.h"

#define MEASURED_ROWS 12

/* @r: the report of its job. @before: the same of the version before, or NULL. @from: whose trailer it is. */
void measured_text(const struct ended *e, const struct report *r, const struct report *before,
		   const char *from, struct strbuf *out);

/* What the patches are by now that they were not in the version before; nothing if there is none. */
void measured_add_patches(const struct ended *e, struct strbuf *out);
/* "0123456789ab (kvm/next)" */
void measured_add_base(const struct ended *e, struct strbuf *out);
/* The commands that repeat it; of what does not build, that. */
void measured_add_commands(const struct ended *e, struct strbuf *out);
void measured_add_build(const struct ended *e, struct strbuf *out);

#endif
