// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/engine/outcome.h"
#include "orchestrator/engine/plan.h"

static void format_now(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static char *make_cmdline(const struct attempt_setting *setting, const struct attempt_job *job)
{
	bool logs_dirty_pages = job->selftests->nfiles || scenario_plan_has_moves(job->plan);
	__cleanup_free char *needed = setting->host->driver->cmdline(
		setting->host, logs_dirty_pages ? HOST_SELFTESTS : HOST_MEASURES);

	if (!setting->append)
		return xstrdup(needed);
	return xasprintf("%s %s", needed, setting->append);
}

struct attempt *attempt_new(const struct attempt_setting *setting, const struct attempt_job *job)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	const char *kernel = job->kernel->name, *scenario = job->plan->name;

	a->setting = *setting;
	a->job = *job;
	a->label = xasprintf("%s %s boot %d", kernel, scenario, job->boot);
	a->dir = xasprintf("%s/%s/%s-%s-%d", setting->runs_dir, setting->session, kernel, scenario,
			   job->boot);
	a->cmdline = make_cmdline(setting, job);
	format_now(a->started, sizeof(a->started));
	collector_init(&a->collected, job->plan);
	return a;
}

static void append_files(struct image_file *to, size_t *count, const struct image_file *files,
			 size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[(*count)++] = files[i];
}

/* The selftests, QEMU, and the kernel of Linux L1s where the agent looks for it. The caller frees the array. */
static struct image_file *list_files(const struct attempt *a, size_t *count)
{
	const struct selftests *tests = a->job.selftests;
	struct image_file *files = xcalloc(tests->nfiles + a->userland.nfiles + 1, sizeof(*files));

	*count = 0;
	append_files(files, count, tests->files, tests->nfiles);
	append_files(files, count, a->userland.files, a->userland.nfiles);
	if (a->job.l1)
		files[(*count)++] = (struct image_file){.path = "/l1/vmlinux",
							.source = a->job.l1->vmlinux,
							.mode = 0644,
							.packed = true};
	return files;
}

static int collect_userland(struct attempt *a, struct error *err)
{
	enum userland_set set = USERLAND_QEMU;

	if (!scenario_plan_has_userland(a->job.plan))
		return 0;
	if (scenario_plan_has_vmm(a->job.plan, PLAN_VMM_LIBVIRT))
		set = USERLAND_LIBVIRT;
	return userland_collect(set, a->setting.places->programs, &a->userland, err);
}

static int make_image(struct attempt *a, struct error *err)
{
	__cleanup_free char *plan = plan_text(a->job.plan, a->job.seed);
	size_t nfiles;
	__cleanup_free struct image_file *files = list_files(a, &nfiles);
	struct image_request req = {
		.cache_dir = a->setting.places->cache,
		.bzimage = a->job.kernel->bzimage,
		.agent = a->setting.places->agent,
		.plan = plan,
		.cmdline = a->cmdline,
		.files = files,
		.nfiles = nfiles,
	};

	return image_build(&req, &a->image, err);
}

/* The selftests are not copied: the agent finds them by their names in a folder. */
static int link_selftests(struct attempt *a, struct error *err)
{
	const struct selftests *tests = a->job.selftests;
	int ret;

	if (!tests->nfiles)
		return 0;
	a->selftests = xasprintf("%s/selftests", a->dir);
	ret = fs_mkdir_p(a->selftests, err);
	for (size_t i = 0; !ret && i < tests->nfiles; i++) {
		__cleanup_free char *link =
			xasprintf("%s/%s", a->selftests, basename(tests->files[i].path));

		if (symlink(tests->files[i].source, link))
			ret = error_set(err, -errno, "%s: cannot make a link: %s", link,
					strerror(errno));
	}
	return ret;
}

/* Where the agent runs as a process, its plan is a file of the run directory. */
static int make_files(struct attempt *a, struct error *err)
{
	__cleanup_free char *plan = plan_text(a->job.plan, a->job.seed);
	int ret;

	a->plan = xasprintf("%s/plan", a->dir);
	ret = fs_write_file(a->plan, plan, strlen(plan), err);
	if (ret)
		return ret;
	sha256_bytes(plan, strlen(plan), a->image.plan_sha256);
	ret = sha256_file(a->setting.places->agent, a->image.agent_sha256, err);
	if (ret)
		return ret;
	return link_selftests(a, err);
}

/* Nothing was started, for the reason that a->error has. */
static void fail_unstarted(struct attempt *a, int ret)
{
	a->result.outcome = ret == -ECANCELED ? BOOT_CANCELLED : BOOT_HOST_FAILED;
	a->class = outcome_class(a->result.outcome);
}

