// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/run.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
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
#include "images/images.h"
#include "kernels/kernels.h"
#include "orchestrator/engine/collect.h"
#include "orchestrator/engine/boot.h"
#include "orchestrator/engine/plan.h"
#include "orchestrator/engine/selftests.h"
#include "orchestrator/engine/outcome.h"
#include "scenarios/scenarios.h"

struct engine {
	const struct run_request *req;
	struct results_db *db;
	struct run_summary *summary;
	char *root, *cache, *agent; /* folders, and the agent's path */
	char *cmdline;		    /* of every kernel on this host */
	char *selftest_cmdline;	    /* the same where selftests run */
	struct host_config host;
	const struct host_driver *driver;
	struct strbuf identity;
	char *environment;	     /* JSON */
	struct scenario_plan *plans; /* one per req->scenarios */
	struct kernel_build *builds; /* one per req->kernels */
	struct selftests *selftests; /* one per kernel and plan: [kernel * nscenarios + plan] */
	struct job *jobs;
	size_t njobs;
	size_t next;	      /* job that a worker takes next */
	pthread_mutex_t lock; /* next, db, summary, trouble */
	int trouble;	      /* first error that stops the run */
	struct error *err;
};

struct job { /* one boot */
	const struct kernel_build *kernel;
	const struct scenario_plan *plan;
	const struct selftests *selftests;
	const char *cmdline;
	int boot;
};

