// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/slice.h"
#include "orchestrator/daemon/intake/import.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/http/metrics.h"
#include "orchestrator/daemon/nights/night.h"
#include "orchestrator/daemon/http/server.h"
#include "orchestrator/daemon/http/sockets.h"
#include "orchestrator/daemon/queue/tick.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/agent/worker.h"

#define CONNECTIONS_MAX	 10000
#define WORKER_PAUSE_MS	 1000
#define POLL_MAX_MS	 3600000
#define MIN_FREE_DEFAULT (UINT64_C(2) << 30)

struct whole {
	const struct daemon_setting *setting;
	char *queue, *results, *socket, *lock, *schedules;
	int lock_fd, news_fd;	      /* news_fd: the writer has committed */
	struct daemon_db *db, *clock; /* clock: to read when something is due */
	struct counters *counters;
	struct writer *writer;
	struct server *server;
	struct importer *importer;
	struct nights *nights;
	struct worker worker;
	int64_t worker_from; /* when it was looked after last */
	uint64_t watchdog_us;
	int64_t due; /* by the queue's clock */
};

/* ---- start ---- */

/* As it is from any folder: jobs name files of ours, and their processes work elsewhere. */
static char *absolute_path(const char *path)
{
	__cleanup_free char *here = get_current_dir_name();

	if (*path == '/' || !here)
		return xstrdup(path);
	return xasprintf("%s/%s", here, path);
}

/* The default of a path: in the state folder. */
static char *choose_path(const char *given, const char *state, const char *name)
{
	if (given)
		return absolute_path(given);
	return xasprintf("%s/%s", state, name);
}

static int lock_state(struct whole *w, struct error *err)
{
	int ret = fs_mkdir_p(w->setting->state, err);

	if (!ret)
		ret = fs_lock(w->lock, false, &w->lock_fd, err);
	if (ret == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "%s: another nestlabd works there",
				 w->setting->state);
	return ret;
}

static void on_commit(void *arg)
{
	struct whole *w = arg;
	uint64_t one = 1;

	if (w->server)
		server_on_commit(w->server);
	if (w->importer)
		import_wake(w->importer);
	if (w->nights)
		nights_wake(w->nights);
	if (write(w->news_fd, &one, sizeof(one)) < 0)
		return; /* it is full of news already */
}

static int start_parts(struct whole *w, struct error *err)
{
	struct server_setting set = {
		.service = {.state = w->setting->state,
			    .queue = w->queue,
			    .results = w->results,
			    .min_free = w->setting->min_free,
			    .counters = w->counters},
		.certificate = w->setting->certificate,
		.key = w->setting->key,
		.connections_max = CONNECTIONS_MAX,
	};
	struct night_setting night = {.queue = w->queue,
				      .results = w->results,
				      .state = w->setting->state,
				      .schedules = w->schedules,
				      .outbox = {.smtp = w->setting->smtp,
						 .from = w->setting->mail_from,
						 .webhook_secret = w->setting->webhook_secret,
						 .kcidb_token = w->setting->kcidb_token}};
	struct import_setting import = {w->queue, w->results, w->setting->state, NULL};
	int ret = daemon_db_open(w->queue, &w->db, err);

	if (!ret)
		ret = lease_grace(w->db, err);
	if (!ret)
		ret = daemon_db_open_read(w->queue, &w->clock, err);
	if (!ret)
		ret = writer_start(w->db, on_commit, w, &w->writer, err);
	if (ret)
		return ret;
	set.writer = import.writer = night.writer = w->writer;
	ret = server_new(&set, &w->server, err);
	if (!ret)
		ret = import_start(&import, &w->importer, err);
	if (!ret)
		ret = nights_start(&night, &w->nights, err);
	return ret;
}

/* Sockets that systemd hands over: by their names (FileDescriptorName=), "plain" or anything else. */
static int take_sockets(struct whole *w, int *taken, struct error *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int ret = 0;

	*taken = n;
	for (int i = 0; !ret && i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		enum listen_kind kind = LISTEN_TLS;

		if (socket_is_unix(fd))
			kind = LISTEN_UNIX;
		ret = server_listen(w->server, kind, fd, err);
		free(names[i]);
	}
	free(names);
	return ret;
}

static int listen_at(struct whole *w, enum listen_kind kind, const char *address, struct error *err)
{
	int fd, ret;

	if (kind == LISTEN_UNIX)
		ret = socket_listen_unix(address, &fd, err);
	else
		ret = socket_listen_tcp(address, kind == LISTEN_PLAIN, &fd, err);
	if (ret)
		return ret;
	return server_listen(w->server, kind, fd, err);
}

