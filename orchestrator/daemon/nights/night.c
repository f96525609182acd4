// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/night.h"

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
#include "orchestrator/daemon/watch/watch.h"

#define LOOK_MAX_S 3600
#define TROUBLE_S  30

struct nights {
	struct night_setting setting;
	struct night_context context;
	pthread_t thread;
	int news_fd, watch_fd;
	bool stopping;
};

/* ---- the thread ---- */

/* What one part cannot do now keeps no other from working. */
static void do_all(struct nights *n)
{
	static int (*const parts[])(struct night_context * n, struct error * err) = {
		due_run, watch_run, confirm_run, alarm_run, confirm_run};
	struct night_context *c = &n->context;
	struct error err = {0};

	c->due = time(NULL) + LOOK_MAX_S;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i](c, &err))
			continue;
		log_error("nights: %s", err.text);
		c->due = time(NULL) + TROUBLE_S;
	}
	if (outbox_send(&n->setting.outbox, c->queue, n->setting.writer, &c->due, &err))
		log_error("outbox: %s", err.text);
}

static void drain(int fd)
{
	char buffer[4096];

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		;
}

static void wait_for_news(struct nights *n)
{
	struct pollfd fds[] = {{.fd = n->news_fd, .events = POLLIN},
			       {.fd = n->watch_fd, .events = POLLIN}};
	int64_t left = n->context.due - time(NULL);

	if (left < 0)
		left = 0;
	if (left > LOOK_MAX_S)
		left = LOOK_MAX_S;
	poll(fds, ARRAY_SIZE(fds), (int)left * 1000);
	drain(n->news_fd);
	drain(n->watch_fd);
}

static void *work_nights(void *arg)
{
	struct nights *n = arg;

	while (!__atomic_load_n(&n->stopping, __ATOMIC_ACQUIRE)) {
		do_all(n);
		wait_for_news(n);
	}
	return NULL;
}

void nights_wake(struct nights *n)
{
	uint64_t one = 1;

	if (write(n->news_fd, &one, sizeof(one)) < 0)
		return; /* it is full of news already */
}

static void nights_free(struct nights *n)
{
	daemon_db_close(n->context.queue);
	results_close(n->context.results);
	if (n->news_fd >= 0)
		close(n->news_fd);
	if (n->watch_fd >= 0)
		close(n->watch_fd);
	free(n);
}

/* A folder that is not there yet is made: whoever fills it need not restart the daemon. */
static int watch_schedules(struct nights *n, struct error *err)
{
	int ret = fs_mkdir_p(n->setting.schedules, err);

	if (ret)
		return ret;
	n->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (n->news_fd < 0 || n->watch_fd < 0 ||
	    inotify_add_watch(n->watch_fd, n->setting.schedules,
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) < 0)
		return error_set(err, -errno, "%s: cannot be watched: %s", n->setting.schedules,
				 strerror(errno));
	return 0;
}

int nights_start(const struct night_setting *setting, struct nights **out, struct error *err)
{
	struct nights *n = xcalloc(1, sizeof(*n));
	int ret;

	n->setting = *setting;
	n->news_fd = n->watch_fd = -1;
	n->context = (struct night_context){.setting = &n->setting, .started = time(NULL)};
	ret = watch_schedules(n, err);
	if (!ret)
		ret = daemon_db_open_read(setting->queue, &n->context.queue, err);
	if (!ret)
		ret = results_open(setting->results, true, &n->context.results, err);
	if (!ret) {
		ret = -pthread_create(&n->thread, NULL, work_nights, n);
		if (ret)
			error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
	}
	if (ret) {
		nights_free(n);
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
	pthread_join(n->thread, NULL);
	nights_free(n);
}
