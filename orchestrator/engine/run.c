// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/log.h"
#include "orchestrator/engine/attempt.h"
#include "orchestrator/engine/builder.h"
#include "orchestrator/engine/run_state.h"

void run_new_session(char session[RUN_SESSION_MAX])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(session, RUN_SESSION_MAX, "%Y%m%dT%H%M%S", &tm);
	snprintf(session + n, RUN_SESSION_MAX - n, "-%04x%03lx", getpid() & 0xffff,
		 ts.tv_nsec / 1000 % 0x1000);
}

/* ---- one boot, or two between which L1s go ---- */

static size_t boots_of(const struct engine *e, const struct job *j)
{
	return scenario_plan_destination(&e->plans[j->plan]) ? 2 : 1;
}

/* Starts no more boots; those that run go on to their end. The caller gets the first error. */
static void stop_run(struct engine *e, int ret, const struct error *err)
{
	if (e->trouble)
		return;
	e->trouble = ret;
	error_set(e->err, ret, "%s", err->text);
	builder_stop(e->builder);
}

static void count_boot(struct engine *e, const struct attempt *a)
{
	struct run_summary *s = e->summary;

	if (a->class == RESULTS_OK) {
		s->boots++;
		return;
	}
	s->failed[a->class]++;
	if (a->class == RESULTS_CANCELLED) /* the class says it all */
		log_error("%s: %s", a->label, a->error.text);
	else
		log_error("%s: %s: %s", a->label, results_class_name(a->class), a->error.text);
	if (attempt_console(a))
		log_error("%s: console: %s", a->label, attempt_console(a));
	if (s->first.code)
		return;
	s->first = a->error;
	error_prefix(&s->first, -EIO, "%s", a->label);
}

static void conclude_attempt(struct engine *e, struct attempt *a)
{
	struct error err = {0};
	int ret = attempt_store(a, &err);

	if (ret) {
		stop_run(e, ret, &err); /* what is not stored does not count */
	} else {
		count_boot(e, a);
		if (a->class == RESULTS_CANCELLED)
			stop_run(e, -ECANCELED, &a->error);
	}
	attempt_free(a);
}

static void boot_attempt(struct engine *e, struct attempt *a)
{
	if (attempt_prepare(a)) {
		conclude_attempt(e, a);
		return;
	}
	boot_loop_add(e->loop, attempt_begin(a));
	e->running++;
}

/* The boot of the host that the L1s of @job go to, which holds the pair as well. */
static void start_destination(struct engine *e, const struct job *j, const struct attempt_job *job)
{
	struct attempt_job other = *job;

	other.kernel = builder_destination(e->builder, j->plan);
	other.plan = pair_arriving(job->pair);
	other.side = CARRIER_DESTINATION;
	boot_attempt(e, attempt_new(&e->setting, &other));
}

static void start_job(struct engine *e, const struct job *j)
{
	struct error err = {0};
	struct attempt_job job = {
		.kernel = builder_kernel(e->builder, j->kernel, j->plan),
		.plan = &e->plans[j->plan],
		.selftests = builder_selftests(e->builder, j->kernel, j->plan),
		.l1 = builder_l1(e->builder, j->plan),
		.disk = scenario_plan_has_disk(&e->plans[j->plan]) && e->disk.path ? &e->disk
										   : NULL,
		.boot = j->boot,
		.seed = e->req->seed + j->boot - 1,
	};
	int ret = 0;

	if (boots_of(e, j) > 1)
		ret = pair_new(job.plan, job.kernel->name, &job.pair, &err);
	if (ret) {
		stop_run(e, ret, &err);
		return;
	}
	if (job.pair)
		start_destination(e, j, &job);
	boot_attempt(e, attempt_new(&e->setting, &job));
}

static void end_job(struct engine *e, struct boot *over)
{
	struct attempt *a = boot_arg(over);

	e->running--;
	attempt_judge(a, over);
	if (a->goes_on)
		boot_attempt(e, a);
	else
		conclude_attempt(e, a);
}

/* ---- all boots ---- */

/* On a real clock nothing is measured while anything is built (run.h). */
static bool must_wait_for_builds(const struct engine *e)
{
	if (e->host.driver->clock == HOST_CLOCK_EMULATED)
		return false;
	for (size_t k = 0; k < e->req->nkernels; k++)
		if (builder_state(e->builder, k) != BUILDER_READY)
			return true;
	return false;
}

/* Is there a kernel that will never be built? Then the run is to end with its error. */
static bool has_failed_build(const struct engine *e)
{
	for (size_t k = 0; k < e->req->nkernels; k++)
		if (builder_state(e->builder, k) == BUILDER_GIVEN_UP)
			return true;
	return false;
}

