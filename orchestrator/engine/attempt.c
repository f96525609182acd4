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
#include "images/capabilities.h"
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

static char *boot_dir(const struct attempt *a)
{
	return xasprintf("%s/%s/%s-%s-%d", a->setting.runs_dir, a->setting.session,
			 a->job.kernel->name, a->job.plan->name, a->job.boot);
}

static char *rest_dir(const struct attempt *a)
{
	__cleanup_free char *dir = boot_dir(a);

	return xasprintf("%s-from-%zu", dir, a->first);
}

struct attempt *attempt_new(const struct attempt_setting *setting, const struct attempt_job *job)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	const char *kernel = job->kernel->name, *scenario = job->plan->name;

	a->setting = *setting;
	a->job = *job;
	a->label = xasprintf("%s %s boot %d", kernel, scenario, job->boot);
	a->dir = boot_dir(a);
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
	struct image_file *files = xcalloc(tests->nfiles + a->userland.nfiles + 2, sizeof(*files));

	*count = 0;
	append_files(files, count, tests->files, tests->nfiles);
	append_files(files, count, a->userland.files, a->userland.nfiles);
	if (a->job.l1)
		files[(*count)++] = (struct image_file){.path = "/l1/vmlinux",
							.source = a->job.l1->vmlinux,
							.mode = 0644,
							.packed = true};
	if (a->job.disk)
		files[(*count)++] = (struct image_file){
			.path = "/l1/disk", .source = a->job.disk->path, .mode = 0644};
	return files;
}

/* What libvirt found out in an earlier boot of this kernel, with these parameters, on this host. */
static int add_capabilities(struct attempt *a, struct error *err)
{
	const struct capabilities_below below = {.kernel = a->job.kernel->bzimage_sha256,
						 .cmdline = a->cmdline,
						 .host = a->setting.host->name};
	int ret = capabilities_find(a->setting.places->cache, &a->userland, &below,
				    &a->capabilities, err);

	if (!ret)
		capabilities_add(&a->userland, a->capabilities);
	return ret;
}

static int collect_userland(struct attempt *a, struct error *err)
{
	const struct scenario_plan *plan = a->job.plan;
	bool has_libvirt = scenario_plan_has_vmm(plan, PLAN_VMM_LIBVIRT);
	unsigned int sets = 0;
	int ret;

	if (!scenario_plan_has_userland(plan))
		return 0;
	if (scenario_plan_has_vmm(plan, PLAN_VMM_QEMU))
		sets |= USERLAND_QEMU;
	if (scenario_plan_has_disk(plan) || scenario_plan_has_scenario(plan, PLAN_L1_UNPLUG))
		sets |= USERLAND_PC;
	if (scenario_plan_has_l1(plan, PLAN_L1_HYPERV))
		sets |= USERLAND_UEFI;
	if (has_libvirt)
		sets |= USERLAND_LIBVIRT;
	if (scenario_plan_has_peers(plan))
		sets |= USERLAND_PEERS;
	ret = userland_collect(sets, a->setting.places->programs, &a->userland, err);
	if (!ret && has_libvirt)
		ret = add_capabilities(a, err);
	return ret;
}

