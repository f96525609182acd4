// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/ask.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/shell.h"
#include "common/terminal.h"

bool ask_json;

int ask_daemon(const char *method, const char *path, struct json_object *body,
	       struct json_object **out)
{
	struct error err = {0};
	struct client *c;
	int ret = client_open(NULL, &c, &err);

	if (out)
		*out = NULL;
	if (ret) {
		json_object_put(body);
		return command_fatal(&err);
	}
	ret = client_json(c, method, path, body, out, &err);
	client_close(c);
	if (ret)
		return command_fatal(&err);
	return 0;
}

char *ask_path(const char *folder, const char *name, const char *after)
{
	__cleanup_free char *escaped = client_escape(name);

	return xasprintf("/v1/%s/%s%s", folder, escaped, after);
}

const char *ask_text(struct json_object *obj, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(obj, key));

	return text ? text : "";
}

int64_t ask_number(struct json_object *obj, const char *key)
{
	return json_object_get_int64(json_object_object_get(obj, key));
}

int ask_submit(const struct request *r)
{
	__cleanup_free char *text = request_json(r);
	struct json_object *answer;
	int status = ask_daemon("POST", "/v1/jobs", json_tokener_parse(text), &answer);

	if (status)
		return status;
	terminal_printf("job %s; to follow it: %s log -f %s\n", ask_text(answer, "uid"),
			shell_program(), ask_text(answer, "uid"));
	json_object_put(answer);
	return 0;
}
