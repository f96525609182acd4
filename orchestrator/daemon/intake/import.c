// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/intake/import.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/nights/explained.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/intake/judge.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/storage/unpack.h"
#include "results/store/store.h"

#define UNPACKED_MAX  ((size_t)512 << 20)
#define RETRY_SECONDS 30 /* after trouble that is not the result's: a full disk, a busy database */

struct importer {
	struct import_setting setting;
	struct daemon_db *queue;
	struct results_db *results;
	char *scratch;
	pthread_t thread;
	pthread_mutex_t lock; /* of the two below */
	pthread_cond_t news;
	bool has_news, stopping;
};

struct parcel { /* a row of the inbox, with its boot and job */
	int64_t id, epoch, boot, job;
	char *boot_uid, *job_uid, *host, *error;
	void *body;
	size_t len;
	int status;
	bool cut; /* one boot of a run, not a whole command */
	bool explanation;
	/* what became of it */
	enum results_class class;
	char *why;
};

static void parcel_release(struct parcel *p)
{
	free(p->boot_uid);
	free(p->job_uid);
	free(p->host);
	free(p->error);
	free(p->body);
	free(p->why);
}

/* ---- what is there ---- */

static void read_parcel(sqlite3_stmt *s, struct parcel *p)
{
	p->id = sqlite3_column_int64(s, 0);
	p->epoch = sqlite3_column_int64(s, 1);
	p->boot = sqlite3_column_int64(s, 2);
	p->boot_uid = xstrdup(database_column(s, 3));
	p->job = sqlite3_column_int64(s, 4);
	p->job_uid = xstrdup(database_column(s, 5));
	p->status = sqlite3_column_int(s, 6);
	p->error = xstrdup(database_column(s, 7));
	p->len = sqlite3_column_bytes(s, 8);
	p->body = xcalloc(p->len + 1, 1);
	if (p->len)
		memcpy(p->body, sqlite3_column_blob(s, 8), p->len);
	p->cut = sqlite3_column_int(s, 9);
	p->host = xstrdup(database_column(s, 10));
	p->explanation = sqlite3_column_int(s, 11);
}

/* 1: @p is the oldest */
static int take_parcel(struct importer *i, struct parcel *p, struct error *err)
{
	sqlite3_stmt *s = database_query(
		i->queue,
		"SELECT i.id, i.epoch, b.id, b.uid, j.id, j.uid, i.status, i.error, i.body, "
		"json_extract(j.request, '$.request') = 'run' AND json_extract(j.request, '$.boots') <> "
		"'auto', a.host, json_extract(j.request, '$.request') = 'explain' FROM inbox i JOIN boot b ON b.id = i.boot JOIN job j ON j.id = b.job JOIN "
		"attempt a ON a.boot = i.boot AND a.epoch = i.epoch WHERE i.state = 'new' ORDER BY i.id LIMIT 1",
		"");
	int ret = database_row(i->queue, s, err);

	if (ret != 1)
		return ret;
	read_parcel(s, p);
	sqlite3_reset(s);
	return 1;
}

/* ---- into the results ---- */

static void give_class(struct parcel *p, enum results_class class, const char *why)
{
	p->class = class;
	free(p->why);
	p->why = xstrdup(why);
}

/* A boot's class is that of its row. One without a row never got so far: its kernel does not build, ... */
static int find_class(struct results_db *from, struct parcel *p, struct error *err)
{
	int64_t counts[RESULTS_CANCELLED + 1];
	int ret = results_count(from, NULL, counts, err);

	if (ret || !p->cut)
		return ret;
	for (int c = RESULTS_OK; c <= RESULTS_CANCELLED; c++)
		if (counts[c]) {
			give_class(p, c, p->error);
			return 0;
		}
	give_class(p, RESULTS_JOB, p->error);
	return 0;
}

/* Is it a result of the kernel, to be stored? */
static bool is_result(const struct parcel *p)
{
	return p->class == RESULTS_OK || p->class == RESULTS_GUEST || p->class == RESULTS_INTEGRITY;
}

/* Is the result itself at fault, and not this machine? */
static bool is_its_fault(int ret)
{
	return ret == -EBADMSG || ret == -EINVAL || ret == -EEXIST || ret == -EFBIG;
}

/* The same words are said of a damaged file, whichever of the two it is. */
static bool is_ours(struct results_db *from, int ret)
{
	struct strbuf report = STRBUF_INIT;
	struct error err;
	bool good = (ret == -EBADMSG || ret == -EINVAL) && !results_check(from, &report, &err);

	strbuf_release(&report);
	return good;
}

static int merge_result(struct importer *i, struct results_db *from, struct error *err)
{
	struct results_merged merged;
	struct error why = {0};
	int ret = results_merge(from, i->results, &merged, &why);

	if (!ret)
		return 0;
	if (is_ours(from, ret))
		return error_set(err, -EIO, "%s: %s; put a backup back (nestlab daemon restore)",
				 i->setting.results, why.text);
	*err = why;
	return ret;
}

static int merge_scratch(struct importer *i, struct parcel *p, struct error *err)
{
	struct results_db *from;
	int ret = results_open_read(i->scratch, &from, err);

	if (ret)
		return ret;
	ret = find_class(from, p, err);
	if (!ret && is_result(p))
		ret = merge_result(i, from, err);
	results_close(from);
	return ret;
}

