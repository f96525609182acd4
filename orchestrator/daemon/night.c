// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/night.h"

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
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/alarm.h"
#include "orchestrator/daemon/confirm.h"
#include "orchestrator/daemon/due.h"
#include "orchestrator/daemon/job.h"

#define OWNER	   "nights"
#define LOOK_MAX_S 3600
#define TROUBLE_S  30

struct nights {
	struct night_setting setting;
	struct night_context context;
	pthread_t thread;
	int news_fd, watch_fd;
	bool stopping;
};

/* ---- for those who work ---- */

int night_load_schedule(const struct night_context *n, const char *name, struct schedule *out,
			struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s.json", n->setting->schedules, name);

	if (!fs_exists(path))
		return error_set(err, -ENOENT, "%s: there is no such schedule any more", path);
	return schedule_load(path, out, err);
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

/* ---- the thread ---- */

/* What one part cannot do now keeps no other from working. */
static void do_all(struct nights *n)
{
	static int (*const parts[])(struct night_context * n, struct error * err) = {
		due_run, confirm_run, alarm_run, confirm_run};
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
