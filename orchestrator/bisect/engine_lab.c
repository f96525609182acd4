// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/engine_lab.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/sha256.h"
#include "kernels/kernels.h"
#include "orchestrator/bisect/config.h"
#include "orchestrator/bisect/ddmin.h"
#include "orchestrator/bisect/probe.h"
#include "orchestrator/engine/run.h"
#include "orchestrator/hosts/hosts.h"
#include "orchestrator/places.h"

struct lab {
	const struct request_bisect *request;
	const char *session, *runs;
	struct results_db *db;
	struct places places;
	struct host_config host;
	struct kernel_env env;
	char *dir, *probe; /* RUNS/SESSION, and the scenario file in it */
	struct kernel_variant variant;
	struct bisect_configs configs; /* config bisects */
	const char **names;	       /* of patches or differences; borrowed */
	size_t nnames;
};

/* ---- candidates become variants ---- */

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_fragments(struct json_object *o, char *const *fragments, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(fragments[i]));
	json_object_object_add(o, "config", list);
}

/* Those of NAME+CONFIG_X=y, which no file has. */
static void add_options(struct json_object *o, const struct kernel_variant *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->noptions; i++)
		json_object_array_add(list, json_object_new_string(v->options[i]));
	json_object_object_add(o, "options", list);
}

/* A commit: its source alone, configured and compiled as the variant is. */
static int describe_commit(struct lab *lab, const char *id, struct json_object *o, char **name,
			   struct error *err)
{
	struct json_object *source = json_object_new_object();

	(void)err;
	*name = xasprintf("commit-%.12s", id);
	add_text(source, "kind", "git");
	add_text(source, "location", lab->request->tree);
	add_text(source, "ref", id);
	json_object_object_add(o, "source", source);
	add_fragments(o, lab->variant.fragments, lab->variant.nfragments);
	add_options(o, &lab->variant);
	add_text(o, "compiler", lab->variant.compiler);
	return 0;
}

/* The first @count patches but one, as a series of its own in @dir. */
static int write_series(const struct lab *lab, const char *dir, long count, long without,
			struct error *err)
{
	char **patches = lab->variant.patches + lab->variant.nbase_patches;
	__cleanup_free char *series = xasprintf("%s/series", dir);
	struct strbuf names = STRBUF_INIT;
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		goto out;
	for (long i = 0; i < count; i++) {
		__cleanup_free char *to = xasprintf("%s/%s", dir, lab->names[i]);

		if (i + 1 == without)
			continue;
		ret = fs_copy_file(patches[i], to, err);
		if (ret)
			goto out;
		strbuf_addf(&names, "%s\n", lab->names[i]);
	}
	ret = fs_write_file(series, names.buf, names.len, err);
out:
	strbuf_release(&names);
	return ret;
}

/* The folder that the variant's own patches are in. */
static char *find_patch_folder(const struct lab *lab)
{
	const char *first = lab->variant.patches[lab->variant.nbase_patches];

	return strndup(first, strrchr(first, '/') - first);
}

static int add_patches(const struct lab *lab, const char *name, long count, long without,
		       struct json_object *o, struct error *err)
{
	__cleanup_free char *folder = NULL;

	if (!without) {
		folder = find_patch_folder(lab);
		add_text(o, "patches", folder);
		json_object_object_add(o, "patch_count", json_object_new_int64(count));
		return 0;
	}
	folder = xasprintf("%s/variants/%s", lab->dir, name);
	add_text(o, "patches", folder);
	json_object_object_add(o, "patch_count", json_object_new_int64(count - 1));
	return write_series(lab, folder, count, without, err);
}

/* "7": the first 7 patches of the series on the variant's base; "7-3": those without the third. */
static void parse_prefix(const char *id, long *count, long *without)
{
	char *end;

	*count = strtol(id, &end, 10);
	*without = 0;
	if (*end)
		*without = strtol(end + 1, NULL, 10);
}

static int describe_prefix(struct lab *lab, const char *id, struct json_object *o, char **name,
			   struct error *err)
{
	const struct kernel_variant *v = &lab->variant;
	size_t inherited = v->parent->nfragments;
	long count, without;

