/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * redfish.h - a bare-metal server behind a BMC that speaks Redfish (DSP0266, DSP0268).
 *
 * The image comes to the machine by virtual media or by UEFI HTTP boot, from a server of ours (serve.h); the
 * serial line comes back through a command that the host file names (channel.h). Who knows what:
 *
 *	config.c   the host file's keys		http.c     one request, over libcurl
 *	bmc.c      a conversation: session, retries	change.c   POST, PATCH with ETags, tasks
 *	message.c  what a BMC says		machine.c  which resources are the machine, by links
 *	power.c, media.c, override.c  steps	undo.c     the journal, and its undoing
 *	redfish.c  a boot
 *
 * What makes do differently is a row of a table beside the code that needs it (override names in override.c,
 * properties in media.c, ETag forms in change.c, reset words in power.c).
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_REDFISH_H
#define ORCHESTRATOR_HOSTS_REDFISH_REDFISH_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_redfish;

/* The driver's methods (driver.h) of these names. */
int redfish_probe(const struct host_config *cfg, const struct places *places,
		  struct host_found *found, struct error *err);
int redfish_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err);
int redfish_trust(const struct host_config *cfg, struct strbuf *told, struct error *err);

#endif
