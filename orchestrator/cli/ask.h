/* SPDX-License-Identifier: GPL-2.0-only */
/* ask.h - commands that ask a daemon (orchestrator/daemon/http/client.h): what they share. */
#ifndef ORCHESTRATOR_CLI_ASK_H
#define ORCHESTRATOR_CLI_ASK_H

#include <json-c/json.h>

#include "orchestrator/cli/command.h"
#include "orchestrator/daemon/http/client.h"

extern bool ask_json; /* --json */
#define ASK_JSON OPTION_FLAG("json", &ask_json, "print the daemon's answer as JSON")

/*
 * Asks once: EXIT_FATAL if that fails, after a message; else 0, with *out the answer for the caller to put (NULL:
 * none wanted). @body is taken over. Without a daemon a message says how to name one.
 */
int ask_daemon(const char *method, const char *path, struct json_object *body,
	       struct json_object **out);

/* "/v1/jobs/UID/retry": @uid is escaped, @after may be "". The caller frees. */
char *ask_path(const char *folder, const char *name, const char *after);

/* A member as text, "" if it is null. Borrowed. */
const char *ask_text(struct json_object *obj, const char *key);
int64_t ask_number(struct json_object *obj, const char *key);

/* Submits a request, as `nestlab COMMAND --submit`; the program's exit status. */
int ask_submit(const struct request *r);

#endif
