/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.h - a driver's step that waits for its host, in a thread: the engine, which never waits, is woken when
 * it is done (driver.h: HOST_GOES_ON).
 *
 *	static int power_on(void *arg, struct error *err)	... waits for the BMC ...
 *
 *	return task_step(&t, power_on, arg, s, err);		in power()
 *
 * A cancel ends a step early if the step looks for it (common/cancel.h). One that undoes something must
 * not.
 */
#ifndef ORCHESTRATOR_HOSTS_TASK_H
#define ORCHESTRATOR_HOSTS_TASK_H

#include "orchestrator/hosts/driver.h"

struct task; /* NULL: none is under way */

/* 0, or a negative errno with @err set. */
typedef int task_function(void *arg, struct error *err);

/*
 * The first call starts @run(arg); later ones, which are due when s->wake_fd is readable, say what came of it,
 * once. Another function may be asked for while one is under way: it is started when that one has ended,
 * whose result is lost.
 */
int task_step(struct task **t, task_function *run, void *arg, struct host_session *s,
	      struct error *err);

/* Waits for what is under way. NULL is allowed. */
void task_wait(struct task **t);

#endif
