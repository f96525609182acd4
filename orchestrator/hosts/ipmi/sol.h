/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sol.h - serial over LAN as a channel (channel.h): opened, kept alive, opened again when it was lost, and its
 * theft noticed.
 *
 * A BMC gives its serial line to one session, and lets another take it without a word: the first one stays up
 * and hears nothing more. So the number of the session that has the line is noted when it has been opened,
 * and asked for again when the line has been silent. Another session's line is taken only where the host
 * file says so.
 */
#ifndef ORCHESTRATOR_HOSTS_IPMI_SOL_H
#define ORCHESTRATOR_HOSTS_IPMI_SOL_H

#include "orchestrator/hosts/channel.h"
#include "orchestrator/hosts/ipmi/tool.h"

struct sol;

/* The line of session @s, by @t, which is borrowed to sol_stop(). */
int sol_start(const struct ipmi_tool *t, struct host_session *s, struct sol **sol,
	      struct error *err);
struct channel *sol_channel(struct sol *sol);
/* Gives the line back. It waits. NULL is allowed. */
void sol_stop(struct sol *sol);

#endif
