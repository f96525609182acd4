/* SPDX-License-Identifier: GPL-2.0-only */
/* worker.h - a step that waits, in a thread of its own, for a driver whose methods may not wait (driver.h). */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_WORKER_H
#define ORCHESTRATOR_HOSTS_REDFISH_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/error.h"

struct worker {
	int event; /* readable when it is done; worker_take() makes it unreadable */
	pthread_t thread;
	bool running; /* started and not taken */
	atomic_bool done;
	int (*run)(void *arg, struct error *err);
	void *arg;
	int ret;
	struct error error;
};

int worker_init(struct worker *w, struct error *err);
void worker_release(struct worker *w); /* nothing is running */
/* One at a time. */
int worker_start(struct worker *w, int (*run)(void *arg, struct error *err), void *arg,
		 struct error *err);
/* HOST_GOES_ON, or what run() returned and said. */
int worker_take(struct worker *w, struct error *err);

#endif
