// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/daemon/agent/command.h"
#include "orchestrator/daemon/agent/delivery.h"
#include "orchestrator/daemon/agent/farm.h"
#include "orchestrator/daemon/agent/work.h"

#define POLL_SECONDS   30 /* a long poll for work */
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS   30000
#define ARGV_MAX       96
#define NO_STATUS      255

struct slot {
	const struct agent_setting *setting;
	struct client *client;
	pthread_t thread;
	int retry_ms;
};

/* ---- trouble ---- */

/* Waits, longer each time, unless a cancel comes. */
static void wait_to_retry(struct slot *s)
{
	struct pollfd cancel = {.fd = cancel_fd(), .events = POLLIN};

	if (!s->retry_ms)
		s->retry_ms = RETRY_FIRST_MS;
	poll(&cancel, 1, s->retry_ms);
	s->retry_ms *= 2;
	if (s->retry_ms > RETRY_MAX_MS)
		s->retry_ms = RETRY_MAX_MS;
}

/* ---- the result ---- */

/* The daemon cannot take it now: the lease is kept until it can, or it would count as this host's failure. */
static void wait_with_result(struct slot *s, const struct spooled *work)
{
	struct error err;

	if (s->retry_ms > work->heartbeat_ms)
		s->retry_ms = work->heartbeat_ms;
	delivery_heartbeat(s->client, work, &err);
	wait_to_retry(s);
}

/* Until the daemon has answered for it. A cancel leaves it in the spool, for the next start. */
static void deliver(struct slot *s, struct spooled *work)
{
	int64_t sent = 0;
	int ret;

	do {
		struct error err = {0};

		delivery_log(s->client, work, &sent, &err);
		delivery_page(s->client, work, &err);
		ret = delivery_result(s->client, work, &err);
		if (ret == -EAGAIN)
			wait_with_result(s, work);
		else if (ret && ret != -ECANCELED)
			log_warning(
				"boot %s, attempt %lld: its result is not taken, and kept in %s: %s",
				work->boot, (long long)work->epoch, work->folder, err.text);
	} while (ret == -EAGAIN && !cancel_requested());
	s->retry_ms = 0;
	if (!ret)
		spool_drop(work, NULL);
}

/* ---- the work ---- */

/*
 * What takes a program elsewhere (srun, ssh) ends with a status of its own when that fails: the program's own
 * counts, and it writes that down where it runs. Without it nobody knows what became of it.
 */
#define STATUS_FILE "status"
#define NOTE_STATUS "\"$@\"; echo $? >" STATUS_FILE ".part && mv " STATUS_FILE ".part " STATUS_FILE

/* "srun --job-name={}" with the attempt's name; the caller frees. */
static char *fill_in(const char *with, const struct spooled *work)
{
	struct strbuf text = STRBUF_INIT;

	for (; *with; with++) {
		if (strncmp(with, "{}", 2)) {
			strbuf_addch(&text, *with);
			continue;
		}
		strbuf_addf(&text, "%s.%lld", work->boot, (long long)work->epoch);
		with++;
	}
	return strbuf_detach(&text);
}

static int add_runner(const char *argv[ARGV_MAX], int n, char *with)
{
	if (!with)
		return n;
	n = work_add_words(argv, n, ARGV_MAX - WORK_ARGV_MAX - 5, with);
	argv[n++] = "/bin/sh";
	argv[n++] = "-c";
	argv[n++] = NOTE_STATUS;
	argv[n++] = "sh";
	return n;
}

static int start_work(const struct slot *s, const struct spooled *work,
		      struct command_process *process, struct error *err)
{
	__cleanup_free char *log = spooled_path(work, "log"), *with = NULL;
	const char *argv[ARGV_MAX];
	struct work_command command;
	int n, ret = work_command_make(s->setting, work, &command, err);

	if (ret)
		return ret;
	if (s->setting->with)
		with = fill_in(s->setting->with, work);
	n = add_runner(argv, 0, with);
	memcpy(argv + n, command.argv, (command.n + 1) * sizeof(*argv));
	ret = command_start(argv, work->folder, log, process, err);
	work_command_free(&command);
	return ret;
}

enum work_end { WORK_ENDED, WORK_LOST, WORK_CANCELLED };

/* Until the process has ended, the lease is lost, or the agent is to end. */
static enum work_end follow_work(struct slot *s, struct spooled *work,
				 const struct command_process *process)
{
	struct pollfd fds[] = {{.fd = process->pidfd, .events = POLLIN},
			       {.fd = cancel_fd(), .events = POLLIN}};
	int64_t sent = 0;

	for (;;) {
		struct error err;

		if (poll(fds, ARRAY_SIZE(fds), work->heartbeat_ms) < 0)
			continue;
		if (fds[0].revents)
			return WORK_ENDED;
		if (fds[1].revents)
			return WORK_CANCELLED;
		if (delivery_heartbeat(s->client, work, &err) == -EEXIST)
			return WORK_LOST;
		delivery_log(s->client, work, &sent, &err);
	}
}

static int find_status(const struct slot *s, const struct spooled *work, int status)
{
	__cleanup_free char *path = spooled_path(work, STATUS_FILE);
	struct strbuf text = STRBUF_INIT;

	if (!s->setting->with)
		return status;
	status = NO_STATUS;
	if (!fs_read_file(path, 64, &text, NULL))
		status = atoi(text.buf);
	strbuf_release(&text);
	return status;
}

