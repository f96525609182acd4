// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/due.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/watch/archive.h"
#include "orchestrator/daemon/watch/watch.h"

/* One kernel of tonight. */
struct tonight {
	const struct schedule_kernel *kernel;
	char *name, *path, *commit; /* commit: NULL: a variant as it is */
};

struct submission {
	const struct schedule *s;
	struct tonight kernels[SCHEDULE_KERNELS_MAX];
	int64_t was, next; /* when it was due, and is again */
};

static void submission_release(struct submission *sub)
{
	for (size_t i = 0; i < sub->s->nkernels; i++) {
		free(sub->kernels[i].name);
		free(sub->kernels[i].path);
		free(sub->kernels[i].commit);
	}
}

/* ---- kernels ---- */

static int resolve_ref(const struct night_context *n, const struct schedule *s, struct tonight *t,
		       struct error *err)
{
	__cleanup_free char *folder = xasprintf("%s/nights/%s", n->setting->state, s->name);
	int ret = git_find_commit(t->kernel->git, t->kernel->ref, &t->commit, err);

	if (!ret)
		ret = fs_mkdir_p(folder, err);
	if (ret)
		return ret;
	t->name = night_branch_name(t->kernel->branch, t->commit);
	t->path = xasprintf("%s/%s.json", folder, t->name);
	return night_write_variant(t->path, t->kernel->variant, t->kernel->git, t->commit, err);
}

static int resolve_kernel(const struct night_context *n, const struct schedule *s,
			  struct tonight *t, struct error *err)
{
	if (t->kernel->git)
		return resolve_ref(n, s, t, err);
	t->path = xstrdup(t->kernel->variant);
	t->name = xstrdup(t->kernel->branch);
	return 0;
}

/* ---- the job ---- */

/* Boots of a night have seeds of their own: the same seed is the same boot, not another one. */
static int find_seed(struct daemon_db *db, const struct schedule *s, int64_t *seed,
		     struct error *err)
{
	int ret = database_number(db, 0, seed, err,
				  "SELECT count(DISTINCT job) FROM night WHERE schedule = ?1", "t",
				  s->name);

	*seed = 1 + *seed * s->boots;
	return ret;
}

static int add_night(struct daemon_db *db, const struct submission *sub, const struct tonight *t,
		     const char *job, struct error *err)
{
	char now[DAEMON_TIME_MAX];
	int ret;

	database_time(now);
	ret = database_change(db, err,
			      "INSERT INTO night (schedule, branch, kernel, path, tree, commit_id, "
			      "variant, job, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
			      "ttttttttt", sub->s->name, t->kernel->branch, t->name, t->path,
			      t->kernel->git, t->commit, t->kernel->variant, job, now);
	if (ret < 0)
		return ret;
	return 0;
}

static int submit_night(struct daemon_db *db, const struct submission *sub, struct error *err)
{
	const char *kernels[SCHEDULE_KERNELS_MAX + 1];
	__cleanup_free char *request = NULL;
	char uid[DAEMON_TIME_MAX];
	size_t count = 0;
	int64_t seed;
	int ret = find_seed(db, sub->s, &seed, err);

	if (ret)
		return ret;
	if (sub->s->against)
		kernels[count++] = sub->s->against;
	for (size_t i = 0; i < sub->s->nkernels; i++)
		kernels[count++] = sub->kernels[i].path;
	request = night_make_request(sub->s, kernels, count, sub->s->boots, seed);
	ret = night_submit(db, sub->s, "nightly", request, NULL, NULL, uid, err);
	for (size_t i = 0; !ret && i < sub->s->nkernels; i++)
		ret = add_night(db, sub, &sub->kernels[i], uid, err);
	if (!ret)
		ret = database_change(
			db, err, "UPDATE schedule SET last_job = ?2, error = NULL WHERE name = ?1",
			"tt", sub->s->name, uid);
	if (ret < 0)
		return ret;
	return 0;
}

/* The time moves on, and if it did, the job is submitted. */
static int act_due(struct daemon_db *db, void *arg, struct error *err)
{
	const struct submission *sub = arg;
	int ret =
		database_change(db, err,
				"UPDATE schedule SET next = nullif(?3, 9223372036854775807) WHERE "
				"name = ?1 AND next = ?2",
				"tii", sub->s->name, sub->was, sub->next);

	if (ret <= 0)
		return ret;
	return submit_night(db, sub, err);
}

/* Nothing is submitted. */
static int act_skip(struct daemon_db *db, void *arg, struct error *err)
{
	const struct submission *sub = arg;
	int ret = database_change(db, err,
				  "UPDATE schedule SET next = nullif(?3, 9223372036854775807), "
				  "error = NULL WHERE name = ?1 AND next = ?2",
				  "tii", sub->s->name, sub->was, sub->next);

	if (ret < 0)
		return ret;
	return 0;
}

static int run_due(struct night_context *n, const struct schedule *s, int64_t was,
		   struct error *err)
{
	struct submission sub = {.s = s, .was = was};
	bool skip = s->skip_missed && was < n->started;
	int ret = schedule_next(s->name, s->at, time(NULL), &sub.next, err);

	for (size_t i = 0; !ret && !skip && i < s->nkernels; i++) {
		sub.kernels[i].kernel = &s->kernels[i];
		ret = resolve_kernel(n, s, &sub.kernels[i], err);
	}
	if (!ret)
		ret = writer_do(n->setting->writer, skip ? act_skip : act_due, &sub, err);
	if (!ret && !skip)
		log_info("schedule %s: a night begins", s->name);
	submission_release(&sub);
	return ret;
}