static int store_parcel(struct importer *i, struct parcel *p, struct error *err)
{
	int ret;

	if (!p->len) {
		if (p->cut)
			give_class(p, RESULTS_JOB, p->error);
		return 0;
	}
	ret = unpack_to_file(p->body, p->len, i->scratch, UNPACKED_MAX, err);
	if (!ret && p->explanation)
		ret = explained_keep(i->setting.folder, i->setting.results, p->job_uid, i->scratch,
				     err);
	else if (!ret)
		ret = merge_scratch(i, p, err);
	unlink(i->scratch);
	if (!is_its_fault(ret))
		return ret;
	log_warning("boot %s: its result is not stored: %s", p->boot_uid, err->text);
	give_class(p, RESULTS_INFRASTRUCTURE, err->text);
	return 0;
}

/* ---- into the queue ---- */

static int mark_inbox(struct daemon_db *db, const struct parcel *p, struct error *err)
{
	const char *state = is_result(p) ? "imported" : "rejected";
	int ret = database_change(
		db, err,
		"UPDATE inbox SET state = ?2, body = iif(?2 = 'imported', NULL, body) "
		"WHERE id = ?1 AND state = 'new'",
		"it", p->id, state);

	if (ret < 0)
		return ret;
	return 0;
}

static int mark_stored(struct daemon_db *db, const struct parcel *p, struct error *err)
{
	struct json_object *data = json_object_new_object();
	const char *class = NULL;
	int ret;

	if (p->class != RESULTS_OK)
		class = results_class_name(p->class);
	ret = database_change(
		db, err,
		"UPDATE boot SET state = 'stored', class = ?3, error = ?4 WHERE id = ?1 AND "
		"epoch = ?2 AND state = 'received'",
		"iitt", p->boot, p->epoch, class, p->why);
	json_add_string(data, "class", class);
	if (ret < 0) {
		json_object_put(data);
		return ret;
	}
	ret = event_add(db, "boot.stored", p->job_uid, p->boot_uid, data, err);
	if (!ret)
		ret = host_count(db, p->host, false, err);
	if (ret)
		return ret;
	return job_settle(db, p->job, err);
}

static int mark_parcel(struct daemon_db *db, void *arg, struct error *err)
{
	const struct parcel *p = arg;
	const char *why = p->why ? p->why : "it ended without a result";
	int ret = mark_inbox(db, p, err);

	if (ret)
		return ret;
	if (is_result(p))
		return mark_stored(db, p, err);
	return lease_reject(db, p->boot_uid, p->epoch, results_class_name(p->class), why, err);
}

/* 1: one was imported; 0: the inbox is empty */
static int import_one(struct importer *i, struct error *err)
{
	struct parcel p = {0};
	int ret = take_parcel(i, &p, err);

	if (ret != 1)
		return ret;
	ret = store_parcel(i, &p, err);
	if (!ret)
		ret = writer_do(i->setting.writer, mark_parcel, &p, err);
	parcel_release(&p);
	if (ret < 0)
		return ret;
	return 1;
}

/* ---- the thread ---- */

/* Waits for news, or for a while after trouble. False: it is to end. */
static bool wait_for_news(struct importer *i, bool trouble)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RETRY_SECONDS;
	pthread_mutex_lock(&i->lock);
	while (!i->stopping && !i->has_news) {
		if (!trouble)
			pthread_cond_wait(&i->news, &i->lock);
		else if (pthread_cond_timedwait(&i->news, &i->lock, &until) == ETIMEDOUT)
			break;
	}
	go_on = !i->stopping;
	pthread_mutex_unlock(&i->lock);
	if (go_on)
		change_settle();
	return go_on;
}

/* What comes from now on is to be looked at again. */
static void forget_news(struct importer *i)
{
	pthread_mutex_lock(&i->lock);
	i->has_news = false;
	pthread_mutex_unlock(&i->lock);
}

static int import_all(struct importer *i, struct error *err)
{
	const struct judge_setting judge = {i->queue, i->results, i->setting.writer};
	int ret;

	while ((ret = import_one(i, err)) == 1)
		;
	if (!ret)
		ret = judge_jobs(&judge, err);
	return ret;
}

static void *import_loop(void *arg)
{
	struct importer *i = arg;
	int ret;

	do {
		struct error err = {0};

		forget_news(i);
		ret = import_all(i, &err);
		if (ret && ret != -ECANCELED)
			log_error("results wait in the inbox: %s", err.text);
	} while (wait_for_news(i, ret != 0));
	return NULL;
}

void import_wake(struct importer *i)
{
	pthread_mutex_lock(&i->lock);
	i->has_news = true;
	pthread_cond_signal(&i->news);
	pthread_mutex_unlock(&i->lock);
}

static void importer_free(struct importer *i)
{
	daemon_db_close(i->queue);
	results_close(i->results);
	free(i->scratch);
	free(i);
}

int import_start(const struct import_setting *setting, struct importer **out, struct error *err)
{
	struct importer *i = xcalloc(1, sizeof(*i));
	pthread_condattr_t attr;
	int ret;

	i->setting = *setting;
	i->scratch = xasprintf("%s/import.db", setting->folder);
	ret = daemon_db_open_read(setting->queue, &i->queue, err);
	if (!ret)
		ret = results_open(setting->results, true, &i->results, err);
	if (ret) {
		importer_free(i);
		return ret;
	}
	pthread_mutex_init(&i->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&i->news, &attr);
	pthread_condattr_destroy(&attr);
	*out = i;
	ret = pthread_create(&i->thread, NULL, import_loop, i);
	if (!ret)
		return 0;
	importer_free(i);
	return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
}

void import_stop(struct importer *i)
{
	if (!i)
		return;
	pthread_mutex_lock(&i->lock);
	i->stopping = true;
	pthread_cond_signal(&i->news);
	pthread_mutex_unlock(&i->lock);
	pthread_join(i->thread, NULL);
	importer_free(i);
}