static bool is_stopping(const struct engine *e)
{
	return e->trouble || cancel_requested() || has_failed_build(e);
}

/* The next boot that can be started now, or NULL. Boots of a kernel that is being compiled are passed
 * over, those of one that only has to be fetched from the cache are waited for. */
static struct job *find_job(struct engine *e)
{
	if (is_stopping(e) || must_wait_for_builds(e))
		return NULL;
	for (size_t i = 0; i < e->njobs; i++) {
		struct job *j = &e->jobs[i];
		enum builder_state state;

		if (j->taken)
			continue;
		state = builder_state(e->builder, j->kernel);
		if (state == BUILDER_CACHED)
			return NULL;
		if (state != BUILDER_READY)
			continue;
		return j;
	}
	return NULL;
}

/* May there be something to start later? */
static bool has_jobs_to_come(const struct engine *e)
{
	if (is_stopping(e))
		return false;
	for (size_t i = 0; i < e->njobs; i++)
		if (!e->jobs[i].taken)
			return true;
	return false;
}

static void start_jobs(struct engine *e, size_t limit)
{
	struct job *j;

	/* a pair is never waited for where nothing runs: a host that boots one at a time boots two, then */
	while ((j = find_job(e)) && (!e->running || e->running + boots_of(e, j) <= limit)) {
		j->taken = true;
		start_job(e, j);
	}
}

static void drive_boots(struct engine *e)
{
	size_t limit = e->host.parallel;

	if (!limit)
		limit = sysconf(_SC_NPROCESSORS_ONLN);
	start_jobs(e, limit);
	while (e->running || has_jobs_to_come(e)) {
		struct boot *over = boot_loop_wait(e->loop);

		if (over)
			end_job(e, over);
		start_jobs(e, limit);
	}
}

/* A build that goes on may take many minutes, and a person wants to know now what went wrong. */
static void announce_wait(const struct engine *e)
{
	if (!e->trouble || cancel_requested())
		return;
	for (size_t k = 0; k < e->req->nkernels; k++)
		if (builder_state(e->builder, k) == BUILDER_COMPILES)
			log_error("%s; waiting for the build of kernel %s (Ctrl-C ends it)",
				  e->err->text, e->req->kernels[k]);
}

static void on_build_change(void *arg)
{
	struct engine *e = arg;

	boot_loop_wake(e->loop);
}

static int run_jobs(struct engine *e)
{
	struct builder_request req = run_wanted_kernels(e);
	struct error err = {0};
	int ret = boot_loop_new(&e->loop, e->err);

	req.on_change = on_build_change;
	req.arg = e;
	if (ret)
		return ret;
	ret = builder_start(&e->builder, &req, e->err);
	if (ret)
		return ret;
	drive_boots(e);
	announce_wait(e);
	ret = builder_join(e->builder, &err);
	if (ret) {
		e->summary->kernel_at_fault = !e->trouble && kernel_is_at_fault(ret);
		stop_run(e, ret, &err);
	}
	if (!e->trouble && cancel_requested())
		return cancel_error(e->err);
	return e->trouble;
}

static void engine_release(struct engine *e)
{
	builder_free(e->builder);
	if (e->loop)
		boot_loop_free(e->loop);
	for (size_t i = 0; e->plans && i < e->req->nscenarios; i++)
		scenario_plan_free(&e->plans[i]);
	l1_image_free(&e->disk);
	host_config_free(&e->host);
	host_found_free(&e->found);
	places_free(&e->places);
	free(e->plans);
	free(e->jobs);
	free(e->environment);
}

int run_check(const struct run_request *req, bool *unfit, struct error *err)
{
	struct run_summary summary = {0};
	struct engine e = {
		.req = req, .summary = &summary, .found.missing = STRBUF_INIT, .err = err};
	int ret = run_prepare(&e, err);

	if (!ret)
		run_warn_of_unused(&e);
	*unfit = summary.unfit;
	engine_release(&e);
	run_summary_free(&summary);
	return ret;
}

int run_execute(const struct run_request *req, struct results_db *db, struct run_summary *summary,
		struct error *err)
{
	struct engine e = {
		.req = req,
		.summary = summary,
		.found.missing = STRBUF_INIT,
		.err = err,
	};
	int ret;

	e.setting = (struct attempt_setting){
		.places = &e.places,
		.host = &e.host,
		.found = &e.found,
		.db = db,
		.session = req->session,
		.runs_dir = req->runs_dir,
		.append = req->append,
	};
	ret = run_prepare(&e, err);
	if (ret)
		goto out;
	ret = run_jobs(&e);
out:
	engine_release(&e);
	return ret;
}
