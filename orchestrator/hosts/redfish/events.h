/* SPDX-License-Identifier: GPL-2.0-only */
/* events.h - the event log of a machine (sel.h), by Redfish: LogServices of the system and of its manager. */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_EVENTS_H
#define ORCHESTRATOR_HOSTS_REDFISH_EVENTS_H

#include "orchestrator/hosts/redfish/machine.h"
#include "orchestrator/hosts/sel.h"

/* Adds the entries of the last @seconds, by the BMC's own clock, to @sel (whose `since` it sets). A BMC that shows no
 * log adds nothing. */
int events_read(struct bmc *b, const struct machine *m, double seconds, struct sel *sel,
		struct error *err);

#endif