	parse_prefix(id, &count, &without);
	if (without)
		*name = xasprintf("%.40s-first-%ld-but-%ld", v->name, count, without);
	else
		*name = xasprintf("%.40s-first-%ld", v->name, count);
	add_text(o, "base", v->parent->path);
	add_fragments(o, v->fragments + inherited, v->nfragments - inherited);
	add_text(o, "compiler", v->compiler);
	if (!count)
		return 0;
	return add_patches(lab, *name, count, without, o, err);
}

/* The variant with a mixture of the two fragments on top. */
static int describe_mixture(struct lab *lab, const char *id, struct json_object *o, char **name,
			    struct error *err)
{
	bool *set = xcalloc(lab->configs.n, sizeof(*set));
	__cleanup_free char *path = NULL;
	struct strbuf text = STRBUF_INIT;
	char hash[SHA256_HEX];
	int ret = bisect_set_parse(id, set, lab->configs.n, err);

	if (ret)
		goto out;
	bisect_configs_mix(&lab->configs, set, &text);
	sha256_bytes(text.buf, text.len, hash);
	*name = xasprintf("%.40s-with-%.8s", lab->variant.name, hash);
	path = xasprintf("%s/variants/%s.config", lab->dir, *name);
	ret = fs_write_file(path, text.buf, text.len, err);
	add_text(o, "base", lab->variant.path);
	add_fragments(o, &path, 1);
	add_options(o, &lab->variant);
out:
	strbuf_release(&text);
	free(set);
	return ret;
}

static int (*const describe_candidate[])(struct lab *lab, const char *id, struct json_object *o,
					 char **name, struct error *err) = {
	[BISECT_GIT] = describe_commit,
	[BISECT_SERIES] = describe_prefix,
	[BISECT_CONFIG] = describe_mixture,
};

/* Writes the candidate's variant file; *path is the caller's. */
static int write_variant(struct lab *lab, const char *id, char **path, struct error *err)
{
	struct json_object *o = json_object_new_object();
	__cleanup_free char *name = NULL;
	const char *text;
	int ret;

	*path = NULL;
	ret = describe_candidate[lab->request->kind](lab, id, o, &name, err);
	if (!ret) {
		*path = xasprintf("%s/variants/%s.json", lab->dir, name);
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE);
		ret = fs_write_file(*path, text, strlen(text), err);
	}
	json_object_put(o);
	return ret;
}

/* ---- building ---- */

/* The reason in one line: the first line of the error, joined with the next one if it is only a
 * heading ("does not compile:"). */
static char *make_reason(const char *text)
{
	char *reason = xstrdup(text), *end;

	while ((end = strchr(reason, '\n'))) {
		if (end > reason && end[-1] != ':') {
			*end = '\0';
			break;
		}
		*end = ' ';
	}
	return reason;
}

struct build_thread {
	pthread_t thread;
	struct lab *lab;
	const char *id;
	int jobs;
	struct bisect_built *out;
	int ret;
	struct error err;
};

/* Two commits with one bzImage are still two if the selftest differs: its bytes count with the image's. */
static int hash_with_selftest(struct build_thread *t, const struct kernel_build *build,
			      const char *program, char hash[SHA256_HEX])
{
	__cleanup_free char *both = NULL;
	int ret = sha256_file(program, hash, &t->err);

	if (ret)
		return ret;
	both = xasprintf("%s %s", build->bzimage_sha256, hash);
	sha256_bytes(both, strlen(both), hash);
	return 0;
}

/* Builds the selftest that is looked for, so that a commit whose selftest does not compile, or that has
 * none of that name (-ENOENT), is skipped like one whose kernel does not. */
static int build_selftest(struct build_thread *t, const struct kernel_env *env,
			  const struct kernel_build *build, char hash[SHA256_HEX])
{
	const struct kernel_selftests_request req = {
		.variant = t->out->variant,
		.kernel = build,
		.names = (const char *const *)&t->lab->request->probe.fails.test,
		.count = 1,
	};
	struct kernel_selftests tests;
	int ret = kernel_selftests_build(env, &req, &tests, &t->err);

	if (ret == -ENOENT || (ret && kernel_is_at_fault(ret))) {
		t->out->why = make_reason(t->err.text);
		return 0;
	}
	if (ret)
		return ret;
	ret = hash_with_selftest(t, build, tests.paths[0], hash);
	kernel_selftests_free(&tests);
	return ret;
}