static int make_image(struct attempt *a, struct error *err)
{
	__cleanup_free char *plan = plan_text(a->job.plan, a->first, a->job.seed);
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
	__cleanup_free char *plan = plan_text(a->job.plan, a->first, a->job.seed);
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

static void append_text(struct error *to, const char *between, const char *text)
{
	if (to->text[0])
		error_append(to, -EIO, "%s%s", between, text);
	else
		error_set(to, -EIO, "%s", text);
}

/* What ended earlier boots counts as well. */
static void join_ended(struct attempt *a)
{
	if (!a->ended.text[0] || a->class == RESULTS_CANCELLED)
		return;
	if (a->class == RESULTS_INTEGRITY) {
		append_text(&a->error, RESULTS_BESIDES, a->ended.text);
		return;
	}
	if (a->class != RESULTS_OK)
		append_text(&a->ended, "; then: ", a->error.text);
	a->class = RESULTS_GUEST;
	a->error = a->ended;
}

/* Nothing was started, for the reason that a->error has. */
static void fail_unstarted(struct attempt *a, int ret)
{
	a->result.outcome = ret == -ECANCELED ? BOOT_CANCELLED : BOOT_HOST_FAILED;
	a->class = outcome_class(a->result.outcome);
	join_ended(a);
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
	struct error err = {0};

	collector_record(&a->collected, record);
	if (a->job.pair && pair_record(a->job.pair, a->job.side, a->running, record, &err))
		log_error("%s: %s", a->label, err.text);
}

struct boot *attempt_begin(struct attempt *a)
{
	struct boot_request request = {
		.image = a->image.path,
		.cmdline = a->cmdline,
		.agent = a->setting.places->agent,
		.plan = a->plan,
		.selftests = a->selftests,
		.run_dir = a->dir,
		.label = a->label,
		.expected = a->job.plan->nmeasures,
		.tracer = a->job.tracer,
		.on_record = note_record,
		.arg = a,
	};

	if (a->job.l1)
		request.l1_kernel = a->job.l1->vmlinux;
	if (a->job.disk)
		request.l1_image = a->job.disk->path;
	a->running = boot_begin(a->setting.host, &request);
	return a->running;
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

/* The selftest that the boot ended with, or NULL: it was told to the end, or ended in something else. */
static const struct scenario_measure *find_fatal_test(const struct attempt *a)
{
	static const enum boot_outcome fatal[] = {BOOT_GUEST_PANIC, BOOT_HANG, BOOT_GUEST_DIED};
	const struct scenario_measure *m = a->collected.running;

	for (size_t i = 0; m && i < ARRAY_SIZE(fatal); i++)
		if (a->result.outcome == fatal[i] && plan_scenario_is_selftest(m->line.scenario))
			return m;
	return NULL;
}

/* What is left of the plan takes a boot of its own, in a folder of its own. */
static void prepare_rest(struct attempt *a, const struct scenario_measure *last, const char *why)
{
	__cleanup_free char *told = xasprintf("selftest %s: %s", last->line.test, why);
	char *label = a->label;

	log_warning("%s: %s; the rest of the plan follows", a->label, told);
	append_text(&a->ended, "; ", told);
	a->goes_on = true;
	a->first = (size_t)(last - a->job.plan->measures) + 1;
	a->label = xasprintf("%s, from measurement %zu", label, a->first);
	free(label);
	if (!a->console)
		a->console = xstrdup(a->result.console_path);
	a->seconds += a->result.wall_seconds;
	boot_result_free(&a->result);
	image_free(&a->image);
	userland_free(&a->userland);
	free(a->capabilities);
	a->capabilities = NULL;
	free(a->plan);
	free(a->selftests);
	a->plan = a->selftests = NULL;
	free(a->dir);
	a->dir = rest_dir(a);
}

/* What ended the boot is the test's failure, and the other tests are run without it. */
static void give_up_test(struct attempt *a, const struct scenario_measure *test, const char *why)
{
	const struct scenario_plan *plan = a->job.plan;

	collector_give_up(&a->collected, why);
	if (test + 1 < plan->measures + plan->nmeasures)
		prepare_rest(a, test, why);
}

/* It went without, or libvirt did not take it: that took as long as all else that libvirt does. What failed afterwards does
 * not change what QEMU can do. */
static void keep_capabilities(const struct attempt *a)
{
	struct error err = {0};

	if (!a->collected.capabilities || !a->capabilities)
		return;
	if (capabilities_keep(a->capabilities, a->collected.capabilities, &err))
		log_warning("%s: libvirt asked QEMU what it can do, and will again: %s", a->label,
			    err.text);
	else
		log_info(
			"%s: libvirt asked QEMU what it can do; the next boots of this kernel know",
			a->label);
}

/* A long plan that ended early: what came is stored, and the entries behind can be run by themselves. What an L1's destination
 * has measured (its entries are of no file) goes with the source. */
static void tell_rest(const struct attempt *a)
{
	const struct scenario_plan *plan = a->job.plan;
	const struct scenario_measure *last = a->collected.running;

	if (!last || last->entry >= plan->last)
		return;
	log_warning("%s: ended in entry %zu of its scenario; %zu of %zu measurements came and are "
		    "stored; scenario %s+%zu-%zu is the entries behind it",
		    a->label, last->entry, a->collected.ended, plan->nmeasures, plan->path,
		    last->entry + 1, plan->last);
}

void attempt_judge(struct attempt *a, struct boot *over)
{
	const struct scenario_measure *fatal;
	struct error err = {0};
	int ret = boot_end(over, &a->result, &err);

	a->goes_on = false;
	a->running = NULL;

	if (a->result.undone)
		log_warning("%s: host %s was not restored, undo this by hand: %s", a->label,
			    a->setting.host->name, a->result.undone);
	if (ret) {
		a->error = err;
		fail_unstarted(a, ret);
		return;
	}
	fatal = find_fatal_test(a);
	if (fatal)
		give_up_test(a, fatal, err.text);
	if (a->goes_on)
		return;
	a->class = outcome_judge(a->result.outcome, &err, &a->collected, &a->error);
	if (a->class == RESULTS_OK)
		check_build_id(a);
	if (a->class == RESULTS_OK)
		check_l1_build_id(a);
	keep_capabilities(a);
	join_ended(a);
	tell_rest(a);
}

const char *attempt_console(const struct attempt *a)
{
	return a->console ? a->console : a->result.console_path;
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
		.wall_seconds = a->seconds + a->result.wall_seconds,
		.console_path = attempt_console(a),
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
	} else if (a->job.disk) {
		boot.l1_kernel_name = a->job.disk->name;
		boot.l1_kernel_key = a->job.disk->sha256;
		boot.l1_kernel_release = a->collected.l1_release;
	}
	collector_fill(&a->collected, &boot);
	return results_store(s->db, &boot, &id, err);
}

void attempt_free(struct attempt *a)
{
	if (a->job.pair)
		pair_leave(a->job.pair, a->job.side, a->label);
	pair_drop(a->job.pair);
	collector_release(&a->collected);
	boot_result_free(&a->result);
	image_free(&a->image);
	userland_free(&a->userland);
	free(a->capabilities);
	free(a->console);
	free(a->label);
	free(a->dir);
	free(a->cmdline);
	free(a->plan);
	free(a->selftests);
	free(a);
}
