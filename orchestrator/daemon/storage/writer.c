// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/slice.h"

#define GROUP_MAX 512 /* works a commit */

struct writer {
	struct daemon_db *db;
	void (*on_commit)(void *arg);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t news;
	struct writer_work *first, **last;
	size_t count;
	bool stopping;
};

/* ---- one commit ---- */

static int run_literal(struct daemon_db *db, const char *sql, struct error *err)
{
	int ret = database_change(db, err, sql, "");

	if (ret < 0)
		return ret;
	return 0;
}

static int act_alone(struct daemon_db *db, struct writer_work *work, struct error *err)
{
	struct error ignored; /* a transaction that SQLite has given up has no savepoints */
	int ret = run_literal(db, "SAVEPOINT work", err);

	if (ret)
		return ret;
	ret = work->act(db, work, err);
	if (ret < 0)
		sqlite3_exec(daemon_db_sql(db), "ROLLBACK TO work", NULL, NULL, NULL);
	run_literal(db, "RELEASE work", &ignored);
	return ret;
}

static bool has_given_up(struct daemon_db *db)
{
	return sqlite3_get_autocommit(daemon_db_sql(db));
}

static int finish_commit(struct daemon_db *db, struct error *err)
{
	int ret = run_literal(db, "COMMIT", err);

	if (ret)
		sqlite3_exec(daemon_db_sql(db), "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int act_together(struct writer *w, struct writer_work *group, struct error *err)
{
	int ret = run_literal(w->db, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	for (struct writer_work *work = group; work; work = work->next) {
		work->err = xcalloc(1, sizeof(*work->err));
		work->ret = act_alone(w->db, work, work->err);
		/* A full disk or a failed write ends SQLite's transaction under us: nothing of the group is
		 * there, for that reason, and nothing more may be done outside of it. */
		if (has_given_up(w->db)) {
			*err = *work->err;
			return work->ret;
		}
	}
	return finish_commit(w->db, err);
}

static void tell_group(struct writer_work *group, int ret, const struct error *err)
{
	while (group) {
		struct writer_work *work = group;
		struct error *own = work->err;
		int own_ret = work->ret;

		group = work->next; /* done() may free it */
		if (own_ret >= 0 && ret) {
			own_ret = ret;
			work->done(work, ret, err);
		} else {
			work->done(work, own_ret, own ? own : err);
		}
		free(own);
	}
}

static void commit_group(struct writer *w, struct writer_work *group)
{
	struct error err = {0};
	int ret;

	for (struct writer_work *work = group; work; work = work->next) {
		work->ret = 0;
		work->err = NULL;
	}
	ret = act_together(w, group, &err);
	tell_group(group, ret, &err);
	if (w->on_commit)
		w->on_commit(w->arg);
}

/* ---- the thread ---- */

/* Waits for work and takes as much as fits into one commit; NULL: it is to end. */
static struct writer_work *take_group(struct writer *w)
{
	struct writer_work *group, **end;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->stopping)
		pthread_cond_wait(&w->news, &w->lock);
	group = w->first;
	end = &w->first;
	for (size_t n = 0; *end && n < GROUP_MAX; n++) {
		end = &(*end)->next;
		w->count--;
	}
	w->first = *end;
	*end = NULL;
	if (!w->first)
		w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	return group;
}

static void *write_all(void *arg)
{
	struct writer *w = arg;
	struct writer_work *group;

	slice_shorten();
	while ((group = take_group(w)))
		commit_group(w, group);
	return NULL;
}

int writer_start(struct daemon_db *db, void (*on_commit)(void *arg), void *arg, struct writer **out,
		 struct error *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	int code;

	w->db = db;
	w->on_commit = on_commit;
	w->arg = arg;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->news, NULL);
	code = pthread_create(&w->thread, NULL, write_all, w);
	if (code) {
		free(w);
		return error_set(err, -code, "cannot start a thread: %s", strerror(code));
	}
	*out = w;
	return 0;
}

int writer_submit(struct writer *w, struct writer_work *work)
{
	int ret = 0;

	work->next = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->stopping) {
		ret = -ECANCELED;
	} else if (w->count >= WRITER_QUEUE_MAX) {
		ret = -EBUSY;
	} else {
		*w->last = work;
		w->last = &work->next;
		w->count++;
		pthread_cond_signal(&w->news);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->news);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->news);
	free(w);
}

/* ---- for callers that wait ---- */

struct waiting_work {
	struct writer_work work;
	int (*act)(struct daemon_db *db, void *arg, struct error *err);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	int ret;
	struct error *err; /* the caller's; or NULL */
};

static int act_waiting(struct daemon_db *db, struct writer_work *work, struct error *err)
{
	struct waiting_work *w = (struct waiting_work *)work;

	return w->act(db, w->arg, err);
}

static void end_waiting(struct writer_work *work, int ret, const struct error *err)
{
	struct waiting_work *w = (struct waiting_work *)work;

	pthread_mutex_lock(&w->lock);
	w->ret = ret;
	if (ret < 0 && w->err)
		*w->err = *err;
	w->is_over = true;
	pthread_cond_signal(&w->over);
	pthread_mutex_unlock(&w->lock);
}

int writer_do(struct writer *w, int (*act)(struct daemon_db *db, void *arg, struct error *err),
	      void *arg, struct error *err)
{
	struct waiting_work work = {
		.work = {.act = act_waiting, .done = end_waiting},
		.act = act,
		.arg = arg,
		.err = err,
	};
	int ret;

	pthread_mutex_init(&work.lock, NULL);
	pthread_cond_init(&work.over, NULL);
	ret = writer_submit(w, &work.work);
	if (!ret) {
		pthread_mutex_lock(&work.lock);
		while (!work.is_over)
			pthread_cond_wait(&work.over, &work.lock);
		pthread_mutex_unlock(&work.lock);
		ret = work.ret;
	} else {
		error_set(err, ret, "too much waits to be written already; try again later");
	}
	pthread_mutex_destroy(&work.lock);
	pthread_cond_destroy(&work.over);
	return ret;
}
