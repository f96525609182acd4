// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/night.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "orchestrator/daemon/nights/alarm.h"
#include "orchestrator/daemon/nights/confirm.h"
#include "orchestrator/daemon/nights/due.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/watch/watch.h"

#define LOOK_MAX_S 3600
#define BLIND_S	   60 /* where the folder of schedules cannot be watched */
#define TROUBLE_S  30

struct nights;
struct worker {
	struct nights *of;
	void (*work)(struct worker *w);
	struct night_context context;
	pthread_t thread;
	int news_fd, watch_fd;
	bool runs;
};
enum { NIGHTS, LISTS, WORKERS };

struct nights {
	struct night_setting setting;
	struct worker workers[WORKERS];
	bool stopping;
};

/* ---- the threads ---- */

/* What one part cannot do now keeps no other from working. */
static void do_nights(struct worker *w)
{
	static int (*const parts[])(struct night_context * n, struct error * err) = {
		due_run, watch_run, confirm_run, alarm_run, confirm_run};
	struct night_context *c = &w->context;
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i](c, &err))
			continue;
		log_error("nights: %s", err.text);
		c->due = time(NULL) + TROUBLE_S;
	}
	if (outbox_send(&c->setting->outbox, c->queue, c->setting->writer, &c->due, &err))
		log_error("outbox: %s", err.text);
}

static void look_at_lists(struct worker *w)
{
	struct error err = {0};

	if (!due_run(&w->context, &err))
		return;
	log_error("lists: %s", err.text);
	w->context.due = time(NULL) + TROUBLE_S;
}

static void drain(int fd)
{
	char buffer[4096];

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		;
}

static void wait_for_news(struct worker *w)
{
	struct pollfd fds[] = {{.fd = w->news_fd, .events = POLLIN},
			       {.fd = w->watch_fd, .events = POLLIN}};
	int64_t left = w->context.due - time(NULL);

	if (left < 0)
		left = 0;
	if (left > LOOK_MAX_S)
		left = LOOK_MAX_S;
	if (w->watch_fd < 0 && left > BLIND_S)
		left = BLIND_S;
	poll(fds, ARRAY_SIZE(fds), (int)left * 1000);
	if (fds[0].revents)
		change_settle();
	drain(w->news_fd);
	drain(w->watch_fd);
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&w->of->stopping, __ATOMIC_ACQUIRE)) {
		w->context.due = time(NULL) + LOOK_MAX_S;
		w->work(w);
		wait_for_news(w);
	}
	return NULL;
}

void nights_wake(struct nights *n)
{
	const uint64_t one = 1;

	for (size_t i = 0; i < WORKERS; i++)
		if (write(n->workers[i].news_fd, &one, sizeof(one)) < 0)
			continue; /* it is full of news already */
}

static void close_worker(struct worker *w)
{
	daemon_db_close(w->context.queue);
	results_close(w->context.results);
	if (w->news_fd >= 0)
		close(w->news_fd);
	if (w->watch_fd >= 0)
		close(w->watch_fd);
}

/* Instances of inotify are few a user, and all programs' together: a queue does without. */
static int watch_schedules(struct worker *w, const char *folder, struct error *err)
{
	w->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->news_fd < 0)
		return error_set(err, -errno, "no eventfd: %s", strerror(errno));
	w->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->watch_fd >= 0 &&
	    inotify_add_watch(w->watch_fd, folder,
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) >= 0)
		return 0;
	log_warning(
		"%s: cannot be watched (%s; see fs.inotify.max_user_instances): it is looked at each minute",
		folder, strerror(errno));
	if (w->watch_fd >= 0)
		close(w->watch_fd);
	w->watch_fd = -1;
	return 0;
}

static int open_worker(struct worker *w, struct error *err)
{
	const struct night_setting *setting = w->context.setting;
	int ret = watch_schedules(w, setting->schedules, err);

	if (!ret)
		ret = daemon_db_open_read(setting->queue, &w->context.queue, err);
	if (!ret && !w->context.lists)
		ret = results_open(setting->results, true, &w->context.results, err);
	return ret;
}

static int start_worker(struct worker *w, struct error *err)
{
	int ret = -pthread_create(&w->thread, NULL, run_worker, w);

	if (ret)
		return error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
	w->runs = true;
	return 0;
}

/* A folder that is not there yet is made: whoever fills it need not restart the daemon. */
int nights_start(const struct night_setting *setting, struct nights **out, struct error *err)
{
	struct nights *n = xcalloc(1, sizeof(*n));
	int ret = fs_mkdir_p(setting->schedules, err);

	curl_global_init(CURL_GLOBAL_DEFAULT); /* both threads use it */
	n->setting = *setting;
	for (size_t i = 0; i < WORKERS; i++)
		n->workers[i] = (struct worker){
			.of = n,
			.work = i == LISTS ? look_at_lists : do_nights,
			.context = {.setting = &n->setting,
				    .started = time(NULL),
				    .lists = i == LISTS},
			.news_fd = -1,
			.watch_fd = -1,
		};
	for (size_t i = 0; !ret && i < WORKERS; i++)
		ret = open_worker(&n->workers[i], err);
	for (size_t i = 0; !ret && i < WORKERS; i++)
		ret = start_worker(&n->workers[i], err);
	if (ret) {
		nights_stop(n);
		return ret;
	}
	*out = n;
	return 0;
}

void nights_stop(struct nights *n)
{
	if (!n)
		return;
	__atomic_store_n(&n->stopping, true, __ATOMIC_RELEASE);
	nights_wake(n);
	for (size_t i = 0; i < WORKERS; i++) {
		if (n->workers[i].runs)
			pthread_join(n->workers[i].thread, NULL);
		close_worker(&n->workers[i]);
	}
	free(n);
}