/* What is known to be wrong with it stays. */
static int act_later(struct daemon_db *db, void *arg, struct error *err)
{
	const struct submission *sub = arg;
	int ret = database_change(db, err,
				  "UPDATE schedule SET next = ?3 WHERE name = ?1 AND next = ?2",
				  "tii", sub->s->name, sub->was, sub->next);

	if (ret < 0)
		return ret;
	return 0;
}

/* The list is looked at; when that was done, the time moves on. Where more is left, other lists have their turn first; after
 * trouble it is tried again soon, and keeps no other list from being looked at. */
static int look_at_list(struct night_context *n, const struct schedule *s, int64_t was,
			struct error *err)
{
	struct submission sub = {.s = s, .was = was};
	struct error later;
	bool more = false;
	int ret = archive_look(n, s, &more, err);

	if (!ret && more)
		return 0;
	if (!ret)
		ret = schedule_next(s->name, s->at, time(NULL), &sub.next, err);
	if (!ret)
		return writer_do(n->setting->writer, act_skip, &sub, err);
	sub.next = time(NULL) + WATCH_TROUBLE_S;
	if (ret != -ECANCELED)
		writer_do(n->setting->writer, act_later, &sub, &later);
	return ret;
}

/* ---- the table ---- */

struct row {
	const char *name, *sha256, *error;
	int64_t next;
};

static int act_row(struct daemon_db *db, void *arg, struct error *err)
{
	const struct row *r = arg;
	int ret = database_change(
		db, err,
		"INSERT INTO schedule (name, sha256, next, error) VALUES (?1, ?2, nullif(?3, "
		"9223372036854775807), ?4) ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, next "
		"= excluded.next, error = excluded.error",
		"ttit", r->name, r->sha256, r->next, r->error);

	if (ret < 0)
		return ret;
	return 0;
}

static int act_error(struct daemon_db *db, void *arg, struct error *err)
{
	const struct row *r = arg;
	int ret = database_change(
		db, err,
		"INSERT INTO schedule (name, sha256, error) VALUES (?1, '', ?2) ON CONFLICT (name) "
		"DO UPDATE SET error = excluded.error WHERE error IS NOT excluded.error",
		"tt", r->name, r->error);

	if (ret < 0)
		return ret;
	return 0;
}

/* What is wrong with it is kept for those who look, and said once. */
static int keep_error(struct night_context *n, const char *name, const struct error *why,
		      struct error *err)
{
	struct row row = {.name = name, .error = why->text};
	sqlite3_stmt *s =
		database_query(n->queue, "SELECT 1 FROM schedule WHERE name = ?1 AND error = ?2",
			       "tt", name, why->text);
	int known = database_row(n->queue, s, err);

	if (known == 1)
		sqlite3_reset(s);
	if (known)
		return known < 0 ? known : 0;
	log_error("schedule %s: %s", name, why->text);
	return writer_do(n->setting->writer, act_error, &row, err);
}

/* 1: it is in the table as the file has it, and *next is its time. */
static int find_row(struct night_context *n, const struct schedule *s, int64_t *next, bool *busy,
		    struct error *err)
{
	sqlite3_stmt *q = database_query(
		n->queue,
		"SELECT coalesce(s.next, 9223372036854775807), j.ended IS NULL AND j.id IS NOT NULL FROM "
		"schedule s LEFT JOIN job j ON j.uid = s.last_job WHERE s.name = ?1 AND s.sha256 = ?2",
		"tt", s->name, s->sha256);
	int ret = database_row(n->queue, q, err);

	if (ret != 1)
		return ret;
	*next = sqlite3_column_int64(q, 0);
	*busy = sqlite3_column_int(q, 1);
	sqlite3_reset(q);
	return 1;
}

static int look_at(struct night_context *n, const struct schedule *s, struct error *err)
{
	struct row row = {.name = s->name, .sha256 = s->sha256};
	int64_t next = 0, now = time(NULL);
	bool busy = false;
	int ret = find_row(n, s, &next, &busy, err);

	if (!ret) { /* a new calendar */
		ret = schedule_next(s->name, s->at, now, &row.next, err);
		if (!ret)
			ret = writer_do(n->setting->writer, act_row, &row, err);
		next = row.next;
	}
	if (ret < 0)
		return ret;
	if (next > now) {
		if (next < n->due)
			n->due = next;
		return 0;
	}
	if (busy)
		return 0; /* its end is a commit, which wakes us */
	n->due = now;	  /* the time after it is looked at at once */
	if (s->watch.inbox)
		return look_at_list(n, s, next, err);
	return run_due(n, s, next, err);
}

/* A file that cannot be read is the other thread's to tell. */
static int look_at_file(struct night_context *n, const char *name, struct error *err)
{
	struct schedule s = {0};
	int ret = night_load_schedule(n, name, &s, err);

	if (ret && n->lists)
		ret = 0;
	else if (!ret && n->lists == (s.watch.inbox != NULL))
		ret = look_at(n, &s, err);
	schedule_free(&s);
	return ret;
}

int due_run(struct night_context *n, struct error *err)
{
	char **names;
	size_t count;
	int ret = fs_list_stems(n->setting->schedules, ".json", &names, &count, err);

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++) {
		struct error why = {0};
		int bad = look_at_file(n, names[i], &why);

		if (!bad || bad == -ECANCELED)
			continue;
		if (n->due > time(NULL) + WATCH_TROUBLE_S)
			n->due = time(NULL) + WATCH_TROUBLE_S;
		ret = keep_error(n, names[i], &why, err);
	}
	fs_free_names(names, count);
	return ret;
}
