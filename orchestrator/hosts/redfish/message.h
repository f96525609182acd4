/* SPDX-License-Identifier: GPL-2.0-only */
/* message.h - what a BMC says in its answers: objects, and errors in the forms that BMCs use. */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_MESSAGE_H
#define ORCHESTRATOR_HOSTS_REDFISH_MESSAGE_H

#include <json-c/json.h>

#include "common/strbuf.h"

/* An object, or NULL: no JSON, half of one, or something else. The caller puts it. */
struct json_object *message_parse(const struct strbuf *body);

/* The value at a path of keys, ended by NULL; NULL: not there. Borrowed from @o. */
struct json_object *message_at(struct json_object *o, ...) __attribute__((sentinel));
/* The same as a string; NULL: none. */
const char *message_text(struct json_object *o, ...) __attribute__((sentinel));

/* Appends "status 400: TEXT (ID)": what the messages of an error say (DSP0266, section 8.6), one line, without
 * control characters, at most some hundred bytes; or the start of a body that is none. */
void message_describe(long status, const struct strbuf *body, struct strbuf *out);

/* Appends what is in an array of messages, or in one that is no array. */
void message_add(struct json_object *messages, struct strbuf *out);

#endif
