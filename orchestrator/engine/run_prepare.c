// SPDX-License-Identifier: GPL-2.0-only
/* All that can be known before something is built or booted: scenarios, host, kernels' names, and the boots in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/engine/run_state.h"
#include "orchestrator/version.h"

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

struct builder_request run_wanted_kernels(const struct engine *e)
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
	const struct builder_request wanted = run_wanted_kernels(e);

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

/* No error: a daemon cuts a run of several scenarios into its boots, and not each of them needs what the run is given. */
void run_warn_of_unused(const struct engine *e)
{
	bool has_linux = false, has_disk = false;

	for (size_t p = 0; p < e->req->nscenarios; p++) {
		has_linux |= scenario_plan_has_linux(&e->plans[p]);
		has_disk |= scenario_plan_has_disk(&e->plans[p]);
	}
	if (e->req->l1_kernel && !has_linux)
		log_warning("--l1-kernel %s: no scenario here has an L1 that boots a kernel of "
			    "ours (l1 linux-...): nothing boots it",
			    e->req->l1_kernel);
	if (e->req->l1_image && !has_disk)
		log_warning("--l1-image %s: no scenario here has l1 disk or hyperv: nothing boots "
			    "it",
			    e->req->l1_image);
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

void run_summary_free(struct run_summary *summary)
{
	for (size_t i = 0; i < summary->nkernels; i++)
		free(summary->kernels[i]);
	free(summary->kernels);
	summary->kernels = NULL;
	summary->nkernels = 0;
}

int run_prepare(struct engine *e, struct error *err)
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
