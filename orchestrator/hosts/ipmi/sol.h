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

/*
 * The line tells other computers' nestlabs who has a host: before anything is changed on it, and before a crash's
 * remains are undone. Both wait.
 */
#define SOL_SESSION_TEXT 16
/* The session that has the line now, to @session; "": none, or the BMC does not say. */
void sol_find_session(const struct ipmi_tool *t, char session[SOL_SESSION_TEXT]);
/* 0: nobody has the line, or we may take it: it is @ours (NULL: none), of a crash, which is ended; or the host
 * file says so. -EBUSY: another session has it. */
int sol_check_free(const struct ipmi_tool *t, const char *ours, struct error *err);

#endif
