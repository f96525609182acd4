// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/nightly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "orchestrator/daemon/queue/job.h"

#define OWNER "nights"

int night_load_schedule(const struct night_context *n, const char *name, struct schedule *out,
			struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s.json", n->setting->schedules, name);

	if (!fs_exists(path))
		return error_set(err, -ENOENT, "%s: there is no such schedule any more", path);
	return schedule_load(path, out, err);
}

char *night_branch_name(const char *ref, const char *commit)
{
	__cleanup_free char *branch = schedule_plain_name(ref);

	return xasprintf("%s-%.12s", branch, commit);
}

int night_write_variant(const char *path, const char *base, const char *git, const char *commit,
			struct error *err)
{
	struct json_object *variant = json_object_new_object();
	struct json_object *source = json_object_new_object();
	__cleanup_free char *text = NULL;

	json_add_string(source, "kind", "git");
	json_add_string(source, "location", git);
	json_add_string(source, "ref", commit);
	json_add_string(variant, "base", base);
	json_object_object_add(variant, "source", source);
	text = json_canonical(variant);
	json_object_put(variant);
	return fs_write_file(path, text, strlen(text), err);
}

static void add_list(struct json_object *obj, const char *key, const char *const *names,
		     size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(names[i]));
	json_object_object_add(obj, key, list);
}

char *night_make_request(const struct schedule *s, const char *const *kernels, size_t count,
			 int boots, int64_t seed)
{
	struct json_object *request = json_object_new_object();
	char *text;

	json_add_string(request, "request", "run");
	add_list(request, "scenarios", (const char *const *)s->plans.items, s->plans.count);
	add_list(request, "kernels", kernels, count);
	json_object_object_add(request, "boots", json_object_new_int(boots));
	json_object_object_add(request, "seed", json_object_new_int64(seed));
	if (s->host)
		json_add_string(request, "host", s->host);
	text = json_canonical(request);
	json_object_put(request);
	return text;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As a submission has them: sorted. NULL: none. */
static char *tags_json(const struct schedule *s)
{
	const char *names[SCHEDULE_NAMES_MAX];
	struct json_object *list;
	char *text;

	if (!s->tags.count)
		return NULL;
	list = json_object_new_array();
	memcpy(names, s->tags.items, s->tags.count * sizeof(*names));
	qsort(names, s->tags.count, sizeof(*names), compare_names);
	for (size_t i = 0; i < s->tags.count; i++)
		json_object_array_add(list, json_object_new_string(names[i]));
	text = json_canonical(list);
	json_object_put(list);
	return text;
}

int night_submit(struct daemon_db *db, const struct schedule *s, const char *kind,
		 const char *request, const char *parent, const char *key,
		 char uid[DAEMON_TIME_MAX], struct error *err)
{
	__cleanup_free char *tags = tags_json(s);
	__cleanup_free char *owned = key ? xasprintf("%s/%s", OWNER, key) : NULL;
	const struct job_order order = {
		.kind = kind,
		.request = request,
		.owner = OWNER,
		.priority = s->priority,
		.parent = parent,
		.schedule = s->name,
		.idempotency = owned,
		.deadline_ms = s->deadline_ms,
		.pool = s->pool,
		.tags = tags,
	};
	bool again;

	return job_submit(db, &order, uid, &again, err);
}
