// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/shell.h"
#include "orchestrator/bisect/probe.h"
#include "orchestrator/engine/attempt.h"
#include "orchestrator/engine/loop.h"
#include "orchestrator/explain/profile.h"
#include "results/store/distribution.h"

#define PATIENCE 4  /* times the host's limit without progress */
#define ROUNDS	 40 /* unless the request says how many: with 8 L2 vCPUs 320 operations a boot */

struct side {
	struct kernel_build build;
	struct sampler sampler;
	bool has_sampler;
	double median, mean; /* sums over the boots */
	int operations, boots;
};

struct work {
	const struct request_explain *request;
	const char *session, *runs_dir;
	struct places places;
	struct host_config host;
	struct host_found found;
	struct scenario_plan plan;
	struct side sides[2];
	size_t nsides;
	struct selftests none;
	struct boot_loop *loop;
	struct attempt_setting setting;
};

/* ---- getting ready ---- */

static int find_host(struct work *w, struct error *err)
{
	const char *why = "its driver cannot follow instructions; emulated can";
	int ret = host_find(&w->places, w->request->host, &w->host, err);

	if (ret)
		return ret;
	if (w->host.driver->cannot_trace)
		why = w->host.driver->cannot_trace(&w->host);
	if (why)
		return error_set(err, -ENOTSUP, "SKIP: host %s: %s", w->request->host, why);
	/* While operations are followed no record comes, and they are followed slowly. */
	w->host.progress_limit_s *= PATIENCE;
	ret = host_probe(&w->host, &w->places, &w->found, err);
	if (ret)
		return ret;
	if (!w->found.ready)
		return error_set(err, -ENODEV, "host %s cannot run now: %s (%s host check %s)",
				 w->host.name, w->found.missing.buf, shell_program(), w->host.name);
	return 0;
}

static int make_plan(struct work *w, struct error *err)
{
	struct request_probe probe = w->request->probe;
	__cleanup_free char *dir = xasprintf("%s/%s", w->runs_dir, w->session);
	__cleanup_free char *path = xasprintf("%s/explain.json", dir);
	int ret;

	if (!sampler_find_metric(probe.scenario, probe.metric, err))
		return -EINVAL;
	if (!probe.rounds)
		probe.rounds = ROUNDS;
	ret = bisect_probe_check(&probe, err);
	if (ret)
		return ret;
	ret = fs_mkdir_p(dir, err);
	if (ret)
		return ret;
	ret = bisect_probe_write(&probe, path, err);
	if (ret)
		return ret;
	ret = scenario_load(&w->places.scenarios, path, &w->plan, err);
	if (ret)
		return ret;
	return sampler_check_measure(sampler_find_metric(probe.scenario, probe.metric, err),
				     &w->plan.measures[0].line, err);
}

static int read_images(struct work *w, const char *kernel, const struct kernel_env *env,
		       struct side *side, struct explain_image images[3], struct error *err)
{
	struct strbuf list = STRBUF_INIT;
	int ret = explain_image_read(side->build.vmlinux, &images[0], err);

	if (!ret)
		ret = explain_image_read(w->places.agent_symbols, &images[1], err);
	if (!ret)
		ret = explain_image_read(w->places.l1_symbols, &images[2], err);
	if (!ret)
		ret = kernel_functions(env, kernel, &side->build, &list, err);
	if (!ret)
		explain_image_place(&images[0], list.buf);
	strbuf_release(&list);
	return ret;
}

static int prepare_side(struct work *w, const char *kernel, struct side *side, struct error *err)
{
	const struct kernel_env env = {
		.variants = w->places.variants,
		.cache_dir = w->places.cache,
		.host_fragments = (const char *const *)w->host.kernel_config,
	};
	const struct plan_measure *m = &w->plan.measures[0].line;
	const struct request_probe *probe = &w->request->probe;
	const struct sampler_metric *metric =
		sampler_find_metric(probe->scenario, probe->metric, err);
	struct explain_image images[3] = {0};
	int ret = kernel_build(&env, kernel, &side->build, err);

	if (ret)
		return ret;
	ret = read_images(w, kernel, &env, side, images, err);
	if (!ret) {
		side->has_sampler = true;
		ret = sampler_init(&side->sampler, metric, m, &images[0], &images[1], &images[2],
				   err);
	}
	for (int i = 0; i < 3; i++)
		explain_image_free(&images[i]);
	return ret;
}

static int prepare(struct work *w, struct error *err)
{
	const struct request_list *kernels = &w->request->kernels;
	int ret = find_host(w, err);

	if (ret)
		return ret;
	if (!fs_exists(w->places.agent))
		return error_set(err, -ENOENT, "%s: no agent beside nestlab; run make",
				 w->places.agent);
	ret = make_plan(w, err);
	for (size_t i = 0; !ret && i < kernels->count; i++) {
		w->nsides = i + 1;
		ret = prepare_side(w, kernels->items[i], &w->sides[i], err);
	}
	return ret;
}

/* ---- boots ---- */

static const struct results_metric *find_metric(const struct collector *c, const char *name)
{
	for (size_t i = 0; i < c->nmetrics; i++)
		if (!strcmp(c->metrics[i].metric, name))
			return &c->metrics[i];
	return NULL;
}

static int say_failed(const struct attempt *a, struct error *err)
{
	const char *console = a->result.console_path;
	int ret = -EIO;

	if (a->class == RESULTS_CANCELLED)
		return cancel_error(err);
	error_set(err, ret, "%s: %s: %s", a->label, results_class_name(a->class), a->error.text);
	if (console)
		error_append(err, ret, " (console: %s)", console);
	return ret;
}

static const char *why_no_metric(const struct attempt *a)
{
	if (a->collected.ntests)
		return a->collected.tests[0].text;
	return "the measurement gave no such metric";
}

