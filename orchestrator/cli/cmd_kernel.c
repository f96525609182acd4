// SPDX-License-Identifier: GPL-2.0-only
/* nestlab kernel list | show | build | import */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/shell.h"
#include "common/terminal.h"
#include "kernels/kernels.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/hosts/hosts.h"

static bool as_json;
static const char *host_name;
static struct host_config host; /* of --host */

#define OPTION_HOST \
	OPTION_STRING("host", "HOST", &host_name, "as kernels are configured for this host")

static const struct option_spec json_options[] = {
	OPTION_FLAG("json", &as_json, "machine-readable output"), OPTION_HOST, OPTION_END};

static struct kernel_env env_of(const struct host_config *cfg)
{
	const struct places *p = command_places();

	return (struct kernel_env){.variants = p->variants,
				   .cache_dir = p->cache,
				   .host_fragments = (const char *const *)cfg->kernel_config};
}

/* With --host, the kernels of that host. */
static int find_env(struct kernel_env *env, struct error *err)
{
	int ret = host_name ? host_find(command_places(), host_name, &host, err) : 0;

	if (!ret)
		*env = env_of(&host);
	return ret;
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

/* ---- list ---- */

static struct json_object *list_entry(const struct kernel_env *env, const char *name)
{
	struct json_object *o = json_object_new_object();
	struct kernel_variant v;
	struct error err;
	bool cached = false;

	add_string(o, "name", name);
	if (kernel_variant_load(env, name, &v, &err)) {
		add_string(o, "error", err.text);
		return o;
	}
	if (kernel_is_cached(env, name, &cached, &err))
		add_string(o, "error", err.text);
	add_string(o, "base", v.base);
	json_object_object_add(o, "patches", json_object_new_int64(v.npatches));
	json_object_object_add(o, "built", json_object_new_boolean(cached));
	add_string(o, "description", v.description);
	kernel_variant_free(&v);
	return o;
}

static const char *text_of(struct json_object *o, const char *key, const char *otherwise)
{
	struct json_object *v;

	if (json_object_object_get_ex(o, key, &v) && v)
		return json_object_get_string(v);
	return otherwise;
}

/* Names can be in any script. */
static void print_columns(const char *name, const char *base, const char *patches,
			  const char *built, const char *text)
{
	struct strbuf head = STRBUF_INIT;

	terminal_add_padded(&head, name, 26);
	strbuf_addch(&head, ' ');
	terminal_add_padded(&head, base, 20);
	strbuf_addf(&head, " %7s  %-5s  ", patches, built);
	command_print_row(head.buf, text);
	strbuf_release(&head);
}

static void print_entry(struct json_object *o)
{
	struct json_object *built;
	bool yes = json_object_object_get_ex(o, "built", &built) && json_object_get_boolean(built);

	print_columns(text_of(o, "name", ""), text_of(o, "base", "-"), text_of(o, "patches", "-"),
		      yes ? "yes" : "no", text_of(o, "error", text_of(o, "description", "")));
}

static int list_kernels(int n, char **operands)
{
	struct kernel_env env;
	struct json_object *list;
	struct error err;
	char **names;
	size_t count;

	if (n)
		command_usage_error("%s: kernel list takes no operand", operands[0]);
	if (find_env(&env, &err) || folders_list(&env.variants, ".json", &names, &count, &err))
		return command_fatal(&err);
	list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, list_entry(&env, names[i]));
	if (as_json) {
		command_print_json(list);
	} else {
		print_columns("VARIANT", "BASE", "PATCHES", "BUILT", "DESCRIPTION");
		for (size_t i = 0; i < count; i++)
			print_entry(json_object_array_get_idx(list, i));
	}
	json_object_put(list);
	fs_free_names(names, count);
	return 0;
}

/* ---- show ---- */

static const char *const source_names[] = {
	[KERNEL_SOURCE_DEB] = "deb",	     [KERNEL_SOURCE_TARBALL] = "tarball",
	[KERNEL_SOURCE_GIT] = "git",	     [KERNEL_SOURCE_BUILT] = "built",
	[KERNEL_SOURCE_RUNNING] = "running",
};

static void add_list(struct json_object *o, const char *key, char *const *items, size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(items[i]));
	json_object_object_add(o, key, list);
}

static struct json_object *describe_variant(const struct kernel_variant *v)
{
	struct json_object *o = json_object_new_object(), *source = json_object_new_object();

