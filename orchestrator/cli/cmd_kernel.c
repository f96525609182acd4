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
#include "common/options.h"
#include "kernels/kernels.h"
#include "orchestrator/cli/command.h"

/* Where things are; the strings belong to it. */
struct place {
	char *root, *variants, *cache;
	struct kernel_env env;
};

static void place_find(struct place *p)
{
	p->root = fs_data_root();
	p->variants = xasprintf("%s/kernels", p->root);
	p->cache = fs_cache_dir();
	p->env = (struct kernel_env){.variants_dir = p->variants, .cache_dir = p->cache};
}

static void place_free(struct place *p)
{
	free(p->root);
	free(p->variants);
	free(p->cache);
}

static int fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

static void print_json(struct json_object *v)
{
	puts(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
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

	return json_object_object_get_ex(o, key, &v) && v ? json_object_get_string(v) : otherwise;
}

static void print_row(struct json_object *o)
{
	struct json_object *built;
	bool yes = json_object_object_get_ex(o, "built", &built) && json_object_get_boolean(built);

	printf("%-24s %-18s %7s  %-5s  %s\n", text_of(o, "name", ""), text_of(o, "base", "-"),
	       text_of(o, "patches", "-"), yes ? "yes" : "no",
	       text_of(o, "error", text_of(o, "description", "")));
}

static int kernel_list(struct place *p, int argc, char **argv)
{
	static const char usage[] = "nestlab kernel list [--json]";
	bool json = false;
	const struct option_spec opts[] = {
		OPTION_FLAG("json", &json, "machine-readable output"),
		OPTION_END,
	};
	struct json_object *list;
	struct error err;
	char **names;
	size_t count;

	if (options_parse(argc, argv, opts, usage, "Lists the kernel variants."))
		options_usage_error(usage, "list takes no operand: %s", argv[0]);
	if (fs_list(p->variants, ".json", &names, &count, &err))
		return fatal(&err);
	list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		names[i][strlen(names[i]) - strlen(".json")] = '\0';
		json_object_array_add(list, list_entry(&p->env, names[i]));
	}
	if (json) {
		print_json(list);
	} else {
		printf("%-24s %-18s %7s  %-5s  %s\n", "VARIANT", "BASE", "PATCHES", "BUILT",
		       "DESCRIPTION");
		for (size_t i = 0; i < count; i++)
			print_row(json_object_array_get_idx(list, i));
	}
	json_object_put(list);
	fs_free_names(names, count);
	return 0;
}

/* ---- show ---- */

static const char *const source_names[] = {
	[KERNEL_SOURCE_DEB] = "deb",
	[KERNEL_SOURCE_TARBALL] = "tarball",
	[KERNEL_SOURCE_GIT] = "git",
};

static void add_list(struct json_object *o, const char *key, char *const *items, size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_string(items[i]));
	json_object_object_add(o, key, list);
}

static struct json_object *describe(const struct kernel_variant *v)
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
	if (json_object_is_type(v, json_type_object)) {
		printf("%*s%s:\n", indent, "", key);
		json_object_object_foreach(v, name, member) print_value(name, member, indent + 2);
	} else if (json_object_is_type(v, json_type_array)) {
		printf("%*s%s:%s\n", indent, "", key, json_object_array_length(v) ? "" : " none");
		for (size_t i = 0; i < json_object_array_length(v); i++)
			printf("%*s%s\n", indent + 2, "",
			       json_object_get_string(json_object_array_get_idx(v, i)));
	} else if (v) {
		printf("%*s%s: %s\n", indent, "", key, json_object_get_string(v));
	}
}

static int show_one(struct place *p, const char *name, bool json)
{
	struct kernel_variant v;
	struct kernel_build b;
	struct json_object *o;
	struct error err;
	bool cached;

	if (kernel_variant_load(&p->env, name, &v, &err))
		return fatal(&err);
	o = describe(&v);
	kernel_variant_free(&v);
	if (kernel_is_cached(&p->env, name, &cached, &err) ||
	    (cached && kernel_build(&p->env, name, &b, &err))) {
		json_object_put(o);
		return fatal(&err);
	}
	json_object_object_add(o, "built", json_object_new_boolean(cached));
	if (cached) {
		describe_build(o, &b);
		kernel_build_free(&b);
	}
	if (json) {
		print_json(o);
	} else {
		json_object_object_foreach(o, key, member) print_value(key, member, 0);
	}
	json_object_put(o);
	return 0;
}

