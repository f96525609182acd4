// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/onto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/log.h"
#include "kernels/kernels.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/watch/answer.h"
#include "orchestrator/daemon/watch/box.h"
#include "orchestrator/places.h"

#define SEEDS_FROM	     2000000 /* other boots than those of nights and of confirmations */
#define SEEDS_EACH	     1000
#define NAME_MAX_OF_SCHEDULE 30

struct base {
	const struct schedule_kernel *kernel;
	char *commit, *branch, *name, *path;
};

struct onto { /* a series */
	struct night_context *n;
	struct schedule s;
	struct places places;
	struct box box;
	int64_t id, thread;
	int version;
	char *schedule, *base_commit, *folder;
	/* what became of it */
	char *name, *path, *request;
	struct base base;
	const char *state;
	struct strbuf why;
};

static void base_release(struct base *b)
{
	free(b->commit);
	free(b->branch);
	free(b->name);
	free(b->path);
	*b = (struct base){0};
}

static void onto_release(struct onto *o)
{
	schedule_free(&o->s);
	places_free(&o->places);
	box_free(&o->box);
	base_release(&o->base);
	free(o->schedule);
	free(o->base_commit);
	free(o->folder);
	free(o->name);
	free(o->path);
	free(o->request);
	strbuf_release(&o->why);
}

/* ---- bases ---- */

/* The variant that a base is built with: one of the user's own is named by its path, for it is not looked for
 * where the series' variants are. */
static char *find_variant(const struct onto *o, const char *name)
{
	const struct folders own = {.own = o->places.variants.own};
	char *path = folders_find(&own, name, ".json");

	if (path)
		return path;
	return xstrdup(name);
}

static int make_base(struct onto *o, const struct schedule_kernel *k, const char *ref,
		     const char *branch, struct error *err)
{
	__cleanup_free char *variant = find_variant(o, k->variant);
	struct base *b = &o->base;
	int ret;

	base_release(b);
	b->kernel = k;
	ret = git_find_commit(k->git, ref, &b->commit, err);
	if (ret)
		return ret;
	b->branch = xstrdup(branch);
	b->name = night_branch_name(branch, b->commit);
	b->path = xasprintf("%s/%s.json", o->folder, b->name);
	return night_write_variant(b->path, variant, k->git, b->commit, err);
}

/* ---- trying ---- */

/* What an import left behind when it was killed: nobody knows of it yet. */
static void remove_leftovers(const struct onto *o)
{
	__cleanup_free char *patches = xasprintf("%s/patches/%s", o->folder, o->name);

	unlink(o->path);
	fs_remove_tree(patches, NULL);
}

/* '/tmp/x/thread: 2 of 3, "SUBJECT" <ID>: ...' without the path, which says nothing, and the id, which is long. */
static void shorten(const struct onto *o, char *text)
{
	size_t len = strlen(o->box.maildir);
	char *id, *end;

	if (!strncmp(text, o->box.maildir, len) && !strncmp(text + len, ": ", 2))
		memmove(text, text + len + 2, strlen(text + len + 2) + 1);
	id = strstr(text, "\" <");
	end = id ? strstr(id, ">: ") : NULL;
	if (end)
		memmove(id + 1, end + 1, strlen(end + 1) + 1);
}

/* 1: it does not apply there, which is noted. */
static int import_onto(struct onto *o, struct error *err)
{
	const struct kernel_env env = {
		.variants = {.own = o->folder, .shipped = o->places.variants.shipped},
		.cache_dir = o->places.cache,
	};
	const struct kernel_import what = {.mbox = o->box.maildir,
					   .version = o->version,
					   .onto = o->base.path,
					   .name = o->name,
					   .dir = o->folder};
	struct error why = {0};
	int ret;

	remove_leftovers(o);
	ret = kernel_import(&env, &what, &why);
	if (!ret)
		return 0;
	if (ret != -EBADMSG && ret != -EINVAL)
		return error_set(err, ret, "%s", why.text);
	shorten(o, why.text);
	strbuf_addf(&o->why, "%son %s (%.12s): %s", o->why.len ? "\n" : "", o->base.branch,
		    o->base.commit, why.text);
	return 1;
}

/* The commit that the mails name, in the first repository that has it. 1: nobody has it, or it does not help. */
static int try_base_commit(struct onto *o, struct error *err)
{
	if (!o->base_commit)
		return 1;
	for (size_t i = 0; i < o->s.nkernels; i++) {
		struct error why = {0};
		int ret = make_base(o, &o->s.kernels[i], o->base_commit, "base-commit", &why);

		if (ret == -EINVAL)
			continue;
		if (ret)
			return error_set(err, ret, "%s", why.text);
		return import_onto(o, err);
	}
	strbuf_addf(&o->why, "its base-commit %.12s is in none of the repositories here",
		    o->base_commit);
	return 1;
}

