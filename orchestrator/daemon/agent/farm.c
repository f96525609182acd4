// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/farm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/shell.h"
#include "orchestrator/daemon/storage/database.h"
#include "orchestrator/daemon/agent/delivery.h"
#include "orchestrator/daemon/agent/slurm.h"
#include "orchestrator/daemon/agent/work.h"

#define IDLE_SECONDS 30	  /* a long poll for work, with nothing under way */
#define LOOK_MS	     1000 /* at folders */
#define RETRY_MS     5000 /* a Slurm or a daemon that does not answer */
#define MISSES	     2	  /* in a row: then Slurm has forgotten it */
#define ARRAY_SUFFIX ".array"

struct task {
	struct spooled work;
	char *slurm;		/* "JOB_TASK"; NULL: not handed over yet */
	int64_t log_sent, beat; /* bytes of its log; when its next heartbeat is due */
	int missed;
	bool over;
};

struct farm {
	const struct agent_setting *set;
	struct client *client;
	struct task *tasks;
	size_t count;
	int64_t ask_at, submit_at, reconcile_at; /* database_now()'s clock */
	unsigned int arrays;
};

/* ---- a task's end ---- */

static void drop_task(struct task *t)
{
	spool_drop(&t->work, NULL);
	t->over = true;
}

static void give_back(struct farm *f, struct task *t, const char *why)
{
	struct error err;

	log_warning("boot %s, attempt %lld: %s; it is given back", t->work.boot,
		    (long long)t->work.epoch, why);
	if (t->slurm)
		slurm_cancel(t->slurm);
	delivery_give_back(f->client, &t->work, &err);
	drop_task(t);
}

/* Those that are over leave the list. */
static void sweep(struct farm *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (f->tasks[i].over) {
			spooled_free(&f->tasks[i].work);
			free(f->tasks[i].slurm);
			continue;
		}
		f->tasks[kept++] = f->tasks[i];
	}
	f->count = kept;
}

static bool has_ended(struct task *t)
{
	__cleanup_free char *path = spooled_path(&t->work, "status");
	struct strbuf text = STRBUF_INIT;
	struct error err;

	if (t->work.status >= 0)
		return true;
	if (!fs_exists(path) || fs_read_file(path, 64, &text, NULL)) {
		strbuf_release(&text);
		return false;
	}
	if (spool_end(&t->work, atoi(text.buf), &err))
		log_error("%s", err.text);
	strbuf_release(&text);
	return true;
}

static void deliver(struct farm *f, struct task *t)
{
	struct error err = {0};
	int ret;

	delivery_log(f->client, &t->work, &t->log_sent, &err);
	delivery_page(f->client, &t->work, &err);
	ret = delivery_result(f->client, &t->work, &err);
	if (ret == -EAGAIN)
		return; /* its heartbeat goes on */
	if (!ret) {
		drop_task(t);
		return;
	}
	log_warning("boot %s, attempt %lld: its result is not taken, and kept in %s: %s",
		    t->work.boot, (long long)t->work.epoch, t->work.folder, err.text);
	t->over = true;
}

static void keep_alive(struct farm *f, struct task *t)
{
	struct error err;

	if (t->beat > database_now())
		return;
	t->beat = database_now() + t->work.heartbeat_ms;
	if (delivery_heartbeat(f->client, &t->work, &err) == -EEXIST) {
		log_warning("boot %s: the lease is lost; it is ended", t->work.boot);
		if (t->slurm)
			slurm_cancel(t->slurm);
		drop_task(t);
		return;
	}
	delivery_log(f->client, &t->work, &t->log_sent, &err);
}

static void look_at_tasks(struct farm *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (has_ended(&f->tasks[i]))
			deliver(f, &f->tasks[i]);
		if (!f->tasks[i].over)
			keep_alive(f, &f->tasks[i]);
	}
	sweep(f);
}

/* ---- new ones ---- */

static struct task *add_task(struct farm *f, const struct spooled *work)
{
	f->tasks = xrealloc(f->tasks, f->count + 1, sizeof(*f->tasks));
	f->tasks[f->count] = (struct task){.work = *work};
	return &f->tasks[f->count++];
}

