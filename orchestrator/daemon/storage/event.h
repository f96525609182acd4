/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - what changed, in order. An event is written in the transaction of its change, so that there is
 * none without the other.
 */
#ifndef ORCHESTRATOR_DAEMON_STORAGE_EVENT_H
#define ORCHESTRATOR_DAEMON_STORAGE_EVENT_H

#include <json-c/json.h>

#include "orchestrator/daemon/storage/database.h"

/* @type: "job.queued", "boot.leased", "host.quarantined", ...; @job, @boot: uids or NULL; @data: an object,
 * which is put away, or NULL. */
int event_add(struct daemon_db *db, const char *type, const char *job, const char *boot,
	      struct json_object *data, struct error *err);

/* Counts the events that were added since the program's start; raised before their commit, in the writer's thread. */
int64_t event_count(void);

#endif
