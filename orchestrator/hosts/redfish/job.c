// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/job.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "orchestrator/hosts/driver.h"

int job_init(struct job *j, struct error *err)
{
	*j = (struct job){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (j->event < 0)
		return error_set(err, -errno, "cannot wait for a BMC: %s", strerror(errno));
	return 0;
}

void job_release(struct job *j)
{
	if (j->event >= 0)
		close(j->event);
	j->event = -1;
}

static void *run_job(void *arg)
{
	struct job *j = arg;

	j->ret = j->run(j->arg, &j->error);
	atomic_store(&j->done, true);
	eventfd_write(j->event, 1);
	return NULL;
}

int job_start(struct job *j, int (*run)(void *arg, struct error *err), void *arg, struct error *err)
{
	int ret;

	j->run = run;
	j->arg = arg;
	j->error = (struct error){0};
	atomic_store(&j->done, false);
	ret = pthread_create(&j->thread, NULL, run_job, j);
	if (ret)
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	j->running = true;
	return 0;
}

int job_take(struct job *j, struct error *err)
{
	eventfd_t count;

	if (!atomic_load(&j->done))
		return HOST_GOES_ON;
	pthread_join(j->thread, NULL);
	j->running = false;
	eventfd_read(j->event, &count);
	if (j->ret)
		error_set(err, j->ret, "%s", j->error.text);
	return j->ret;
}