int attempt_prepare(struct attempt *a)
{
	int ret = fs_mkdir_p(a->dir, &a->error);

	if (ret)
		goto out;
	if (a->setting.host->driver->runs_in_place)
		ret = make_files(a, &a->error);
	else
		ret = collect_userland(a, &a->error);
	if (!ret && !a->setting.host->driver->runs_in_place)
		ret = make_image(a, &a->error);
out:
	if (ret)
		fail_unstarted(a, ret);
	return ret;
}

static void note_record(struct json_object *record, void *arg)
{
	struct attempt *a = arg;

	collector_record(&a->collected, record);
}

struct boot *attempt_begin(struct attempt *a)
{
	const struct boot_request request = {
		.image = a->image.path,
		.cmdline = a->cmdline,
		.agent = a->setting.places->agent,
		.plan = a->plan,
		.selftests = a->selftests,
		.l1_kernel = a->job.l1 ? a->job.l1->vmlinux : NULL,
		.run_dir = a->dir,
		.label = a->label,
		.expected = a->job.plan->nmeasures,
		.tracer = a->job.tracer,
		.on_record = note_record,
		.arg = a,
	};

	return boot_begin(a->setting.host, &request);
}

/* The records must be those of the kernel that was to boot. */
static void check_build_id(struct attempt *a)
{
	const struct kernel_build *kernel = a->job.kernel;
	const char *id = a->collected.build_id;

	if (id && !strcmp(id, kernel->build_id))
		return;
	a->class = RESULTS_INFRASTRUCTURE;
	error_set(&a->error, -EIO,
		  "the wrong kernel booted: %s has build-id %s, the agent reports %s", kernel->name,
		  kernel->build_id, id ? id : "none");
}

/* And those of a Linux L1 must be of the kernel that it was to boot. */
static void check_l1_build_id(struct attempt *a)
{
	const struct kernel_build *l1 = a->job.l1;
	const char *id = a->collected.l1_build_id;

	if (!l1 || !id || !strcmp(id, l1->build_id))
		return;
	a->class = RESULTS_INFRASTRUCTURE;
	error_set(&a->error, -EIO,
		  "the wrong kernel booted as L1: %s has build-id %s, the agent in L1 reports %s",
		  l1->name, l1->build_id, id);
}

void attempt_judge(struct attempt *a, struct boot *over)
{
	struct error err = {0};
	int ret = boot_end(over, &a->result, &err);

	if (a->result.undone)
		log_warning("%s: host %s was not restored, undo this by hand: %s", a->label,
			    a->setting.host->name, a->result.undone);
	if (ret) {
		a->error = err;
		fail_unstarted(a, ret);
		return;
	}
	a->class = outcome_judge(a->result.outcome, &err, &a->collected, &a->error);
	if (a->class == RESULTS_OK)
		check_build_id(a);
	if (a->class == RESULTS_OK)
		check_l1_build_id(a);
}

/* What ran the L1s made the numbers, too: boots with another QEMU are not compared with these, nor are those of a
 * kernel without what it needs. */
static char *identify(const struct attempt *a)
{
	const struct attempt_setting *s = &a->setting;
	char *text = host_identity(s->host, s->found, a->collected.hello);
	struct json_object *identity;

	if (!a->userland.version)
		return text;
	identity = json_tokener_parse(text);
	json_add_string(identity, "userland", a->userland.version);
	free(text);
	text = json_canonical(identity);
	json_object_put(identity);
	return text;
}

int attempt_store(const struct attempt *a, struct error *err)
{
	const struct attempt_setting *s = &a->setting;
	const struct kernel_build *k = a->job.kernel;
	const struct kernel_build *l1 = a->job.l1;
	__cleanup_free char *identity = identify(a);
	struct results_boot boot = {
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
		.cmdline = a->cmdline,
		.scenario_name = a->job.plan->name,
		.scenario_hash = a->job.plan->hash,
		.host_name = s->host->name,
		.host_driver = s->host->driver->name,
		.host_identity = identity,
		.session = s->session,
		.environment = s->environment,
		.boot = a->job.boot,
		.seed = a->job.seed,
		.started = a->started,
		.wall_seconds = a->result.wall_seconds,
		.console_path = a->result.console_path,
		.status = "pass",
		.class = a->class,
	};
	int64_t id;

	if (a->class != RESULTS_OK) {
		boot.status = "fail";
		boot.error = a->error.text;
	}
	if (l1) {
		boot.l1_kernel_name = l1->name;
		boot.l1_kernel_key = l1->key;
		boot.l1_kernel_release = l1->release;
	}
	collector_fill(&a->collected, &boot);
	return results_store(s->db, &boot, &id, err);
}

void attempt_free(struct attempt *a)
{
	collector_release(&a->collected);
	boot_result_free(&a->result);
	image_free(&a->image);
	userland_free(&a->userland);
	free(a->label);
	free(a->dir);
	free(a->cmdline);
	free(a->plan);
	free(a->selftests);
	free(a);
}
