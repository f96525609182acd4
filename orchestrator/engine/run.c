// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/engine/attempt.h"
#include "orchestrator/engine/builder.h"
#include "orchestrator/engine/loop.h"
#include "orchestrator/version.h"

struct engine {
	const struct run_request *req;
	struct run_summary *summary;
	struct places places;
	struct host_config host;
	struct host_found found;
	char *environment;	     /* JSON */
	struct scenario_plan *plans; /* one per req->scenarios */
	struct attempt_setting setting;
	struct l1_image disk;
	struct builder *builder;
	struct boot_loop *loop;
	struct job *jobs;
	size_t njobs;
	size_t running; /* boots in the loop */
	int trouble;	/* first error that stops the run; its text is in err */
	struct error *err;
};

struct job { /* one boot */
	size_t kernel, plan;
	int boot;
	bool taken;
};

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

/* ---- preparation: scenarios, host, kernels' names ---- */

static int load_plans(struct engine *e, struct error *err)
{
	e->plans = xcalloc(e->req->nscenarios, sizeof(*e->plans));
	for (size_t i = 0; i < e->req->nscenarios; i++) {
		int ret = scenario_load(&e->places.scenarios, e->req->scenarios[i], &e->plans[i],
					err);

		if (ret)
			return ret;
	}
	return 0;
}

static int find_host(struct engine *e, struct error *err)
{
	int ret = host_find(&e->places, e->req->host, &e->host, err);

	if (ret)
		return ret;
	ret = host_probe(&e->host, &e->places, &e->found, err);
	if (ret)
		return ret;
	/* A real machine is not always there; what the emulator lacks is to be installed here. */
	e->summary->unfit = !e->found.ready && e->host.driver->clock == HOST_CLOCK_TSC;
	if (!e->found.ready)
		return error_set(err, -ENODEV, "%shost %s cannot run:\n%s",
				 e->summary->unfit ? "SKIP: " : "", e->req->host,
				 e->found.missing.buf);
	if (!e->req->append)
		return 0;
	if (e->host.driver->runs_in_place) {
		e->summary->unfit = true;
		return error_set(
			err, -ENODEV,
			"SKIP: host %s boots nothing, so its kernel gets no parameters: boot it "
			"with \"%s\" yourself",
			e->host.name, e->req->append);
	}
	/* other parameters make other numbers: these boots are compared with each other alone */
	json_add_string(e->found.identity, "boot_parameters", e->req->append);
	return image_check_cmdline(e->req->append, err);
}

static struct kernel_env kernels_env(const struct engine *e)
{
	return (struct kernel_env){
		.variants = e->places.variants,
		.cache_dir = e->places.cache,
		.host_fragments = (const char *const *)e->host.kernel_config,
	};
}

static struct builder_request kernels_wanted(const struct engine *e)
{
	return (struct builder_request){
		.env = kernels_env(e),
		.kernels = e->req->kernels,
		.nkernels = e->req->nkernels,
		.plans = e->plans,
		.nplans = e->req->nscenarios,
		.l1_kernel = e->req->l1_kernel,
	};
}

static int check_l1_kernels(const struct engine *e, struct error *err)
{
	const struct builder_request wanted = kernels_wanted(e);

	for (size_t p = 0; p < wanted.nplans; p++) {
		const char *name = builder_l1_name(&wanted, p);
		struct kernel_variant v;
		int ret = 0;

		if (!name)
			continue;
		ret = kernel_variant_load(&wanted.env, name, &v, err);
		if (ret)
			return ret;
		kernel_variant_free(&v);
	}
	return 0;
}

/* Only a host that boots nothing can measure the running kernel, and nothing else can be measured there. */
static int check_kernel_fits(struct engine *e, const struct kernel_variant *v, struct error *err)
{
	bool running = v->source.kind == KERNEL_SOURCE_RUNNING;

	if (running == e->host.driver->runs_in_place)
		return 0;
	e->summary->unfit = true;
	if (running)
		return error_set(
			err, -ENODEV,
			"SKIP: host %s boots kernels, and %s is the one that this machine runs: "
			"name host here, or another kernel",
			e->host.name, v->name);
	return error_set(err, -ENODEV,
			 "SKIP: host %s measures the kernel that it runs and boots no other: name "
			 "kernel running, boot %s there yourself first, or name another host (see: "
			 "nestlab host list)",
			 e->host.name, v->name);
}

/* The names that the kernels are stored under. A wrong variant is found here, before the hours that the
 * builds of the others may take. */