/* A disk that is full here is this machine's trouble: the boot goes elsewhere. */
static void end_work(struct slot *s, struct spooled *work, struct command_process *process)
{
	struct error err;

	if (spool_end(work, find_status(s, work, command_reap(process)), &err))
		log_error("%s", err.text);
	deliver(s, work);
}

static void do_work(struct slot *s, struct spooled *work)
{
	struct command_process process;
	struct error err = {0};

	/* Taken up: from now on its end counts. If the lease is lost already, nothing is begun. */
	if (delivery_heartbeat(s->client, work, &err)) {
		spool_drop(work, NULL);
		return;
	}
	log_info("boot %s, attempt %lld", work->boot, (long long)work->epoch);
	if (start_work(s, work, &process, &err)) {
		log_error("boot %s: %s", work->boot, err.text);
		delivery_give_back(s->client, work, &err);
		spool_drop(work, NULL);
		return;
	}
	switch (follow_work(s, work, &process)) {
	case WORK_ENDED:
		end_work(s, work, &process);
		break;
	case WORK_LOST:
		log_warning("boot %s: the lease is lost; it is ended", work->boot);
		command_end(&process);
		spool_drop(work, NULL);
		break;
	case WORK_CANCELLED: /* left in the spool: given back when all have ended */
		command_end(&process);
		break;
	}
}

/* ---- leases ---- */

static void take_work(struct slot *s, struct json_object *lease)
{
	struct spooled work;
	struct error err = {0};

	if (spool_add(s->setting->spool, lease, &work, &err)) {
		log_error("%s", err.text); /* the lease expires */
		wait_to_retry(s);
		return;
	}
	do_work(s, &work);
	spooled_free(&work);
}

static void *work_in_slot(void *arg)
{
	struct slot *s = arg;
	bool complained = false;

	while (!cancel_requested()) {
		struct json_object *lease = NULL;
		struct error err = {0};
		int ret = work_ask(s->client, s->setting, POLL_SECONDS, &lease, &err);

		if (ret && ret != -ECANCELED && !complained)
			log_warning("%s; trying again", err.text);
		complained = ret;
		if (ret) {
			wait_to_retry(s);
			continue;
		}
		s->retry_ms = 0;
		if (lease)
			take_work(s, lease);
		json_object_put(lease);
	}
	return NULL;
}

/* ---- start and end ---- */

/* Calls @act with everything that is in the spool. */
static int visit_spool(struct slot *s, void (*act)(struct slot *s, struct spooled *work),
		       struct error *err)
{
	size_t count;
	char **names;
	int ret = fs_list(s->setting->spool, NULL, &names, &count, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++) {
		struct spooled work;
		struct error why = {0};

		if (spool_load(s->setting->spool, names[i], &work, &why))
			continue;
		act(s, &work);
		spooled_free(&work);
	}
	fs_free_names(names, count);
	return 0;
}

static void give_back(struct slot *s, struct spooled *work)
{
	struct error err;

	if (work->status >= 0)
		return; /* its result is brought at the next start */
	if (!delivery_give_back(s->client, work, &err))
		spool_drop(work, NULL);
}

static int start_slots(struct slot *slots, const struct agent_setting *set, size_t *started,
		       struct error *err)
{
	for (*started = 0; *started < set->slots; (*started)++) {
		struct slot *s = &slots[*started];
		int ret = client_open(set->url, &s->client, err);

		s->setting = set;
		if (ret)
			return ret;
		ret = pthread_create(&s->thread, NULL, work_in_slot, s);
		if (!ret)
			continue;
		client_close(s->client);
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	}
	return 0;
}

static int work_in_slots(const struct agent_setting *set, struct error *err)
{
	struct slot *slots = xcalloc(set->slots, sizeof(*slots));
	size_t started;
	int ret = start_slots(slots, set, &started, err);

	if (ret)
		cancel_request();
	for (size_t i = 0; i < started; i++) {
		pthread_join(slots[i].thread, NULL);
		client_close(slots[i].client);
	}
	free(slots);
	return ret;
}

/* What an earlier agent left, then work, then what was broken off. */
static int run_locked(const struct agent_setting *set, struct error *err)
{
	struct slot own = {.setting = set};
	int ret;

	if (set->slurm)
		return farm_run(set, err);
	ret = client_open(set->url, &own.client, err);

	if (ret)
		return ret;
	ret = visit_spool(&own, deliver, err);
	if (!ret)
		ret = work_in_slots(set, err);
	client_finish(own.client);
	if (!ret)
		ret = visit_spool(&own, give_back, err);
	client_close(own.client);
	return ret;
}

/* Commands are started elsewhere: their paths have to be whole. */
static int find_spool(const struct agent_setting *set, char **out, struct error *err)
{
	int ret = fs_mkdir_p(set->spool, err);

	if (ret)
		return ret;
	*out = realpath(set->spool, NULL);
	if (*out)
		return 0;
	return error_set(err, -errno, "%s: %s", set->spool, strerror(errno));
}

int agent_run(const struct agent_setting *setting, struct error *err)
{
	__cleanup_free char *spool = NULL, *lock = NULL;
	struct agent_setting whole = *setting, *set = &whole;
	int fd, ret = find_spool(setting, &spool, err);

	if (ret)
		return ret;
	set->spool = spool;
	lock = xasprintf("%s/lock", spool);
	ret = fs_lock(lock, false, &fd, err);
	if (ret == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "%s: another agent works there", set->spool);
	if (ret)
		return ret;
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warning("%s: %s", lock, strerror(errno));
	ret = run_locked(set, err);
	close(fd);
	return ret;
}
