/* SPDX-License-Identifier: GPL-2.0-only */
/* job.h - a step that waits, in a thread of its own, for a driver whose methods may not wait (driver.h). */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_JOB_H
#define ORCHESTRATOR_HOSTS_REDFISH_JOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/error.h"

struct job {
	int event; /* readable when it is done; job_take() makes it unreadable */
	pthread_t thread;
	bool running; /* started and not taken */
	atomic_bool done;
	int (*run)(void *arg, struct error *err);
	void *arg;
	int ret;
	struct error error;
};

int job_init(struct job *j, struct error *err);
void job_release(struct job *j); /* nothing is running */
/* One at a time. */
int job_start(struct job *j, int (*run)(void *arg, struct error *err), void *arg,
	      struct error *err);
/* HOST_GOES_ON, or what run() returned and said. */
int job_take(struct job *j, struct error *err);

#endif
