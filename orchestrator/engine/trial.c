// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/protocol.h"
#include "common/alloc.h"
#include "common/fs.h"
#include "images/images.h"
#include "kernels/kernels.h"
#include "orchestrator/engine/loop.h"

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : "";
}

static void note_record(struct json_object *record, void *arg)
{
	struct trial *t = arg;
	const char *type = text_of(record, "type");

	if (!strcmp(type, "hello") && !t->hello)
		t->hello = json_object_get(record);
	if (!strcmp(type, "fatal") && !t->fatal)
		t->fatal = xstrdup(text_of(record, "text"));
}

static int make_image(const char *cmdline, const struct places *places,
		      const struct kernel_build *kernel, struct image *image, struct error *err)
{
	__cleanup_free char *plan =
		xasprintf("nestlab-plan %d\nrun seed=0\nend count=0\n", PROTOCOL_VERSION);
	const struct image_request req = {
		.cache_dir = places->cache,
		.bzimage = kernel->bzimage,
		.agent = places->agent,
		.plan = plan,
		.cmdline = cmdline,
	};

	return image_build(&req, image, err);
}

static int boot_image(const struct host_config *cfg, const struct image *image, const char *cmdline,
		      struct trial *t, struct error *err)
{
	__cleanup_free char *label = xasprintf("host %s", cfg->name);
	const struct boot_request request = {
		.image = image->path,
		.cmdline = cmdline,
		.run_dir = t->run_dir,
		.label = label,
		.on_record = note_record,
		.arg = t,
	};
	int ret = fs_remove_tree(t->run_dir, err); /* of the trial before */

	if (!ret)
		ret = fs_mkdir_p(t->run_dir, err);
	return ret ? ret : boot_once(cfg, &request, &t->result, err);
}

int trial_boot(const struct host_config *cfg, const struct places *places, struct trial *trial,
	       struct error *err)
{
	const struct kernel_env env = {
		.variants = places->variants,
		.cache_dir = places->cache,
		.host_fragments = (const char *const *)cfg->kernel_config,
	};
	__cleanup_free char *cmdline = cfg->driver->cmdline(cfg, HOST_MEASURES);
	struct kernel_build kernel;
	struct image image;
	int ret;

	*trial = (struct trial){.run_dir = xasprintf("%s/check-%s", places->runs, cfg->name)};
	ret = kernel_build(&env, TRIAL_KERNEL, &kernel, err);
	if (ret)
		return ret;
	ret = make_image(cmdline, places, &kernel, &image, err);
	kernel_build_free(&kernel);
	if (ret)
		return ret;
	ret = boot_image(cfg, &image, cmdline, trial, err);
	image_free(&image);
	return ret;
}

void trial_release(struct trial *t)
{
	boot_result_free(&t->result);
	json_object_put(t->hello);
	free(t->fatal);
	free(t->run_dir);
	*t = (struct trial){0};
}
