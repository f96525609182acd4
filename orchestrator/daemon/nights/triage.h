/* SPDX-License-Identifier: GPL-2.0-only */
/* triage.h - what people say of a change: one place for the API and for the form of its page. */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_TRIAGE_H
#define ORCHESTRATOR_DAEMON_NIGHTS_TRIAGE_H

#include <json-c/json.h>

#include "orchestrator/daemon/storage/database.h"

/*
 * In the writer's transaction. @said: an object with any of "triage" (acknowledged, wontfix, duplicate), "duplicate_of" (the
 * number of another change), "owner", "note"; one that is not there stays as it is, null takes it away. @by: who says it, for the
 * event. -ENOENT: no such change; -EINVAL: a value (the message has its place in the body).
 */
int triage_set(struct daemon_db *db, int64_t change, struct json_object *said, const char *by,
	       struct error *err);

#endif
