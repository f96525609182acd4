// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/task.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/alloc.h"

struct task {
	task_function *run;
	void *arg;
	int done; /* eventfd, readable when it has ended */
	pthread_t thread;
	int ret;
	struct error error;
};

static void *run_task(void *arg)
{
	struct task *t = arg;

	t->ret = t->run(t->arg, &t->error);
	eventfd_write(t->done, 1);
	return NULL;
}

static void free_task(struct task *t)
{
	if (t->done >= 0)
		close(t->done);
	free(t);
}

/* All signals are the main thread's. */
static int start_thread(struct task *t)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&t->thread, NULL, run_task, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

static int start_task(struct task **out, task_function *run, void *arg, struct error *err)
{
	struct task *t = xcalloc(1, sizeof(*t));
	int ret;

	t->run = run;
	t->arg = arg;
	t->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = t->done < 0 ? -errno : 0;
	if (!ret)
		ret = start_thread(t);
	if (ret) {
		free_task(t);
		return error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
	}
	*out = t;
	return 0;
}

static bool is_done(const struct task *t)
{
	eventfd_t count;

	return !eventfd_read(t->done, &count);
}

static int end_task(struct task **t, struct host_session *s, struct error *err)
{
	struct task *ended = *t;
	int ret = ended->ret;

	pthread_join(ended->thread, NULL);
	if (ret)
		error_set(err, ret, "%s", ended->error.text);
	free_task(ended);
	*t = NULL;
	s->wake_fd = -1;
	return ret;
}

int task_step(struct task **t, task_function *run, void *arg, struct host_session *s,
	      struct error *err)
{
	bool is_ours = *t && (*t)->run == run;
	int ret;

	if (*t && !is_done(*t))
		return HOST_GOES_ON;
	if (*t) {
		ret = end_task(t, s, err);
		if (is_ours)
			return ret;
	}
	ret = start_task(t, run, arg, err);
	if (ret)
		return ret;
	s->wake_fd = (*t)->done;
	return HOST_GOES_ON;
}

void task_wait(struct task **t)
{
	if (!*t)
		return;
	pthread_join((*t)->thread, NULL);
	free_task(*t);
	*t = NULL;
}