static int take_lease(struct farm *f, struct json_object *lease, struct error *err)
{
	struct spooled work;
	int ret = spool_add(f->set->spool, lease, &work, err);

	if (ret)
		return ret;				 /* the lease expires */
	if (delivery_heartbeat(f->client, &work, err)) { /* lost already */
		spool_drop(&work, NULL);
		spooled_free(&work);
		return 0;
	}
	add_task(f, &work)->beat = database_now() + work.heartbeat_ms;
	return 0;
}

/* As many as there are slots; waits for the first if nothing else is under way. */
static int take_leases(struct farm *f, struct error *err)
{
	while (f->count < f->set->slots && !cancel_requested()) {
		struct json_object *lease = NULL;
		int ret = work_ask(f->client, f->set, f->count ? 0 : IDLE_SECONDS, &lease, err);

		if (!ret && lease)
			ret = take_lease(f, lease, err);
		if (ret || !lease)
			return ret;
		json_object_put(lease);
	}
	return 0;
}

/* ---- handing over ---- */

static const char script[] =
	"#!/bin/sh\n"
	"cd \"$(sed -n $((SLURM_ARRAY_TASK_ID + 1))p '%s/folders')\" || exit 1\n"
	"mkdir begun 2>/dev/null || exit 0 # another copy of this attempt has it\n"
	"exec sh ./command >>log 2>&1\n";

static int write_text(const char *folder, const char *name, const struct strbuf *text,
		      struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s", folder, name);

	return fs_write_file(path, text->buf, text->len, err);
}

/* A status that is there is whole. */
static int write_command(const struct farm *f, const struct task *t, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	struct work_command c;
	int ret = work_command_make(f->set, &t->work, &c, err);

	if (ret)
		return ret;
	for (int i = 0; i < c.n; i++) {
		if (i)
			strbuf_addch(&text, ' ');
		shell_add_word(&text, c.argv[i]);
	}
	strbuf_addstr(&text, "\necho $? >status.part && mv status.part status\n");
	ret = write_text(t->work.folder, "command", &text, err);
	strbuf_release(&text);
	work_command_free(&c);
	return ret;
}

/* Tasks of one array: all that wait to be handed over and need what the first of them needs. */
static size_t choose_tasks(struct farm *f, struct task **chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct task *t = &f->tasks[i];

		if (!t->slurm && !t->over && t->work.status < 0 &&
		    (!n || !strcmp(t->work.tags, chosen[0]->work.tags)))
			chosen[n++] = t;
	}
	return n;
}

static int write_array(struct farm *f, const char *folder, struct task **chosen, size_t n,
		       struct error *err)
{
	__cleanup_free char *text = xasprintf(script, folder);
	struct strbuf folders = STRBUF_INIT, what = STRBUF_INIT;
	int ret = fs_mkdir_p(folder, err);

	for (size_t i = 0; !ret && i < n; i++) {
		ret = write_command(f, chosen[i], err);
		strbuf_addf(&folders, "%s\n", chosen[i]->work.folder);
	}
	strbuf_addstr(&what, text);
	if (!ret)
		ret = write_text(folder, "folders", &folders, err);
	if (!ret)
		ret = write_text(folder, "script", &what, err);
	strbuf_release(&folders);
	strbuf_release(&what);
	return ret;
}

static int note_slurm(struct task *t, const char *job, size_t number, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	t->slurm = xasprintf("%s_%zu", job, number);
	t->missed = 0;
	strbuf_addstr(&text, t->slurm);
	ret = write_text(t->work.folder, "slurm", &text, err);
	strbuf_release(&text);
	return ret;
}

/* Slurm may have taken it although nobody heard of that: then `begun` keeps the second copy from running. */
static int submit_array(struct farm *f, struct task **chosen, size_t n, struct error *err)
{
	__cleanup_free char *name = xasprintf("nestlab-%s.%lld-%u", chosen[0]->work.boot,
					      (long long)chosen[0]->work.epoch, f->arrays++);
	__cleanup_free char *folder = xasprintf("%s/%s" ARRAY_SUFFIX, f->set->spool, name);
	__cleanup_free char *path = xasprintf("%s/script", folder), *job = NULL;
	const struct slurm_order order = {.options = f->set->slurm,
					  .features = chosen[0]->work.tags,
					  .name = name,
					  .script = path,
					  .count = n};
	int ret = write_array(f, folder, chosen, n, err);

	if (!ret)
		ret = slurm_submit(&order, &job, err);
	for (size_t i = 0; !ret && i < n; i++)
		ret = note_slurm(chosen[i], job, i, err);
	if (!ret)
		log_info("%zu boots are Slurm's job %s", n, job);
	return ret;
}