static int finish_build(struct build_thread *t, const struct kernel_env *env,
			const struct kernel_build *build)
{
	char hash[SHA256_HEX];
	int ret = 0;

	snprintf(hash, sizeof(hash), "%s", build->bzimage_sha256);
	if (t->lab->request->probe.fails.test)
		ret = build_selftest(t, env, build, hash);
	if (ret || t->out->why)
		return ret;
	t->out->key = xstrdup(build->key);
	t->out->sha256 = xstrdup(hash);
	return 0;
}

static int build_candidate(struct build_thread *t)
{
	struct kernel_env env = t->lab->env;
	struct kernel_build build;
	int ret = write_variant(t->lab, t->id, &t->out->variant, &t->err);

	if (ret)
		return ret;
	env.jobs = t->jobs;
	ret = kernel_build(&env, t->out->variant, &build, &t->err);
	/* only what the kernel is at fault for is an answer; anything else ends the bisect, and can
	 * be resumed */
	if (ret && kernel_is_at_fault(ret)) {
		t->out->why = make_reason(t->err.text);
		return 0;
	}
	if (ret)
		return ret;
	ret = finish_build(t, &env, &build);
	kernel_build_free(&build);
	return ret;
}

static void *run_build_thread(void *arg)
{
	struct build_thread *t = arg;

	t->ret = build_candidate(t);
	return NULL;
}

/* A single candidate, or one for which no thread can be started, is built in this thread. */
static void start_build(struct build_thread *t, size_t candidates)
{
	if (candidates > 1 && !pthread_create(&t->thread, NULL, run_build_thread, t))
		return;
	t->thread = 0;
	run_build_thread(t);
}

/* Builds each candidate in a thread and shares the cores among them. */
static int lab_build(void *arg, const char *const *ids, size_t n, struct bisect_built *out,
		     struct error *err)
{
	struct build_thread *threads = xcalloc(n, sizeof(*threads));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		threads[i] = (struct build_thread){.lab = arg, .id = ids[i], .out = &out[i]};
		threads[i].jobs = 1;
		if (cores > (long)n)
			threads[i].jobs = cores / (long)n;
		start_build(&threads[i], n);
	}
	for (size_t i = 0; i < n; i++) {
		if (threads[i].thread)
			pthread_join(threads[i].thread, NULL);
		if (threads[i].ret && !ret)
			ret = error_set(err, threads[i].ret, "%s", threads[i].err.text);
	}
	free(threads);
	return ret;
}

/* ---- booting ---- */