static int name_kernels(struct engine *e, struct error *err)
{
	const struct kernel_env env = kernels_env(e);
	struct run_summary *s = e->summary;

	run_summary_free(s);
	s->kernels = xcalloc(e->req->nkernels, sizeof(*s->kernels));
	for (size_t i = 0; i < e->req->nkernels; i++) {
		struct kernel_variant v;
		int ret = kernel_variant_load(&env, e->req->kernels[i], &v, err);

		if (ret)
			return ret;
		s->kernels[s->nkernels++] = xstrdup(v.name);
		ret = check_kernel_fits(e, &v, err);
		kernel_variant_free(&v);
		if (ret)
			return ret;
	}
	return 0;
}

/* Boots' folders and rows go by these names: each must mean one thing. */
static int check_names(const struct engine *e, struct error *err)
{
	char *const *kernels = e->summary->kernels;

	for (size_t i = 0; i < e->req->nkernels; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(kernels[i], kernels[k]))
				return error_set(
					err, -EINVAL,
					"%s and %s: two kernels have the same name; rename one",
					e->req->kernels[k], e->req->kernels[i]);
	for (size_t i = 0; i < e->req->nscenarios; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(e->plans[i].name, e->plans[k].name))
				return error_set(
					err, -EINVAL,
					"%s and %s: two scenarios have the same name; rename one",
					e->req->scenarios[k], e->req->scenarios[i]);
	return 0;
}

static void describe_environment(struct engine *e)
{
	struct json_object *env = json_object_new_object();
	struct utsname uts;

	json_object_object_add(env, "command", json_object_new_string(e->req->command));
	json_object_object_add(env, "nestlab", json_object_new_string(nestlab_version));
	json_object_object_add(env, "cores", json_object_new_int(sysconf(_SC_NPROCESSORS_ONLN)));
	if (!uname(&uts)) {
		json_object_object_add(env, "machine", json_object_new_string(uts.nodename));
		json_object_object_add(env, "kernel", json_object_new_string(uts.release));
	}
	e->environment = json_canonical(env);
	json_object_put(env);
}

/*
 * Boots in order: 1 of A, 1 of B, 2 of B, 2 of A, ... for each scenario. Every kernel comes first as
 * often as last, so what drifts from one boot to the next (a machine that warms up, a disk that
 * fills) falls on all kernels alike and not on the one that is always second. With first_boot a
 * later call goes on in the order that the earlier one left off.
 */
static void make_jobs(struct engine *e)
{
	const struct run_request *req = e->req;

	e->jobs = xcalloc(req->nscenarios * req->nkernels * req->boots, sizeof(*e->jobs));
	for (size_t s = 0; s < req->nscenarios; s++) {
		for (int b = req->first_boot; b < req->first_boot + req->boots; b++) {
			for (size_t k = 0; k < req->nkernels; k++) {
				size_t kernel = b % 2 ? k : req->nkernels - 1 - k;

				e->jobs[e->njobs++] =
					(struct job){.kernel = kernel, .plan = s, .boot = b};
			}
		}
	}
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
	struct builder_request req = kernels_wanted(e);
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

static int prepare_run(struct engine *e, struct error *err)
{
	struct kernel_env env;
	int ret;

	places_find(&e->places, NULL);
	if (!fs_exists(e->places.agent))
		return error_set(err, -ENOENT, "%s: no agent beside nestlab; run make",
				 e->places.agent);
	ret = load_plans(e, err);
	if (ret)
		return ret;
	ret = find_host(e, err);
	if (ret)
		return ret;
	ret = name_kernels(e, err);
	if (ret)
		return ret;
	ret = check_names(e, err);
	if (ret)
		return ret;
	ret = check_l1_kernels(e, err);
	if (ret)
		return ret;
	env = kernels_env(e);
	ret = pair_check(&e->host, &env, e->plans, e->req->nscenarios, err);
	e->summary->unfit |= ret == -ENODEV;
	if (ret)
		return ret;
	ret = l1_image_find(e->req->l1_image, e->host.driver->runs_in_place, e->plans,
			    e->req->nscenarios, &e->disk, err);
	e->summary->unfit |= ret == -ENODEV;
	if (ret)
		return ret;
	describe_environment(e);
	make_jobs(e);
	e->setting.environment = e->environment;
	return 0;
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

void run_summary_free(struct run_summary *summary)
{
	for (size_t i = 0; i < summary->nkernels; i++)
		free(summary->kernels[i]);
	free(summary->kernels);
	summary->kernels = NULL;
	summary->nkernels = 0;
}

int run_check(const struct run_request *req, bool *unfit, struct error *err)
{
	struct run_summary summary = {0};
	struct engine e = {
		.req = req, .summary = &summary, .found.missing = STRBUF_INIT, .err = err};
	int ret = prepare_run(&e, err);

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
	ret = prepare_run(&e, err);
	if (ret)
		goto out;
	ret = run_jobs(&e);
out:
	engine_release(&e);
	return ret;
}
