// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/spool.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"

#define LEASE "lease.json"

void spooled_free(struct spooled *s)
{
	free(s->folder);
	free(s->boot);
	free(s->job);
	free(s->command);
	free(s->results);
	free(s->tags);
	*s = (struct spooled){0};
}

char *spooled_path(const struct spooled *s, const char *name)
{
	return xasprintf("%s/%s", s->folder, name);
}

/* ---- a lease ---- */

static char *copy_member(struct json_object *obj, const char *key)
{
	return xstrdup(json_object_get_string(json_object_object_get(obj, key)));
}

/* Names that are none are left out: nobody has a host like that. */
static char *join_names(struct json_object *list)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));

		if (fs_is_plain_name(name))
			strbuf_addf(&out, "%s%s", out.len ? "," : "", name);
	}
	return strbuf_detach(&out);
}

/* The daemon's word is not taken for a path. */
static int parse_lease(struct json_object *lease, struct spooled *s, struct error *err)
{
	struct json_object *request = json_object_object_get(lease, "request");
	struct json_object *tags = json_object_object_get(lease, "tags");

	if (json_object_is_type(tags, json_type_array))
		s->tags = join_names(tags);
	else
		s->tags = xstrdup("");
	s->boot = copy_member(lease, "boot");
	s->job = copy_member(lease, "job");
	s->results = copy_member(lease, "results");
	s->epoch = json_object_get_int64(json_object_object_get(lease, "epoch"));
	s->heartbeat_ms = json_object_get_int64(json_object_object_get(lease, "heartbeat_ms"));
	s->command = copy_member(request, "request");
	s->status = -1;
	if (s->boot && s->job && s->command && s->epoch > 0 && s->heartbeat_ms > 0 &&
	    fs_is_plain_name(s->boot) && fs_is_plain_name(s->job))
		return 0;
	return error_set(err, -EPROTO, "the daemon's answer is no lease: %s",
			 json_object_to_json_string(lease));
}

static int write_json(const struct spooled *s, const char *name, struct json_object *v,
		      struct error *err)
{
	__cleanup_free char *path = spooled_path(s, name);
	const char *text = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);

	return fs_write_file(path, text, strlen(text), err);
}

int spool_add(const char *spool, struct json_object *lease, struct spooled *out, struct error *err)
{
	int ret;

	*out = (struct spooled){0};
	ret = parse_lease(lease, out, err);
	if (ret) {
		spooled_free(out);
		return ret;
	}
	out->folder = xasprintf("%s/%s.%lld", spool, out->boot, (long long)out->epoch);
	ret = fs_mkdir_p(out->folder, err);
	if (!ret)
		ret = write_json(out, "request.json", json_object_object_get(lease, "request"),
				 err);
	if (!ret)
		ret = write_json(out, LEASE, lease, err);
	if (ret)
		spooled_free(out);
	return ret;
}

static void read_status(struct spooled *s)
{
	__cleanup_free char *path = spooled_path(s, "exit");
	struct strbuf text = STRBUF_INIT;

	if (fs_exists(path) && !fs_read_file(path, 64, &text, NULL))
		s->status = atoi(text.buf);
	strbuf_release(&text);
}

int spool_load(const char *spool, const char *name, struct spooled *out, struct error *err)
{
	struct json_node root;
	struct json_object *lease;
	__cleanup_free char *path = NULL;
	int ret;

	*out = (struct spooled){.folder = xasprintf("%s/%s", spool, name)};
	path = spooled_path(out, LEASE);
	if (!fs_exists(path)) {
		spooled_free(out);
		return -ENOENT;
	}
	ret = json_load(path, &lease, &root, err);
	if (!ret) {
		ret = parse_lease(lease, out, err);
		json_object_put(lease);
	}
	if (!ret)
		read_status(out);
	else
		spooled_free(out);
	return ret;
}

int spool_end(struct spooled *s, int status, struct error *err)
{
	__cleanup_free char *path = spooled_path(s, "exit"), *text = xasprintf("%d\n", status);

	s->status = status;
	return fs_write_file(path, text, strlen(text), err);
}

/* ---- what is left of it ---- */

static int drop_emulator_log(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type == FTW_F && !strcmp(path + at->base, "emulator.log"))
		unlink(path);
	return 0;
}

int spool_drop(struct spooled *s, struct error *err)
{
	static const char *const files[] = {"request.json",   "results.db", "results.db-wal",
					    "results.db-shm", "log",	    "status",
					    "exit",	      "command",    "slurm"};
	__cleanup_free char *runs = spooled_path(s, "runs"), *lease = spooled_path(s, LEASE);

	if (!s->status)
		nftw(runs, drop_emulator_log, 16, FTW_PHYS);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		__cleanup_free char *path = spooled_path(s, files[i]);

		unlink(path);
	}
	unlink(lease); /* last: without it there is nothing to be answered for */
	if (!fs_exists(runs))
		return fs_remove_tree(s->folder, err);
	return 0;
}