/* Ours is the last: who is answered there finds the others, too. */
static int open_sockets(struct whole *w, struct error *err)
{
	int taken, ret;

	slice_shorten(); /* for the threads of the listeners */
	ret = take_sockets(w, &taken, err);
	if (!ret && w->setting->listen)
		ret = listen_at(w, LISTEN_TLS, w->setting->listen, err);
	if (!ret && w->setting->plain)
		ret = listen_at(w, LISTEN_PLAIN, w->setting->plain, err);
	if (!ret && taken <= 0)
		ret = listen_at(w, LISTEN_UNIX, w->socket, err);
	slice_restore();
	return ret;
}

/* ---- at work ---- */

static int run_tick(struct daemon_db *db, void *arg, struct error *err)
{
	(void)arg;
	return tick_run(db, err);
}

static void keep_time(struct whole *w)
{
	struct error err;
	int ret = 0;

	if (w->due <= database_now())
		ret = writer_do(w->writer, run_tick, NULL, &err);
	if (!ret)
		ret = tick_next(w->clock, &w->due, &err);
	if (!ret)
		return;
	log_error("%s", err.text);
	w->due = database_now() + 1000;
}

/* Milliseconds for poll(); -1: for ever. */
static int time_until(int64_t due)
{
	int64_t now = database_now();

	if (due == INT64_MAX)
		return -1;
	if (due <= now)
		return 0;
	if (due - now > POLL_MAX_MS)
		return POLL_MAX_MS;
	return due - now;
}

/* Until something is due, or has changed what is due. */
static void wait_for_news(struct whole *w)
{
	struct pollfd fds[] = {{.fd = cancel_fd(), .events = POLLIN},
			       {.fd = w->news_fd, .events = POLLIN},
			       {.fd = w->worker.pidfd, .events = POLLIN}};
	int64_t due = server_tick(w->server);
	int timeout, watchdog = w->watchdog_us / 2000;
	uint64_t count;

	if (w->due < due)
		due = w->due;
	timeout = time_until(due);
	if (watchdog && (timeout < 0 || timeout > watchdog))
		timeout = watchdog;
	poll(fds, ARRAY_SIZE(fds), timeout);
	if (watchdog)
		sd_notify(0, "WATCHDOG=1");
	if (!fds[1].revents)
		return;
	change_settle();
	if (read(w->news_fd, &count, sizeof(count)) < 0)
		return;
}

/* A worker that ends at once is started again after a pause, not in a circle. */
static void keep_worker(struct whole *w)
{
	struct error err;
	int64_t now = database_now(), again = w->worker_from + WORKER_PAUSE_MS;

	if (worker_is_running(&w->worker))
		return;
	if (again > now) {
		if (w->due > again)
			w->due = again;
		return;
	}
	w->worker_from = now;
	if (worker_ensure(&w->worker, &err))
		log_error("no worker: %s", err.text);
}

static void work(struct whole *w)
{
	sd_notify(0, "READY=1\nSTATUS=taking jobs");
	w->due = 0;
	log_info("nestlabd works in %s; commands ask at %s", w->setting->state, w->socket);
	while (!cancel_requested()) {
		keep_time(w);
		keep_worker(w);
		wait_for_news(w);
	}
	sd_notify(0, "STOPPING=1");
	worker_stop(&w->worker);
}

/* ---- the end ---- */

static void stop_parts(struct whole *w)
{
	server_stop(w->server);
	nights_stop(w->nights);
	import_stop(w->importer);
	writer_stop(w->writer);
	server_free(w->server);
	daemon_db_close(w->clock);
	daemon_db_close(w->db);
	counters_free(w->counters);
	if (w->news_fd >= 0)
		close(w->news_fd);
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	free(w->queue);
	free(w->results);
	free(w->socket);
	free(w->schedules);
	free(w->lock);
}

int daemon_run(const struct daemon_setting *setting, struct error *err)
{
	__cleanup_free char *state = absolute_path(setting->state);
	struct daemon_setting set = *setting;
	struct whole w = {
		.setting = &set,
		.queue = choose_path(NULL, state, "daemon.db"),
		.results = choose_path(set.results, state, "nestlab.db"),
		.socket = choose_path(set.socket, state, "nestlabd.sock"),
		.lock = choose_path(NULL, state, "lock"),
		.schedules = choose_path(set.schedules, state, "schedules"),
		.lock_fd = -1,
		.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.counters = counters_new(),
		.worker = {.slots = set.workers, .serves = set.serves, .pidfd = -1},
	};
	int ret;

	set.state = w.worker.state = state;
	w.worker.socket = w.socket;
	if (!set.min_free)
		set.min_free = MIN_FREE_DEFAULT;
	sd_watchdog_enabled(0, &w.watchdog_us);
	ret = lock_state(&w, err);
	if (!ret)
		ret = start_parts(&w, err);
	if (!ret)
		ret = open_sockets(&w, err);
	if (!ret)
		work(&w);
	stop_parts(&w);
	return ret;
}