/* Removes the folders of boots that a killed bisect did not finish. */
static int clear_boots(struct lab *lab, const char *session, const struct bisect_built *b,
		       int first, int boots, struct error *err)
{
	__cleanup_free char *kernel = fs_stem(b->variant, ".json");

	for (int i = first; i < first + boots; i++) {
		__cleanup_free char *dir =
			xasprintf("%s/%s/%s-probe-%d", lab->runs, session, kernel, i);
		int ret;

		if (!fs_exists(dir))
			continue;
		ret = fs_remove_tree(dir, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int lab_boot(void *arg, const char *session, const struct bisect_built *const *kernels,
		    size_t n, int first, int boots, uint64_t seed_offset, struct error *err)
{
	struct lab *lab = arg;
	const char **names = xcalloc(n, sizeof(*names));
	const char *probe = lab->probe;
	struct run_summary summary = {0};
	struct run_request req = {
		.scenarios = &probe,
		.nscenarios = 1,
		.kernels = names,
		.nkernels = n,
		.host = lab->request->host,
		.session = session,
		.runs_dir = lab->runs,
		.command = lab->request->command,
		.seed = lab->request->seed + seed_offset,
		.first_boot = first,
		.boots = boots,
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++) {
		names[i] = kernels[i]->variant;
		ret = clear_boots(lab, session, kernels[i], first, boots, err);
	}
	if (!ret)
		ret = run_execute(&req, lab->db, &summary, err);
	run_summary_free(&summary);
	free(names);
	return ret;
}

/* ---- comparing ---- */

static int lab_compare(void *arg, const char *session, const char *base_key, const char *new_key,
		       int looks, struct bisect_ratio *out, struct error *err)
{
	struct lab *lab = arg;
	struct results_filter filter = {
		.scenario = lab->request->probe.scenario,
		.metric = lab->request->probe.metric,
		.session = session,
		.alpha = results_sequential_alpha(BISECT_ALPHA, looks),
	};

	return bisect_compare(lab->db, base_key, new_key, &filter, out, err);
}

struct bisect_lab bisect_lab_ops(struct lab *lab)
{
	return (struct bisect_lab){
		.build = lab_build,
		.boot = lab_boot,
		.compare = lab_compare,
		.arg = lab,
	};
}

/* ---- opening ---- */

static int name_patches(struct lab *lab, struct error *err)
{
	const struct kernel_variant *v = &lab->variant;

	if (!v->parent || v->npatches == v->nbase_patches)
		return error_set(err, -EINVAL,
				 "%s: a series bisect needs a variant with patches on a base",
				 v->path);
	lab->nnames = v->npatches - v->nbase_patches;
	lab->names = xcalloc(lab->nnames, sizeof(*lab->names));
	for (size_t i = 0; i < lab->nnames; i++)
		lab->names[i] = strrchr(v->patches[v->nbase_patches + i], '/') + 1;
	return 0;
}

static int name_differences(struct lab *lab, struct error *err)
{
	int ret = bisect_configs_read(lab->request->good, lab->request->bad, &lab->configs, err);

	if (ret)
		return ret;
	lab->nnames = lab->configs.n;
	lab->names = xcalloc(lab->nnames, sizeof(*lab->names));
	for (size_t i = 0; i < lab->nnames; i++)
		lab->names[i] = lab->configs.items[i].text;
	return 0;
}

/* A commit is named by its id. */
static int check_no_patches(struct lab *lab, struct error *err)
{
	if (lab->variant.npatches)
		return error_set(
			err, -EINVAL,
			"%s has patches: name a variant without patches with --variant, for its config and compiler",
			lab->variant.path);
	return 0;
}

static int (*const name_candidates[])(struct lab *lab, struct error *err) = {
	[BISECT_GIT] = check_no_patches,
	[BISECT_SERIES] = name_patches,
	[BISECT_CONFIG] = name_differences,
};

static int open_lab(struct lab *l, struct error *err)
{
	__cleanup_free char *variants = xasprintf("%s/variants", l->dir);
	__cleanup_free char *objects = xasprintf("%s/git/made", l->places.cache);
	int ret = kernel_variant_load(&l->env, l->request->variant, &l->variant, err);

	if (ret)
		return ret;
	ret = git_keep_objects(objects, err);
	if (ret)
		return ret;
	ret = name_candidates[l->request->kind](l, err);
	if (ret)
		return ret;
	ret = fs_mkdir_p(variants, err);
	if (ret)
		return ret;
	return bisect_probe_write(&l->request->probe, l->probe, err);
}

int bisect_lab_open(const struct request_bisect *request, const char *session, const char *runs,
		    struct results_db *db, struct lab **lab, struct error *err)
{
	struct lab *l = xcalloc(1, sizeof(*l));
	int ret;

	l->request = request;
	l->session = session;
	l->runs = runs;
	l->db = db;
	l->configs = (struct bisect_configs){.common = STRBUF_INIT};
	places_find(&l->places, NULL);
	l->env = (struct kernel_env){
		.variants = l->places.variants,
		.cache_dir = l->places.cache,
	};
	ret = host_find(&l->places, request->host, &l->host, err);
	if (ret) {
		bisect_lab_close(l);
		return ret;
	}
	l->env.host_fragments = (const char *const *)l->host.kernel_config;
	l->dir = xasprintf("%s/%s", runs, session);
	l->probe = xasprintf("%s/probe.json", l->dir);
	ret = open_lab(l, err);
	if (ret) {
		bisect_lab_close(l);
		return ret;
	}
	*lab = l;
	return 0;
}

void bisect_lab_close(struct lab *lab)
{
	kernel_variant_free(&lab->variant);
	bisect_configs_free(&lab->configs);
	host_config_free(&lab->host);
	places_free(&lab->places);
	free(lab->names);
	free(lab->dir);
	free(lab->probe);
	free(lab);
}

size_t bisect_lab_names(const struct lab *lab, const char *const **names)
{
	*names = lab->names;
	return lab->nnames;
}