static void hand_over(struct farm *f)
{
	struct task **chosen = xcalloc(f->count + 1, sizeof(struct task *));
	struct error err = {0};
	size_t n;
	int ret = 0;

	while (!ret && f->submit_at <= database_now() && (n = choose_tasks(f, chosen)))
		ret = submit_array(f, chosen, n, &err);
	free(chosen);
	if (!ret || ret == -ECANCELED)
		return;
	log_warning("%s; trying again", err.text);
	f->submit_at = database_now() + RETRY_MS;
}

/* ---- what Slurm knows ---- */

/* It may have ended, and its status not be seen here yet: so twice. */
static void note_missing(struct farm *f, struct task *t, const struct slurm_known *k)
{
	if (!t->slurm || slurm_knows(k, t->slurm)) {
		t->missed = 0;
		return;
	}
	if (++t->missed >= MISSES && !has_ended(t))
		give_back(f, t, "Slurm does not know it any more");
}

static void reconcile(struct farm *f)
{
	struct slurm_known known;
	struct error err = {0};

	if (f->reconcile_at > database_now())
		return;
	f->reconcile_at = database_now() + f->set->reconcile_ms;
	if (!f->count)
		return;
	if (slurm_list(&known, &err)) {
		if (!cancel_requested())
			log_warning("%s", err.text);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		note_missing(f, &f->tasks[i], &known);
	slurm_known_free(&known);
	sweep(f);
}

/* ---- start and end ---- */

/* Of an earlier agent: what was handed over goes on, what had ended is brought, what was neither is given back. */
static void take_up(struct farm *f, const char *name)
{
	__cleanup_free char *path = NULL;
	struct strbuf slurm = STRBUF_INIT;
	struct spooled work;
	struct error err = {0};
	struct task *t;

	if (spool_load(f->set->spool, name, &work, &err))
		return;
	path = spooled_path(&work, "slurm");
	t = add_task(f, &work);
	if (fs_exists(path) && !fs_read_file(path, 64, &slurm, NULL))
		t->slurm = strbuf_detach(&slurm);
	else if (!has_ended(t))
		give_back(f, t, "it was not handed over");
	strbuf_release(&slurm);
}

static bool is_array(const char *name)
{
	return fs_has_suffix(name, ARRAY_SUFFIX);
}

/* Scripts of arrays nothing of which is left. */
static void drop_arrays(const struct farm *f, char **names, size_t count)
{
	for (size_t i = 0; !f->count && i < count; i++) {
		__cleanup_free char *path = xasprintf("%s/%s", f->set->spool, names[i]);

		if (is_array(names[i]))
			fs_remove_tree(path, NULL);
	}
}

static int take_up_all(struct farm *f, struct error *err)
{
	size_t count;
	char **names;
	int ret = fs_list(f->set->spool, NULL, &names, &count, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++)
		if (!is_array(names[i]))
			take_up(f, names[i]);
	sweep(f);
	drop_arrays(f, names, count);
	fs_free_names(names, count);
	return 0;
}

static void wait_a_moment(const struct farm *f)
{
	struct pollfd cancel = {.fd = cancel_fd(), .events = POLLIN};

	if (f->count || f->ask_at > database_now())
		poll(&cancel, 1, LOOK_MS);
}

static void work_on(struct farm *f)
{
	struct error err = {0};
	int ret = 0;

	look_at_tasks(f);
	if (f->ask_at <= database_now())
		ret = take_leases(f, &err);
	if (ret && ret != -ECANCELED) {
		log_warning("%s; trying again", err.text);
		f->ask_at = database_now() + RETRY_MS;
	}
	hand_over(f);
	reconcile(f);
	wait_a_moment(f);
}

int farm_run(const struct agent_setting *set, struct error *err)
{
	struct farm f = {.set = set, .reconcile_at = database_now() + set->reconcile_ms};
	int ret = client_open(set->url, &f.client, err);

	if (ret)
		return ret;
	ret = take_up_all(&f, err);
	while (!ret && !cancel_requested())
		work_on(&f);
	for (size_t i = 0; i < f.count; i++) {
		spooled_free(&f.tasks[i].work);
		free(f.tasks[i].slurm);
	}
	free(f.tasks);
	client_close(f.client);
	return ret;
}
