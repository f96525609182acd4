// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "orchestrator/hosts/driver.h"

int worker_init(struct worker *w, struct error *err)
{
	*w = (struct worker){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (w->event < 0)
		return error_set(err, -errno, "cannot wait for a BMC: %s", strerror(errno));
	return 0;
}

void worker_release(struct worker *w)
{
	if (w->event >= 0)
		close(w->event);
	w->event = -1;
}

static void *run_thread(void *arg)
{
	struct worker *w = arg;

	w->ret = w->run(w->arg, &w->error);
	atomic_store(&w->done, true);
	eventfd_write(w->event, 1);
	return NULL;
}

int worker_start(struct worker *w, int (*run)(void *arg, struct error *err), void *arg,
		 struct error *err)
{
	int ret;

	w->run = run;
	w->arg = arg;
	w->error = (struct error){0};
	atomic_store(&w->done, false);
	ret = pthread_create(&w->thread, NULL, run_thread, w);
	if (ret)
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	w->running = true;
	return 0;
}

int worker_take(struct worker *w, struct error *err)
{
	eventfd_t count;

	if (!atomic_load(&w->done))
		return HOST_GOES_ON;
	pthread_join(w->thread, NULL);
	w->running = false;
	eventfd_read(w->event, &count);
	if (w->ret)
		error_set(err, w->ret, "%s", w->error.text);
	return w->ret;
}