/* What one boot leaves, while it is made into a row. */
struct attempt {
	struct job *job;
	struct image image;
	struct host_result host;
	struct collector collected;
	char *dir, *label;
	char started[32];
	uint64_t seed;
	enum results_class class;
	struct error error;
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

static void format_now(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* ---- preparation: scenarios, host, kernels ---- */

static int load_plans(struct engine *e, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/scenarios", e->root);

	e->plans = xcalloc(e->req->nscenarios, sizeof(*e->plans));
	for (size_t i = 0; i < e->req->nscenarios; i++) {
		int ret = scenario_load(dir, e->req->scenarios[i], &e->plans[i], err);

		if (ret)
			return ret;
	}
	return 0;
}

static int find_host(struct engine *e, struct error *err)
{
	struct strbuf report = STRBUF_INIT;
	bool ok = false;
	int ret = host_find(e->req->host, &e->host, &e->driver, err);

	if (!ret)
		ret = e->driver->probe(&e->host, &ok, &report, &e->identity, err);
	if (!ret && !ok)
		ret = error_set(err, -ENODEV, "host %s cannot run:\n%s", e->req->host, report.buf);
	strbuf_release(&report);
	return ret;
}

static int build_kernel(struct engine *e, const struct kernel_env *env, size_t k, struct error *err)
{
	size_t n = e->req->nscenarios;
	int ret = kernel_build(env, e->req->kernels[k], &e->builds[k], err);

	for (size_t s = 0; !ret && s < n; s++)
		ret = selftests_prepare(env, e->req->kernels[k], &e->builds[k], &e->plans[s],
					&e->selftests[k * n + s], err);
	return ret;
}

static int build_kernels(struct engine *e, struct error *err)
{
	__cleanup_free char *variants = xasprintf("%s/kernels", e->root);
	struct kernel_env env = {.variants_dir = variants, .cache_dir = e->cache};
	int ret = 0;

	e->builds = xcalloc(e->req->nkernels, sizeof(*e->builds));
	e->selftests = xcalloc(e->req->nkernels * e->req->nscenarios, sizeof(*e->selftests));
	for (size_t i = 0; !ret && i < e->req->nkernels; i++)
		ret = build_kernel(e, &env, i, err);
	return ret;
}

/* Boots' folders and rows go by these names: each must mean one thing. */
static int check_names(const struct engine *e, struct error *err)
{
	for (size_t i = 0; i < e->req->nkernels; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(e->builds[i].name, e->builds[k].name))
				return error_set(err, -EINVAL,
						 "%s and %s: two kernels of one name; rename one",
						 e->req->kernels[k], e->req->kernels[i]);
	for (size_t i = 0; i < e->req->nscenarios; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(e->plans[i].name, e->plans[k].name))
				return error_set(err, -EINVAL,
						 "%s and %s: two scenarios of one name; rename one",
						 e->req->scenarios[k], e->req->scenarios[i]);
	return 0;
}

static void tell_names(struct engine *e)
{
	struct run_summary *s = e->summary;

	run_summary_free(s);
	s->nkernels = e->req->nkernels;
	s->kernels = xcalloc(s->nkernels, sizeof(*s->kernels));
	for (size_t i = 0; i < s->nkernels; i++)
		s->kernels[i] = xstrdup(e->builds[i].name);
}

static void describe_environment(struct engine *e)
{
	struct json_object *env = json_object_new_object();
	struct utsname uts;

	json_object_object_add(env, "command", json_object_new_string(e->req->command));
	json_object_object_add(env, "nestlab", json_object_new_string(NESTLAB_VERSION));
	json_object_object_add(env, "cores", json_object_new_int(sysconf(_SC_NPROCESSORS_ONLN)));
	if (!uname(&uts)) {
		json_object_object_add(env, "machine", json_object_new_string(uts.nodename));
		json_object_object_add(env, "kernel", json_object_new_string(uts.release));
	}
	e->environment = json_canonical(env);
	json_object_put(env);
}

static struct job make_job(const struct engine *e, size_t kernel, size_t scenario, int boot)
{
	const struct selftests *s = &e->selftests[kernel * e->req->nscenarios + scenario];

	return (struct job){
		.kernel = &e->builds[kernel],
		.plan = &e->plans[scenario],
		.selftests = s,
		.cmdline = s->nfiles ? e->selftest_cmdline : e->cmdline,
		.boot = boot,
	};
}

/* Boots in order: 1 of A, 1 of B, 2 of B, 2 of A, ... for each scenario. */
static void make_jobs(struct engine *e)
{
	const struct run_request *req = e->req;

	e->jobs = xcalloc(req->nscenarios * req->nkernels * req->boots, sizeof(*e->jobs));
	for (size_t s = 0; s < req->nscenarios; s++) {
		for (int b = 0; b < req->boots; b++) {
			for (size_t k = 0; k < req->nkernels; k++) {
				size_t at = (req->first_boot + b) % 2 ? k : req->nkernels - 1 - k;

				e->jobs[e->njobs++] = make_job(e, at, s, req->first_boot + b);
			}
		}
	}
}

/* ---- one boot ---- */

static void on_record(const char *line, size_t len, void *arg)
{
	collector_record(arg, line, len);
}

static int make_image(struct engine *e, struct attempt *a, struct error *err)
{
	__cleanup_free char *plan = plan_text(a->job->plan, a->seed);
	struct image_request req = {
		.cache_dir = e->cache,
		.bzimage = a->job->kernel->bzimage,
		.agent = e->agent,
		.plan = plan,
		.cmdline = a->job->cmdline,
		.files = a->job->selftests->files,
		.nfiles = a->job->selftests->nfiles,
	};

	return image_build(&req, &a->image, err);
}

static void judge(struct attempt *a, const struct error *host_error)
{
	const char *id = a->collected.build_id;

	a->class = verdict_find(a->host.outcome, host_error, &a->collected, &a->error);
	if (a->class != RESULTS_OK || (id && !strcmp(id, a->job->kernel->build_id)))
		return;
	a->class = RESULTS_INFRASTRUCTURE;
	error_set(&a->error, -EIO, "kernel %s was to boot, build-id %s, and %s did",
		  a->job->kernel->name, a->job->kernel->build_id, id ? id : "none");
}

static int boot(struct engine *e, struct attempt *a)
{
	struct host_boot request = {
		.run_dir = a->dir,
		.label = a->label,
		.expected = a->job->plan->nmeasures,
		.on_record = on_record,
		.arg = &a->collected,
	};
	struct error err = {0};
	int ret = fs_mkdir_p(a->dir, &err);

	ret = ret ? ret : make_image(e, a, &err);
	if (!ret) {
		request.image = a->image.path;
		ret = host_boot(e->driver, &e->host, &request, &a->host, &err);
	}
	if (ret) { /* nothing was started */
		a->host.outcome = ret == -ECANCELED ? HOST_CANCELLED : HOST_FAILED;
		a->class = verdict_of_outcome(a->host.outcome);
		a->error = err;
		return ret;
	}
	judge(a, &err);
	return 0;
}

static int store(struct engine *e, struct attempt *a, struct error *err)
{
	const struct kernel_build *k = a->job->kernel;
	struct results_boot run = {
		.kernel_name = k->name,
		.kernel_key = k->key,
		.kernel_release = k->release,
		.kernel_build_id = k->build_id,
		.bzimage_sha256 = k->bzimage_sha256,
		.source_hash = k->source_hash,
		.patches_hash = k->patches_hash,
		.config_hash = k->config_hash,
		.compiler = k->compiler,
		.image_sha256 = a->image.sha256,
		.agent_sha256 = a->image.agent_sha256,
		.plan_sha256 = a->image.plan_sha256,
		.cmdline = a->job->cmdline,
		.scenario_name = a->job->plan->name,
		.scenario_hash = a->job->plan->hash,
		.host_name = e->host.name,
		.host_driver = e->driver->name,
		.host_identity = e->identity.buf,
		.session = e->req->session,
		.environment = e->environment,
		.boot = a->job->boot,
		.seed = a->seed,
		.started = a->started,
		.wall_seconds = a->host.wall_seconds,
		.console_path = a->host.console_path,
		.status = a->class == RESULTS_OK ? "pass" : "fail",
		.class = a->class,
		.error = a->class == RESULTS_OK ? NULL : a->error.text,
	};
	int64_t id;

	collector_fill(&a->collected, &run);
	return results_store(e->db, &run, &id, err);
}

/* Takes the boot into the summary. Called with the lock held. */
static void account(struct engine *e, const struct attempt *a)
{
	struct run_summary *s = e->summary;

	if (a->class == RESULTS_OK) {
		s->boots++;
		return;
	}
	s->failed[a->class]++;
	log_error("%s: %s: %s", a->label, results_class_name(a->class), a->error.text);
	if (a->host.console_path)
		log_error("%s: console: %s", a->label, a->host.console_path);
	if (s->first.code)
		return;
	s->first = a->error;
	error_prefix(&s->first, -EIO, "%s", a->label);
}

static void stop(struct engine *e, int ret, const struct error *err)
{
	if (e->trouble)
		return;
	e->trouble = ret;
	error_set(e->err, ret, "%s", err->text);
}

static void run_job(struct engine *e, struct job *job)
{
	struct attempt a = {.job = job, .seed = e->req->seed + job->boot - 1};
	struct error err = {0};
	int ret;

	a.label = xasprintf("%s %s boot %d", job->kernel->name, job->plan->name, job->boot);
	a.dir = xasprintf("%s/%s/%s-%s-%d", e->req->runs_dir, e->req->session, job->kernel->name,
			  job->plan->name, job->boot);
	format_now(a.started, sizeof(a.started));
	collector_init(&a.collected, job->plan);
	boot(e, &a);

	pthread_mutex_lock(&e->lock);
	ret = store(e, &a, &err);
	if (ret)
		stop(e, ret, &err); /* what is not stored does not count */
	else
		account(e, &a);
	if (!ret && a.class == RESULTS_CANCELLED)
		stop(e, -ECANCELED, &a.error);
	pthread_mutex_unlock(&e->lock);

	collector_release(&a.collected);
	host_result_free(&a.host);
	image_free(&a.image);
	free(a.label);
	free(a.dir);
}

/* ---- all boots ---- */

static struct job *take_job(struct engine *e)
{
	struct job *job = NULL;

	pthread_mutex_lock(&e->lock);
	if (!e->trouble && !cancel_requested() && e->next < e->njobs)
		job = &e->jobs[e->next++];
	pthread_mutex_unlock(&e->lock);
	return job;
}

static void *work(void *arg)
{
	struct job *job;

	while ((job = take_job(arg)))
		run_job(arg, job);
	return NULL;
}

static int run_jobs(struct engine *e)
{
	size_t n = e->driver->parallel ? e->driver->parallel : sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t *threads;

	n = n < e->njobs ? n : e->njobs;
	threads = xcalloc(n, sizeof(*threads));
	for (size_t i = 0; i < n; i++) {
		int ret = pthread_create(&threads[i], NULL, work, e);

		if (ret) {
			n = i;
			e->trouble =
				error_set(e->err, -ret, "cannot start a thread: %s", strerror(ret));
		}
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	if (!e->trouble && cancel_requested())
		return cancel_error(e->err);
	return e->trouble;
}

static int prepare(struct engine *e, struct error *err)
{
	__cleanup_free char *programs = fs_program_dir();
	int ret;

	e->root = fs_data_root();
	e->cache = fs_cache_dir();
	e->agent = xasprintf("%s/nestlab-agent", programs);
	if (!fs_exists(e->agent))
		return error_set(err, -ENOENT, "%s: no agent beside nestlab; run make", e->agent);
	ret = load_plans(e, err);
	ret = ret ? ret : find_host(e, err);
	ret = ret ? ret : build_kernels(e, err);
	ret = ret ? ret : check_names(e, err);
	if (ret)
		return ret;
	e->cmdline = host_cmdline(e->driver, &e->host);
	e->selftest_cmdline = host_selftest_cmdline(e->driver, &e->host);
	tell_names(e);
	describe_environment(e);
	make_jobs(e);
	return 0;
}

static void release(struct engine *e)
{
	for (size_t i = 0; e->plans && i < e->req->nscenarios; i++)
		scenario_plan_free(&e->plans[i]);
	for (size_t i = 0; e->builds && i < e->req->nkernels; i++)
		kernel_build_free(&e->builds[i]);
	for (size_t i = 0; e->selftests && i < e->req->nkernels * e->req->nscenarios; i++)
		selftests_free(&e->selftests[i]);
	host_config_free(&e->host);
	strbuf_release(&e->identity);
	free(e->plans);
	free(e->builds);
	free(e->selftests);
	free(e->jobs);
	free(e->environment);
	free(e->cmdline);
	free(e->selftest_cmdline);
	free(e->root);
	free(e->cache);
	free(e->agent);
}

void run_summary_free(struct run_summary *summary)
{
	for (size_t i = 0; i < summary->nkernels; i++)
		free(summary->kernels[i]);
	free(summary->kernels);
	summary->kernels = NULL;
	summary->nkernels = 0;
}

int run_execute(const struct run_request *req, struct results_db *db, struct run_summary *summary,
		struct error *err)
{
	struct engine e = {
		.req = req,
		.db = db,
		.summary = summary,
		.identity = STRBUF_INIT,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.err = err,
	};
	int ret = prepare(&e, err);

	if (!ret)
		ret = run_jobs(&e);
	release(&e);
	return ret;
}