static int try_bases(struct onto *o, struct error *err)
{
	int ret = try_base_commit(o, err);

	for (size_t i = 0; ret == 1 && i < o->s.nkernels; i++) {
		const struct schedule_kernel *k = &o->s.kernels[i];

		ret = make_base(o, k, k->ref, k->ref, err);
		if (!ret)
			ret = import_onto(o, err);
	}
	return ret;
}

static int try_series(struct onto *o, struct error *err)
{
	int ret;

	places_find(&o->places, NULL);
	o->folder = xasprintf("%s/lists/%s", o->n->setting->state, o->schedule);
	o->name = xasprintf("%.*s-%lld-v%d", NAME_MAX_OF_SCHEDULE, o->schedule, (long long)o->id,
			    o->version);
	o->path = xasprintf("%s/%s.json", o->folder, o->name);
	ret = fs_mkdir_p(o->folder, err);
	if (!ret)
		ret = box_open(o->n, o->thread, &o->box, err);
	if (!ret)
		ret = try_bases(o, err);
	if (ret < 0)
		return ret;
	o->state = ret ? "unapplied" : "queued";
	if (!ret) {
		const char *kernels[] = {o->base.path, o->path};

		o->request = night_make_request(&o->s, kernels, ARRAY_SIZE(kernels), o->s.boots,
						SEEDS_FROM + o->id % 1000 * SEEDS_EACH);
	}
	return 0;
}

/* ---- writing ---- */

static int note_queued(struct daemon_db *db, const struct onto *o, struct error *err)
{
	__cleanup_free char *key = xasprintf("series-%lld", (long long)o->id);
	const struct base *b = &o->base;
	char uid[DAEMON_TIME_MAX], now[DAEMON_TIME_MAX];
	int ret = night_submit(db, &o->s, "series", o->request, NULL, key, uid, err);

	if (ret)
		return ret;
	database_time(now);
	ret = database_change(
		db, err,
		"UPDATE list_series SET state = 'queued', why = NULL, base = ?2, base_path = ?3, base_branch = ?4, "
		"base_tree = ?5, base_variant = ?6, kernel = ?7, path = ?8, job = ?9, changed = ?10 WHERE id = "
		"?1 AND state = 'new'",
		"ittttttttt", o->id, b->name, b->path, b->branch, b->kernel->git,
		b->kernel->variant, o->name, o->path, uid, now);
	if (ret < 0)
		return ret;
	if (!ret) /* a newer version came meanwhile: the job is undone with the savepoint */
		return error_set(err, -EAGAIN, "series %lld moved meanwhile", (long long)o->id);
	return 0;
}

static int act_onto(struct daemon_db *db, void *arg, struct error *err)
{
	struct onto *o = arg;
	struct json_object *data;
	int ret;

	if (o->request)
		ret = note_queued(db, o, err);
	else
		ret = answer_unapplied(db, &o->n->setting->outbox, &o->s, o->id, o->why.buf, err);
	if (ret)
		return ret;
	data = json_object_new_object();
	json_object_object_add(data, "series", json_object_new_int64(o->id));
	return event_add(db, o->request ? "series.queued" : "series.unapplied", NULL, NULL, data,
			 err);
}

/* ---- all ---- */

static int take_series(struct night_context *n, int64_t after, struct onto *o, struct error *err)
{
	sqlite3_stmt *s =
		database_query(n->queue,
			       "SELECT id, thread, version, schedule, base_commit FROM "
			       "list_series WHERE state = 'new' AND id > ?1 ORDER BY id LIMIT 1",
			       "i", after);
	int ret = database_row(n->queue, s, err);

	if (ret != 1)
		return ret;
	o->n = n;
	o->id = sqlite3_column_int64(s, 0);
	o->thread = sqlite3_column_int64(s, 1);
	o->version = sqlite3_column_int(s, 2);
	o->schedule = xstrdup(database_column(s, 3));
	o->base_commit = xstrdup(database_column(s, 4));
	sqlite3_reset(s);
	return 1;
}

static int bring_on(struct onto *o, struct error *err)
{
	int ret = night_load_schedule(o->n, o->schedule, &o->s, err);

	if (ret == -ENOENT || (!ret && !o->s.watch.inbox))
		return 0;
	if (!ret)
		ret = try_series(o, err);
	if (!ret)
		ret = writer_do(o->n->setting->writer, act_onto, o, err);
	if (ret == -EAGAIN)
		return 0;
	if (!ret)
		log_info("schedule %s: series %lld is %s", o->schedule, (long long)o->id, o->state);
	return ret;
}

int onto_run(struct night_context *n, struct error *err)
{
	struct error first = {0};
	int64_t after = 0;
	int ret;

	for (;;) {
		struct onto o = {.why = STRBUF_INIT};
		struct error why = {0};
		int bad;

		ret = take_series(n, after, &o, err);
		if (ret != 1)
			break;
		after = o.id;
		bad = bring_on(&o, &why);
		if (bad && !first.code)
			error_set(&first, bad, "series %lld of %s: %s", (long long)o.id, o.schedule,
				  why.text);
		onto_release(&o);
	}
	if (ret || !first.code)
		return ret;
	*err = first;
	return first.code;
}
