// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/work.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/request/request.h"

#define ROOM_AFTER_WORDS 12 /* for what comes after a command's words */

/* ---- asking ---- */

static struct json_object *list_names(const char *text)
{
	struct json_object *list = json_object_new_array();
	__cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *name;

	while (rest && (name = strsep(&rest, ",")))
		if (*name)
			json_object_array_add(list, json_object_new_string(name));
	return list;
}

static struct json_object *describe_agent(const struct agent_setting *set)
{
	struct json_object *ask = json_object_new_object();

	json_add_string(ask, "agent", set->host);
	json_add_string(ask, "host", set->host);
	if (set->pool)
		json_add_string(ask, "pool", set->pool);
	json_object_object_add(ask, "tags", list_names(set->tags));
	json_object_object_add(ask, "serves", list_names(set->serves));
	json_object_object_add(ask, "shared", json_object_new_boolean(true));
	return ask;
}

int work_ask(struct client *c, const struct agent_setting *set, int wait_seconds,
	     struct json_object **lease, struct error *err)
{
	__cleanup_free char *path = xasprintf("/v1/leases?wait=%d", wait_seconds);

	return client_json(c, "POST", path, describe_agent(set), lease, err);
}

/* ---- the command ---- */

int work_add_words(const char **argv, int n, int max, char *words)
{
	char *word;

	while (words && n < max && (word = strsep(&words, " ")))
		if (*word)
			argv[n++] = word;
	return n;
}

/* "report signoff" is two words. */
static void fill_argv(struct work_command *c, const struct agent_setting *set,
		      const struct spooled *work)
{
	int n = 0;

	c->argv[n++] = set->program;
	n = work_add_words(c->argv, n, WORK_ARGV_MAX - ROOM_AFTER_WORDS, c->words);
	c->argv[n++] = "--request";
	c->argv[n++] = "request.json";
	c->argv[n++] = "--db";
	c->argv[n++] = c->db;
	if (!strcmp(work->command, "signoff")) {
		c->argv[n++] = "-o";
		c->argv[n++] = SPOOL_PAGES;
	}
	if (!strcmp(work->command, "explain")) {
		c->argv[n++] = "--json";
		c->argv[n++] = "-o";
		c->argv[n++] = "explanation.json";
	}
	if (!strcmp(work->command, "run")) {
		c->argv[n++] = "--session";
		c->argv[n++] = work->job;
	}
	c->argv[n] = NULL;
	c->n = n;
}

int work_command_make(const struct agent_setting *set, const struct spooled *work,
		      struct work_command *out, struct error *err)
{
	__cleanup_free char *request = spooled_path(work, "request.json");
	struct request r;
	int ret;

	*out = (struct work_command){0};
	ret = request_load(request, REQUEST_ANY, &r, err);
	if (ret)
		return ret;
	out->words = xstrdup(request_kind_command(r.kind));
	request_free(&r);
	if (work->results)
		out->db = xstrdup(work->results);
	else
		out->db = spooled_path(work, "results.db");
	fill_argv(out, set, work);
	return 0;
}

void work_command_free(struct work_command *c)
{
	free(c->words);
	free(c->db);
	*c = (struct work_command){0};
}
