// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sqlite.h"

struct reader {
	struct readers *all;
	struct daemon_db *db;
	pthread_t thread;
};

struct readers {
	struct reader readers[READERS];
	size_t started;
	double seconds;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t news;
	struct readers_work *first, **last;
	size_t count, pages; /* those that wait; pages that are being made */
	bool stopping;
};

/* Takes the first that may begin out of the list; NULL: there is none. */
static struct readers_work *take_first(struct readers *r)
{
	for (struct readers_work **at = &r->first; *at; at = &(*at)->next) {
		struct readers_work *work = *at;

		if (work->is_page && r->pages == READERS_PAGES && !r->stopping)
			continue;
		*at = work->next;
		if (!work->next)
			r->last = at;
		r->count--;
		r->pages += work->is_page;
		return work;
	}
	return NULL;
}

/* *stopping: it is to be given back undone. NULL: the thread is to end. */
static struct readers_work *await_work(struct readers *r, bool *stopping)
{
	struct readers_work *work;

	pthread_mutex_lock(&r->lock);
	while (!(work = take_first(r)) && !r->stopping)
		pthread_cond_wait(&r->news, &r->lock);
	*stopping = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return work;
}

/* A page that waited for this one may begin. */
static void note_end(struct readers *r, bool is_page)
{
	pthread_mutex_lock(&r->lock);
	r->pages -= is_page;
	if (is_page)
		pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
}

static int act_bounded(struct reader *own, struct readers_work *work, struct error *err)
{
	int ret;

	sqlite_end_after(own->all->seconds);
	ret = database_begin_snapshot(own->db, err);
	if (!ret)
		ret = work->act(own->db, work, err);
	sqlite_end_after(0);
	database_end_snapshot(own->db);
	return ret;
}

static void *read_all(void *arg)
{
	struct reader *own = arg;
	struct readers_work *work;
	bool stopping;

	while ((work = await_work(own->all, &stopping))) {
		bool is_page = work->is_page;
		struct error err = {0};
		int ret = -ECANCELED;

		if (stopping)
			error_set(&err, ret, "the daemon is ending; ask again later");
		else
			ret = act_bounded(own, work, &err);
		note_end(own->all, is_page);
		work->done(work, ret, &err);
	}
	return NULL;
}

static int start_reader(struct readers *r, const char *queue, struct error *err)
{
	struct reader *own = &r->readers[r->started];
	int ret = daemon_db_open_read(queue, &own->db, err);

	if (ret)
		return ret;
	own->all = r;
	ret = -pthread_create(&own->thread, NULL, read_all, own);
	if (!ret) {
		r->started++;
		return 0;
	}
	daemon_db_close(own->db);
	return error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
}

int readers_start(const char *queue, double seconds, struct readers **out, struct error *err)
{
	struct readers *r = xcalloc(1, sizeof(*r));
	int ret = 0;

	r->last = &r->first;
	r->seconds = seconds;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->news, NULL);
	for (int i = 0; !ret && i < READERS; i++)
		ret = start_reader(r, queue, err);
	*out = r;
	if (!ret)
		return 0;
	readers_stop(r);
	readers_free(r);
	*out = NULL;
	return ret;
}

int readers_submit(struct readers *r, struct readers_work *work)
{
	int ret = 0;

	work->next = NULL;
	pthread_mutex_lock(&r->lock);
	if (r->stopping) {
		ret = -ECANCELED;
	} else if (r->count >= READERS_QUEUE_MAX) {
		ret = -EBUSY;
	} else {
		*r->last = work;
		r->last = &work->next;
		r->count++;
		pthread_cond_signal(&r->news);
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}

void readers_stop(struct readers *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_broadcast(&r->news);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->started; i++) {
		pthread_join(r->readers[i].thread, NULL);
		daemon_db_close(r->readers[i].db);
	}
	r->started = 0;
}

void readers_free(struct readers *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->news);
	free(r);
}
