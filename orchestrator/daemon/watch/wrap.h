/* SPDX-License-Identifier: GPL-2.0-only */
/* wrap.h - text in a mail's lines. */
#ifndef ORCHESTRATOR_DAEMON_WATCH_WRAP_H
#define ORCHESTRATOR_DAEMON_WATCH_WRAP_H

#include <stdbool.h>

#include "common/strbuf.h"

#define WRAP_WIDTH 76

/* Each line of @text behind @indent; what is longer than a mail's lines goes on, two blanks further in with @hang. */
void wrap_add(struct strbuf *out, const char *indent, const char *text, bool hang);

#endif