	add_string(o, "name", v->name);
	add_string(o, "description", v->description);
	add_string(o, "file", v->path);
	add_string(o, "base", v->base);
	add_string(source, "kind", source_names[v->source.kind]);
	add_string(source, "location", v->source.location);
	if (v->source.sha256)
		add_string(source, "sha256", v->source.sha256);
	if (v->source.ref)
		add_string(source, "ref", v->source.ref);
	json_object_object_add(o, "source", source);
	add_list(o, "patches", v->patches, v->npatches);
	add_list(o, "config", v->fragments, v->nfragments);
	if (v->noptions)
		add_list(o, "options", v->options, v->noptions);
	add_list(o, "selftests", v->selftests, v->nselftests);
	add_string(o, "compiler", v->compiler);
	if (v->import)
		json_object_object_add(o, "import", json_tokener_parse(v->import));
	return o;
}

static void describe_build(struct json_object *o, const struct kernel_build *b)
{
	struct json_object *j = json_object_new_object();
	const struct {
		const char *key, *value;
	} rows[] = {
		{"key", b->key},
		{"release", b->release},
		{"build_id", b->build_id},
		{"bzimage", b->bzimage},
		{"bzimage_sha256", b->bzimage_sha256},
		{"vmlinux", b->vmlinux},
		{"vmlinux_sha256", b->vmlinux_sha256},
		{"system_map", b->system_map},
		{"config", b->config},
		{"log", b->log},
		{"manifest", b->manifest},
		{"source_hash", b->source_hash},
		{"patches_hash", b->patches_hash},
		{"config_hash", b->config_hash},
		{"compiler", b->compiler},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_string(j, rows[i].key, rows[i].value);
	json_object_object_add(o, "build", j);
}

/* "key: value" lines, lists and objects indented below their key. */
static void print_value(const char *key, struct json_object *v, int indent)
{
	__cleanup_free char *below = xasprintf("%*s", indent + 2, "");
	__cleanup_free char *head = xasprintf("%*s%s: ", indent, "", key);

	if (json_object_is_type(v, json_type_object)) {
		command_print_row(head, "");
		json_object_object_foreach(v, name, member) print_value(name, member, indent + 2);
	} else if (json_object_is_type(v, json_type_array)) {
		command_print_row(head, json_object_array_length(v) ? "" : "none");
		for (size_t i = 0; i < json_object_array_length(v); i++)
			command_print_row(below,
					  json_object_get_string(json_object_array_get_idx(v, i)));
	} else if (v) {
		command_print_row(head, json_object_get_string(v));
	}
}

/* Adds "built", and the build if there is one. */
static int add_build(const struct kernel_env *env, const char *name, struct json_object *o,
		     struct error *err)
{
	struct kernel_build b;
	bool cached;
	int ret = kernel_is_cached(env, name, &cached, err);

	if (ret)
		return ret;
	json_object_object_add(o, "built", json_object_new_boolean(cached));
	if (!cached)
		return 0;
	ret = kernel_build(env, name, &b, err);
	if (ret)
		return ret;
	describe_build(o, &b);
	kernel_build_free(&b);
	return 0;
}

static int show_kernel(const char *name)
{
	struct kernel_env env;
	struct kernel_variant v;
	struct json_object *o;
	struct error err;
	int ret;

	if (find_env(&env, &err) || kernel_variant_load(&env, name, &v, &err))
		return command_fatal(&err);
	o = describe_variant(&v);
	kernel_variant_free(&v);
	ret = add_build(&env, name, o, &err);
	if (!ret && as_json) {
		command_print_json(o);
	} else if (!ret) {
		json_object_object_foreach(o, key, member) print_value(key, member, 0);
	}
	json_object_put(o);
	if (ret)
		return command_fatal(&err);
	return 0;
}

static int show_operand(int n, char **operands)
{
	if (n != 1)
		command_usage_error("give one KERNEL to show");
	return show_kernel(operands[0]);
}

/* ---- build ---- */

static long jobs;
static const struct option_spec build_options[] = {
	OPTION_INT("jobs", "N", &jobs, 1, 1024, "make -j N (default: one per core)"), OPTION_HOST,
	OPTION_END};

static int build_kernel(const struct kernel_env *env, const char *name)
{
	struct kernel_build b;
	struct error err;
	int ret = kernel_build(env, name, &b, &err);

	if (ret) {
		log_error("%s", err.text);
		if (kernel_is_at_fault(ret))
			return EXIT_NO;
		return EXIT_FATAL;
	}
	terminal_printf("%s  %.12s  %s  %s\n", b.name, b.key, b.cached ? "cached" : "built", b.dir);
	kernel_build_free(&b);
	return 0;
}

static int build_operands(int n, char **operands)
{
	struct kernel_env env;
	struct error err;
	int worst = 0;

	if (!n)
		command_usage_error(
			"KERNEL is missing: name the variant to build (see: %s kernel list)",
			shell_program());
	if (find_env(&env, &err))
		return command_fatal(&err);
	env.jobs = (int)jobs;
	for (int i = 0; i < n && worst != EXIT_FATAL; i++) {
		int status = build_kernel(&env, operands[i]);

		if (status > worst)
			worst = status;
	}
	return worst;
}

/* ---- import ---- */

static struct kernel_import wanted;
static bool patches_given;
static long version;
static const struct option_spec import_options[] = {
	OPTION_STRING("mbox", "FILE", &wanted.mbox,
		      "the thread as the list or the archive gives it, compressed or not"),
	OPTION_FLAG("patches", &patches_given,
		    "operands are patch files, or folders of them (quilt's, git format-patch's)"),
	OPTION_STRING("message-id", "ID", &wanted.message_id,
		      "fetch the thread of this mail with b4, which has to be installed"),
	OPTION_INT("version", "N", &version, 1, 9999,
		   "the version of the series (default: the newest that is complete)"),
	OPTION_STRING("onto", "KERNEL", &wanted.onto, "the variant that the series goes on top of"),
	OPTION_STRING("name", "NAME", &wanted.name, "what the new variant is called"),
	OPTION_END};

static void check_import(int n, char **operands)
{
	if (n && !patches_given)
		command_usage_error("%s: operands are for --patches", operands[0]);
	if (patches_given && !n)
		command_usage_error("--patches: give files or folders");
	if (!!wanted.mbox + !!wanted.message_id + patches_given != 1)
		command_usage_error("give one of --mbox, --patches and --message-id");
	if (!wanted.onto || !wanted.name)
		command_usage_error("give --onto and --name");
	if (version && patches_given)
		command_usage_error("--version: is for a thread, not for --patches");
}

static int import_series(int n, char **operands)
{
	const struct kernel_env env = env_of(&host);
	struct error err;
	int ret;

	check_import(n, operands);
	wanted.patches = (const char *const *)operands;
	wanted.npatches = (size_t)n;
	wanted.version = (int)version;
	wanted.dir = command_places()->imports;
	ret = kernel_import(&env, &wanted, &err);
	if (!ret)
		return show_kernel(wanted.name);
	command_fatal(&err);
	return ret == -EBADMSG ? EXIT_NO : EXIT_FATAL;
}

/* ---- the table ---- */

static const struct command actions[] = {
	{
		.name = "list",
		.help = "the variants, and which are built",
		.usage = "[--json] [--host HOST]",
		.about = "Lists the kernel variants.",
		.options = json_options,
		.run = list_kernels,
	},
	{
		.name = "show",
		.help = "what a variant is made of, and its build",
		.usage = "[--json] [--host HOST] KERNEL",
		.about =
			"Shows a variant: what it is made of and, once built, its build. KERNEL is "
			"one of `nestlab kernel list`, or the path of a .json file.",
		.options = json_options,
		.operand = "KERNEL",
		.run = show_operand,
	},
	{
		.name = "build",
		.help = "build variants that are not built",
		.usage = "[--jobs N] [--host HOST] KERNEL...",
		.about =
			"Builds variants, each once: the key is the content of source, patches, "
			".config and compiler. One line per variant on stdout: name, key, \"built\" "
			"or \"cached\", folder.",
		.exit_status = "0 done, 1 a patch does not apply, an option does not take or the "
			       "source does not compile, 128 other trouble (a wrong variant file, "
			       "disk full, cancelled)",
		.options = build_options,
		.operand = "KERNEL",
		.run = build_operands,
	},
	{
		.name = "import",
		.help = "make a variant of a patch series: a mailing-list mbox, patch files",
		.usage = "--mbox FILE [--version N] --onto KERNEL --name NAME\n"
			 "--message-id ID [--version N] --onto KERNEL --name NAME\n"
			 "--patches FILE|FOLDER... --onto KERNEL --name NAME",
		.about =
			"Makes a variant of a patch series. Of a thread, cover letter, replies and "
			"order do not matter; every patch n/m has to be there once, or nothing is "
			"imported. Patch files go in the order given; a folder's in that of its file "
			"series, else of their names. Where the base's sources are at hand the "
			"series is applied to them at once. Writes NAME.json and patches/NAME/, "
			"or nothing: to kernels/ of the checkout, of an installed nestlab to "
			"~/.config/nestlab/kernels.",
		.exit_status = "0 imported, 1 a patch does not apply or is none, 128 other trouble",
		.options = import_options,
		.operand = "FILE",
		.run = import_series,
	},
	{0},
};

const struct command cmd_kernel = {
	.name = "kernel",
	.help = "list, show, build and import kernels",
	.usage = "ACTION [options]",
	.about = "Kernels under test: variants (kernels/NAME.json) and their builds. See "
		 "docs/kernels.md.",
	.actions = actions,
};