static int take_boot(struct work *w, struct side *side, const struct attempt *a, struct error *err)
{
	const struct results_metric *m = find_metric(&a->collected, w->request->probe.metric);

	if (a->class != RESULTS_OK)
		return say_failed(a, err);
	if (!m)
		return error_set(err, -ENOTSUP, "SKIP: %s: %s", a->label, why_no_metric(a));
	side->median += distribution_quantile(m, 0.5);
	side->mean += m->mean;
	side->operations += (int)m->count;
	side->boots++;
	return 0;
}

static int start_boot(struct work *w, size_t side, int boot, struct attempt **out,
		      struct error *err)
{
	struct side *s = &w->sides[side];
	uint64_t seed = (uint64_t)w->request->seed + (uint64_t)boot - 1;
	const struct attempt_job job = {
		.kernel = &s->build,
		.plan = &w->plan,
		.selftests = &w->none,
		.tracer = &s->sampler.tracer,
		/* counted through: a kernel may be explained against itself */
		.boot = (boot - 1) * (int)w->nsides + (int)side + 1,
		.seed = seed,
	};

	*out = attempt_new(&w->setting, &job);
	/* the two samples of one kernel against itself are not to be the same one */
	sampler_restart(&s->sampler, 2 * seed + side);
	if (attempt_prepare(*out))
		return error_set(err, (*out)->error.code, "%s", (*out)->error.text);
	boot_loop_add(w->loop, attempt_begin(*out));
	return 0;
}

static size_t boots_at_once(const struct work *w)
{
	if (w->host.parallel > 0)
		return (size_t)w->host.parallel;
	return (size_t)sysconf(_SC_NPROCESSORS_ONLN);
}

/* One boot of each kernel. */
static int make_boots(struct work *w, int boot, struct error *err)
{
	struct attempt *attempts[2] = {0};
	size_t started = 0, running = 0;
	int ret = 0;

	while (running || (!ret && started < w->nsides)) {
		struct boot *over;

		while (!ret && started < w->nsides && running < boots_at_once(w)) {
			ret = start_boot(w, started, boot, &attempts[started], err);
			running += !ret;
			started++;
		}
		if (!running)
			break;
		over = boot_loop_wait(w->loop);
		if (!over)
			continue;
		attempt_judge(boot_arg(over), over);
		running--;
	}
	for (size_t i = 0; i < w->nsides; i++) {
		if (!ret && attempts[i])
			ret = take_boot(w, &w->sides[i], attempts[i], err);
		if (attempts[i])
			attempt_free(attempts[i]);
	}
	return ret;
}

/* ---- the answer ---- */

static void describe(const struct work *w, struct explanation *e)
{
	const struct sampler_metric *metric = w->sides[0].sampler.metric;
	time_t now = time(NULL);
	struct tm tm;
	char made[32];

	strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	*e = (struct explanation){
		.scenario = xstrdup(metric->scenario),
		.metric = xstrdup(metric->metric),
		.operation = xstrdup(metric->operation),
		.params = xstrdup(w->plan.measures[0].params),
		.host = xstrdup(w->host.name),
		.made = xstrdup(made),
		.seed = (uint64_t)w->request->seed,
		.nsides = (int)w->nsides,
	};
	for (size_t i = 0; i < w->nsides; i++) {
		const struct side *s = &w->sides[i];

		e->sides[i] = (struct explain_side){
			.kernel = xstrdup(s->build.name),
			.key = xstrdup(s->build.key),
			.median = s->median / s->boots,
			.mean = s->mean / s->boots,
			.operations = s->operations,
			.boots = s->boots,
		};
	}
}

static int conclude(struct work *w, struct explanation *e, struct error *err)
{
	struct sampler *samplers[2] = {&w->sides[0].sampler, &w->sides[1].sampler};
	int ret;

	explanation_free(e);
	describe(w, e);
	ret = profile_explain(samplers, e, err);
	if (ret)
		explanation_free(e);
	return ret;
}

static int boot_until_narrow(struct work *w, struct explanation *e, struct error *err)
{
	int ret = boot_loop_new(&w->loop, err);

	for (int boot = 1; !ret && boot <= w->request->max_boots; boot++) {
		ret = make_boots(w, boot, err);
		if (!ret && cancel_requested())
			ret = cancel_error(err);
		if (!ret)
			ret = conclude(w, e, err);
		if (!ret && explain_half_width(e) <= explain_aimed_width(e))
			break;
	}
	return ret;
}

static void release(struct work *w)
{
	if (w->loop)
		boot_loop_free(w->loop);
	for (size_t i = 0; i < w->nsides; i++) {
		kernel_build_free(&w->sides[i].build);
		if (w->sides[i].has_sampler)
			sampler_free(&w->sides[i].sampler);
	}
	scenario_plan_free(&w->plan);
	host_config_free(&w->host);
	host_found_free(&w->found);
	places_free(&w->places);
}

int explain_execute(const struct request_explain *request, const char *session,
		    const char *runs_dir, struct explanation *e, struct error *err)
{
	struct work w = {.request = request,
			 .session = session,
			 .runs_dir = runs_dir,
			 .found.missing = STRBUF_INIT};
	int ret;

	*e = (struct explanation){0};
	places_find(&w.places, NULL);
	w.setting = (struct attempt_setting){
		.places = &w.places,
		.host = &w.host,
		.found = &w.found,
		.session = session,
		.runs_dir = runs_dir,
		.environment = "{}",
	};
	ret = prepare(&w, err);
	if (!ret)
		ret = boot_until_narrow(&w, e, err);
	if (ret)
		explanation_free(e);
	release(&w);
	return ret;
}
