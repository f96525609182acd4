/* SPDX-License-Identifier: GPL-2.0-only */
/* events.h - the event log of a machine (sel.h), by IPMI. */
#ifndef ORCHESTRATOR_HOSTS_IPMI_EVENTS_H
#define ORCHESTRATOR_HOSTS_IPMI_EVENTS_H

#include "orchestrator/hosts/ipmi/tool.h"
#include "orchestrator/hosts/sel.h"

/* Adds the entries of the last @seconds, by the BMC's own clock, to @sel (whose `since` it sets): of the last that
 * there are, some hundred at most. It waits. */
int ipmi_events_read(const struct ipmi_tool *t, double seconds, struct sel *sel, struct error *err);

/* One line of `ipmitool sel list`; others are passed over. For the tests. */
void ipmi_events_add(struct sel *sel, char *line);

#endif