static int kernel_show(struct place *p, int argc, char **argv)
{
	static const char usage[] = "nestlab kernel show [--json] NAME";
	bool json = false;
	const struct option_spec opts[] = {
		OPTION_FLAG("json", &json, "machine-readable output"),
		OPTION_END,
	};
	int n = options_parse(argc, argv, opts, usage,
			      "Shows a variant: what it is made of and, once built, its build.\n"
			      "NAME is one of `nestlab kernel list`, or the path of a .json file.");

	if (n != 1)
		options_usage_error(usage, "show takes one variant");
	return show_one(p, argv[0], json);
}

/* ---- build ---- */

static int build_one(struct place *p, const char *name)
{
	struct kernel_build b;
	struct error err;
	int ret = kernel_build(&p->env, name, &b, &err);

	if (ret) {
		log_error("%s", err.text);
		return ret == -EBADMSG || ret == -ENOEXEC ? EXIT_NO : EXIT_FATAL;
	}
	printf("%s  %.12s  %s  %s\n", b.name, b.key, b.cached ? "cached" : "built", b.dir);
	kernel_build_free(&b);
	return 0;
}

static int kernel_build_all(struct place *p, int argc, char **argv)
{
	static const char usage[] = "nestlab kernel build [--jobs N] NAME...";
	long jobs = 0;
	const struct option_spec opts[] = {
		OPTION_INT("jobs", "N", &jobs, 1, 1024, "make -j N (default: one per core)"),
		OPTION_END,
	};
	int n = options_parse(
		argc, argv, opts, usage,
		"Builds variants, each once: the key is the content of source, patches, .config "
		"and\n"
		"compiler. One line per variant on stdout: name, key, \"built\" or \"cached\", "
		"folder.\n"
		"Exit status: 0 done; 1 a patch does not apply or the source does not compile;\n"
		"128 other trouble (a wrong variant file or option, disk full, cancelled).");
	int worst = 0;

	if (!n)
		options_usage_error(usage, "build what? (see: nestlab kernel list)");
	p->env.jobs = jobs;
	for (int i = 0; i < n && worst != EXIT_FATAL; i++) {
		int status = build_one(p, argv[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}

/* ---- import ---- */

static int kernel_import_mbox(struct place *p, int argc, char **argv)
{
	static const char usage[] = "nestlab kernel import --mbox FILE --onto VARIANT --name NEW";
	const char *mbox = NULL, *onto = NULL, *name = NULL;
	const struct option_spec opts[] = {
		OPTION_STRING("mbox", "FILE", &mbox,
			      "the thread as the list or the archive gives it"),
		OPTION_STRING("onto", "VARIANT", &onto,
			      "the variant that the series goes on top of"),
		OPTION_STRING("name", "NEW", &name, "what the new variant is called"),
		OPTION_END,
	};
	struct error err;
	int n = options_parse(argc, argv, opts, usage,
			      "Makes a variant of a patch series in a mailing-list mbox: cover "
			      "letter, replies and\n"
			      "order do not matter. Every patch n/m has to be there once, or "
			      "nothing is imported.\n"
			      "Writes kernels/NEW.json and kernels/patches/NEW/.");

	if (n || !mbox || !onto || !name)
		options_usage_error(usage,
				    n ? "import takes no operand: %s"
				      : "import wants --mbox, --onto and --name",
				    argv[0]);
	if (kernel_import(&p->env, mbox, onto, name, &err))
		return fatal(&err);
	return show_one(p, name, false);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int (*run)(struct place *p, int argc, char **argv);
	const char *help;
} actions[] = {
	{"list", kernel_list, "the variants, and which are built"},
	{"show", kernel_show, "what a variant is made of, and its build"},
	{"build", kernel_build_all, "build variants that are not built"},
	{"import", kernel_import_mbox, "make a variant of a series in a mailing-list mbox"},
};

static void print_usage(FILE *f)
{
	fputs("usage: nestlab kernel ACTION [options]\n\n"
	      "Kernels under test: variants (kernels/NAME.json) and their builds.\n\n",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		fprintf(f, "  %-10s %s\n", actions[i].name, actions[i].help);
	fputs("\nnestlab kernel ACTION --help tells more. See docs/kernels.md.\n", f);
}

int cmd_kernel(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct place p;
		int status;

		if (strcmp(argv[1], actions[i].name))
			continue;
		place_find(&p);
		status = actions[i].run(&p, argc - 1, argv + 1);
		place_free(&p);
		return status;
	}
	fprintf(stderr, "nestlab: error: no such action: kernel %s\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}
