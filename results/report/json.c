// SPDX-License-Identifier: GPL-2.0-only
/* JSON for programs: what `compare --json` says, and what stands behind it. */
#include "results/report/commands.h"
#include "results/report/formats.h"
#include "results/report/objects.h"

static void add_parsed(struct json_object *obj, const char *key, const char *text)
{
	struct json_object *doc = objects_parse(text);

	if (doc)
		json_object_object_add(obj, key, doc);
}

static struct json_object *make_kernel(const struct results_boot *run)
{
	struct json_object *k = json_object_new_object();

	objects_add_text(k, "name", run->kernel_name);
	objects_add_text(k, "key", run->kernel_key);
	objects_add_text(k, "release", run->kernel_release);
	objects_add_text(k, "build_id", run->kernel_build_id);
	objects_add_text(k, "bzimage_sha256", run->bzimage_sha256);
	objects_add_text(k, "source_hash", run->source_hash);
	objects_add_text(k, "patches_hash", run->patches_hash);
	objects_add_text(k, "config_hash", run->config_hash);
	objects_add_text(k, "compiler", run->compiler);
	return k;
}

static struct json_object *make_boot(const struct report_boot *b)
{
	const struct results_boot *run = &b->run;
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "run", json_object_new_int64(b->id));
	objects_add_text(j, "kernel", report_side_name(b->side));
	objects_add_text(j, "session", run->session);
	json_object_object_add(j, "boot", json_object_new_int(run->boot));
	json_object_object_add(j, "seed", json_object_new_uint64(run->seed));
	objects_add_text(j, "started", run->started);
	json_object_object_add(j, "wall_seconds", json_object_new_double(run->wall_seconds));
	objects_add_text(j, "status", run->status);
	objects_add_text(j, "class", results_class_name(run->class));
	objects_add_text(j, "error", run->error);
	objects_add_text(j, "scenario", run->scenario_name);
	objects_add_text(j, "scenario_hash", run->scenario_hash);
	objects_add_text(j, "image_sha256", run->image_sha256);
	objects_add_text(j, "agent_sha256", run->agent_sha256);
	objects_add_text(j, "plan_sha256", run->plan_sha256);
	objects_add_text(j, "cmdline", run->cmdline);
	objects_add_text(j, "console", run->console_path);
	objects_add_text(j, "host", run->host_name);
	objects_add_text(j, "host_driver", run->host_driver);
	add_parsed(j, "host_identity", run->host_identity);
	add_parsed(j, "environment", run->environment);
	return j;
}

static struct json_object *make_test(const struct report_test *t)
{
	static const char *const keys[REPORT_SIDES][2] = {{"base", "base_text"},
							  {"new", "new_text"}};
	struct json_object *j = json_object_new_object();

	objects_add_text(j, "scenario", t->scenario);
	objects_add_text(j, "name", t->name);
	add_parsed(j, "params", t->params);
	for (int side = 0; side < REPORT_SIDES; side++) {
		objects_add_text(j, keys[side][0], t->result[side]);
		objects_add_text(j, keys[side][1], t->text[side]);
	}
	return j;
}

static void add_behind(struct json_object *doc, const struct report *r,
		       const struct report_options *o)
{
	struct json_object *kernels = json_object_new_object(), *boots = json_object_new_array();
	struct json_object *tests = json_object_new_array();
	struct strbuf commands = STRBUF_INIT;

	json_object_object_add(kernels, "base", make_kernel(report_newest(r, REPORT_BASE)));
	json_object_object_add(kernels, "new", make_kernel(report_newest(r, REPORT_NEW)));
	for (size_t i = 0; i < r->nboots; i++)
		json_object_array_add(boots, make_boot(&r->boots[i]));
	for (size_t i = 0; i < r->ntests; i++)
		json_object_array_add(tests, make_test(&r->tests[i]));
	commands_add(r, o, &commands);
	json_object_object_add(doc, "kernels", kernels);
	json_object_object_add(doc, "boots", boots);
	json_object_object_add(doc, "tests", tests);
	objects_add_text(doc, "repeat", commands.buf);
	strbuf_release(&commands);
}

void json_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct json_object *doc = objects_of_comparison(&r->comparison);

	add_behind(doc, r, o);
	objects_print(doc, out);
	json_object_put(doc);
}
