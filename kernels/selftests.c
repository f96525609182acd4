// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's selftests of a variant's tree, one static program each. They are built from tools/ and the
 * headers for userspace, so kernels that differ only in the kernel proper share them.
 */
#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/git.h"
#include "common/sha256.h"
#include "kernels/internal.h"

#define RECIPE "nestlab-selftests-1"
#define FOLDER "tools/testing/selftests/kvm"

/* Where a test's source may be below FOLDER: up to 6.13, from 6.14 on, of every architecture. */
static const char *const places[] = {"x86_64/", "x86/", ""};

/* Where a program of the user's own is put there, below FOLDER; it cannot meet a test of the tree's. */
#define OWN_FOLDER "nestlab"
/* The Makefile builds as a test what it finds in its lists; these it has for each architecture, and
 * only adds to them. */
static const char *const own_lists[] = {"TEST_GEN_PROGS_EXTENDED_x86_64",
					"TEST_GEN_PROGS_EXTENDED_x86"};

struct selftests_job {
	const struct kernel_env *env;
	const struct kernel_selftests_request *req;
	struct kernel_variant v;
	bool of_another;	 /* not the kernel's variant, but the one that it names */
	struct kernel_keys keys; /* of the kernel; found once, for a branch may move */
	struct kernel_keys base; /* its base's, while the tests are built */
	char *dir;		 /* CACHE/selftests/KEY */
	char *own; /* the same of the user's own programs, whose files are in the key; NULL: there are none */
	struct kernel_work work;
	struct progress *progress;
};

/* The source of @name in the user's folder, or NULL: it is a test of the tree's. */
static char *own_source(const struct selftests_job *j, const char *name)
{
	char *path;

	if (!j->req->programs)
		return NULL;
	path = xasprintf("%s/%s.c", j->req->programs, name);
	if (fs_exists(path))
		return path;
	free(path);
	return NULL;
}

static char *program_path(const struct selftests_job *j, const char *name)
{
	__cleanup_free char *own = own_source(j, name);

	return xasprintf("%s/%s", own ? j->own : j->dir, name);
}

static bool is_built(const struct selftests_job *j, const char *name)
{
	__cleanup_free char *path = program_path(j, name);

	return fs_exists(path);
}

static bool all_built(const struct selftests_job *j)
{
	for (size_t i = 0; i < j->req->count; i++)
		if (!is_built(j, j->req->names[i]))
			return false;
	return true;
}

/* The variant whose tree the tests are built from. */
static int load_variant(struct selftests_job *j, struct error *err)
{
	__cleanup_free char *tree = NULL;
	int ret = kernel_variant_load(j->env, j->req->variant, &j->v, err);

	if (ret || kernel_variant_has_sources(&j->v))
		return ret;
	if (!j->v.selftests_of)
		return error_set(
			err, -EINVAL,
			"%s: nestlab has not built this kernel and knows no sources of it; "
			"\"selftests_of\": \"VARIANT\" in this file names the variant whose tree "
			"they are built from",
			j->v.path);
	tree = xstrdup(j->v.selftests_of);
	kernel_variant_free(&j->v);
	j->of_another = true;
	return kernel_variant_load(j->env, tree, &j->v, err);
}

/* A branch may have moved since the kernel was built: the tests would be those of another
 * kernel. */
static int find_source(struct selftests_job *j, const struct kernel_build *kernel,
		       struct error *err)
{
	int ret = kernel_keys_find(j->env, &j->v, true, &j->keys, err);

	if (ret)
		return ret;
	if (j->of_another || !strcmp(j->keys.source_hash, kernel->source_hash))
		return 0;
	return error_set(err, -ESTALE,
			 "the source has changed since the kernel was built; run nestlab again");
}

/* The line of `git ls-tree -z` after @line (NULL: the first one); NULL at the end. */
static const char *next_line(const struct strbuf *list, const char *line)
{
	const char *next = list->buf;

	if (line)
		next = line + strlen(line) + 1;
	if (next >= list->buf + list->len)
		return NULL;
	return next;
}

/* Commits whose files for userspace are the same share their selftests, as a series of patches does. */
static int hash_commit(const struct kernel_source_id *source, char hex[SHA256_HEX],
		       struct error *err)
{
	const char *const args[] = {"ls-tree", "-r", "-z", "--full-tree", source->commit, NULL};
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", source->place);
	const char *const env[] = {repository, NULL};
	struct git_command cmd = {.args = args, .env = env};
	struct strbuf list = STRBUF_INIT, chosen = STRBUF_INIT;
	int ret = git_run(&cmd, NULL, &list, err);

	for (const char *l = NULL; !ret && (l = next_line(&list, l));)
		if (kernel_is_userspace_path(l + strcspn(l, "\t") + 1))
			strbuf_add(&chosen, l, strlen(l) + 1);
	if (!ret)
		sha256_bytes(chosen.buf, chosen.len, hex);
	strbuf_release(&chosen);
	strbuf_release(&list);
	return ret;
}

static int hash_source(const struct kernel_keys *k, char hex[SHA256_HEX], struct error *err)
{
	if (k->source.commit)
		return hash_commit(&k->source, hex, err);
	memcpy(hex, k->source_hash, SHA256_HEX);
	return 0;
}

/* Adds the names and hashes of those files of @folder to @what. */
static int hash_files(const char *folder, const char *suffix, struct strbuf *what,
		      struct error *err)
{
	size_t count;
	char **names;
	int ret = fs_list(folder, suffix, &names, &count, err);

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++) {
		__cleanup_free char *path = xasprintf("%s/%s", folder, names[i]);
		char hash[SHA256_HEX];

		ret = sha256_file(path, hash, err);
		if (!ret)
			strbuf_addf(what, "%s %s\n", names[i], hash);
	}
	fs_free_names(names, count);
	return ret;
}

/* @key, of the tree's tests, becomes that of the programs in @folder: any of its files may be in each. */
static int hash_programs(const char *folder, char key[SHA256_HEX], struct error *err)
{
	struct strbuf what = STRBUF_INIT;
	int ret;

	strbuf_addf(&what, "%s\n", key);
	ret = hash_files(folder, ".c", &what, err);
	if (!ret)
		ret = hash_files(folder, ".h", &what, err);
	if (!ret)
		sha256_bytes(what.buf, what.len, key);
	strbuf_release(&what);
	return ret;
}

/* The C library is linked in, so its version is part of the key. */
static int find_key(struct selftests_job *j, struct error *err)
{
	char source[SHA256_HEX], patches[SHA256_HEX], selftests[SHA256_HEX], key[SHA256_HEX];
	__cleanup_free char *what = NULL;
	const struct kernel_keys *k = &j->keys;
	int ret = hash_source(k, source, err);

	if (ret)
		return ret;
	ret = kernel_patches_hash_userspace(j->v.patches, j->v.npatches, patches, err);
	if (ret)
		return ret;
	ret = kernel_patches_hash(j->v.selftests, j->v.nselftests, selftests, err);
	if (ret)
		return ret;
	what = xasprintf("%s\n%s\n%s\n%s\n%s\n%s\n%s\n", RECIPE, source, patches, selftests,
			 k->compiler, k->linker, gnu_get_libc_version());
	sha256_bytes(what, strlen(what), key);
	j->dir = kernel_cache_path(j->env, "selftests", key);
	if (!j->req->programs)
		return 0;
	ret = hash_programs(j->req->programs, key, err);
	if (!ret)
		j->own = kernel_cache_path(j->env, "selftests", key);
	return ret;
}

/* ---- the tests that the tree has ---- */

/* Appends the names of the tests that are in @dir. */
static void list_folder(const char *dir, struct strbuf *out)
{
	char **names;
	size_t count;

	if (fs_list(dir, ".c", &names, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++)
		strbuf_addf(out, " %.*s", (int)strlen(names[i]) - 2, names[i]);
	fs_free_names(names, count);
}

static void list_tests(const struct selftests_job *j, const char *folder, struct strbuf *out)
{
	if (j->req->programs)
		list_folder(j->req->programs, out);
	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		__cleanup_free char *dir = xasprintf("%s/%s", folder, places[p]);

		list_folder(dir, out);
	}
}

/* make's name for the program @name, which the caller frees. */
static int find_target(const struct selftests_job *j, const char *folder, const char *name,
		       char **target, struct error *err)
{
	__cleanup_free char *own = own_source(j, name);
	struct strbuf known = STRBUF_INIT;
	int ret;

	if (own) {
		*target = xasprintf("%s/" OWN_FOLDER "/%s", folder, name);
		return 0;
	}
	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		__cleanup_free char *source = xasprintf("%s/%s%s.c", folder, places[p], name);

		if (!fs_exists(source))
			continue;
		*target = xasprintf("%s/%s%s", folder, places[p], name);
		return 0;
	}
	list_tests(j, folder, &known);
	if (!known.len)
		strbuf_addstr(&known, " none");
	ret = error_set(err, -ENOENT, "no selftest \"%s\" in the tree of %s; there are:%s", name,
			j->v.name, known.buf);
	strbuf_release(&known);
	return ret;
}

/* ---- making them ---- */

static int run_make(const struct selftests_job *j, const char *tree, const char *const *targets,
		    struct error *err)
{
	struct kernel_make m = {.tree = tree,
				.log = j->work.log,
				.compiler = j->v.compiler,
				.targets = targets,
				.jobs = j->env->jobs};

	return kernel_make_run(&m, err);
}

/* ARCH as the selftests' Makefile expects it: with "x86" it sets the flags that everybody builds with. */
static const char *const flags[] = {"ARCH=x86", "EXTRA_CFLAGS=-static -s"};

/* "LIST=nestlab/a nestlab/b": what is the user's own; "LIST=" where nothing is. */
static char *list_own(const struct selftests_job *j, const char *list)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s=", list);
	for (size_t i = 0; i < j->req->count; i++) {
		__cleanup_free char *own = own_source(j, j->req->names[i]);

		if (own)
			strbuf_addf(&text, " " OWN_FOLDER "/%s", j->req->names[i]);
	}
	return strbuf_detach(&text);
}

/* A folder of the tree's with the files of the user's. */
static int copy_own(const struct selftests_job *j, const char *folder, struct error *err)
{
	static const char *const suffixes[] = {".c", ".h"};
	__cleanup_free char *dir = xasprintf("%s/" OWN_FOLDER, folder);
	int ret = fs_mkdir_p(dir, err);

	for (size_t s = 0; !ret && s < ARRAY_SIZE(suffixes); s++) {
		char **names = NULL;
		size_t count = 0;

		ret = fs_list(j->req->programs, suffixes[s], &names, &count, err);
		for (size_t i = 0; !ret && i < count; i++) {
			__cleanup_free char *from = xasprintf("%s/%s", j->req->programs, names[i]);
			__cleanup_free char *to = xasprintf("%s/%s", dir, names[i]);

			ret = fs_copy_file(from, to, err);
		}
		fs_free_names(names, count);
	}
	return ret;
}

static int make_programs(const struct selftests_job *j, const char *folder, char *const *targets,
			 size_t count, struct error *err)
{
	__cleanup_free const char **argv =
		xcalloc(ARRAY_SIZE(flags) + ARRAY_SIZE(own_lists) + count + 1, sizeof(*argv));
	char *lists[ARRAY_SIZE(own_lists)];
	size_t n = 0;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		argv[n++] = flags[i];
	for (size_t i = 0; i < ARRAY_SIZE(own_lists); i++) {
		lists[i] = list_own(j, own_lists[i]);
		if (j->req->programs)
			argv[n++] = lists[i];
	}
	memcpy(argv + n, targets, count * sizeof(*argv));
	ret = run_make(j, folder, argv, err);
	for (size_t i = 0; i < ARRAY_SIZE(own_lists); i++)
		free(lists[i]);
	return ret;
}

static int make_targets(const struct selftests_job *j, const char *folder, char *const *targets,
			size_t count, struct error *err)
{
	static const char *const headers[] = {"headers", NULL};
	int ret;

	progress_update(j->progress, 0, 0, "headers");
	ret = run_make(j, j->work.tree, headers, err);
	if (ret)
		return ret;
	if (j->req->programs)
		ret = copy_own(j, folder, err);
	if (ret)
		return ret;
	progress_update(j->progress, 0, 0, "compiling");
	return make_programs(j, folder, targets, count, err);
}

static int publish_program(const struct selftests_job *j, const char *program, struct error *err)
{
	__cleanup_free char *to = program_path(j, basename(program));
	__cleanup_free char *dir = xasprintf("%.*s", (int)(strrchr(to, '/') - to), to);
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		return ret;
	return fs_copy_file(program, to, err);
}

/* make names its programs by the folder as pwd(1) prints it. */
static int find_folder(const struct selftests_job *j, char **folder, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" FOLDER, j->work.tree);

	*folder = realpath(path, NULL);
	if (*folder)
		return 0;
	if (errno == ENOENT)
		return error_set(err, -ENOENT, "the tree of %s has no " FOLDER, j->v.name);
	return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
}

static int make_missing(const struct selftests_job *j, struct error *err)
{
	__cleanup_free char *folder = NULL;
	char **targets = xcalloc(j->req->count, sizeof(*targets));
	size_t n = 0;
	int ret = find_folder(j, &folder, err);

	for (size_t i = 0; !ret && i < j->req->count; i++) {
		if (is_built(j, j->req->names[i]))
			continue;
		ret = find_target(j, folder, j->req->names[i], &targets[n], err);
		if (!ret)
			n++;
	}
	if (ret)
		goto out;
	ret = make_targets(j, folder, targets, n, err);
	for (size_t i = 0; !ret && i < n; i++)
		ret = publish_program(j, targets[i], err);
out:
	fs_free_names(targets, n);
	return ret;
}

static int apply_patches(const struct selftests_job *j, struct error *err)
{
	int ret = kernel_patches_apply(j->work.tree, j->v.selftests, j->v.nselftests, j->work.log,
				       err);

	if (ret == -EBADMSG)
		error_append(
			err, ret,
			"\n  (a patch of \"selftests\"; a variant whose source is another version says \"selftests\": null)");
	return ret;
}

static int build_in_work(struct selftests_job *j, struct error *err)
{
	struct kernel_preparation p = {.env = j->env,
				       .v = &j->v,
				       .keys = &j->keys,
				       .base = &j->base,
				       .work = &j->work,
				       .progress = j->progress};
	int ret = kernel_sources_prepare(&p, err);

	if (ret)
		return ret;
	ret = apply_patches(j, err);
	if (ret)
		return ret;
	return make_missing(j, err);
}

static const char *outcome_word(int ret)
{
	if (!ret)
		return "built";
	if (ret == -ECANCELED)
		return "cancelled";
	return "failed";
}

static int build_missing(struct selftests_job *j, struct error *err)
{
	__cleanup_free char *label = xasprintf("selftests of %s", j->v.name);
	__cleanup_free char *log = xasprintf("%s-selftests", j->v.name);
	int ret = kernel_sources_find_base(j->env, &j->v, &j->keys, &j->base, err);

	if (ret)
		return ret;
	j->progress = progress_start(label);
	ret = kernel_work_begin(j->env, &j->work, err);
	if (!ret) {
		ret = build_in_work(j, err);
		if (ret)
			ret = kernel_work_explain(j->env, &j->work, log, ret, err);
		kernel_work_end(&j->work);
	}
	kernel_keys_free(&j->base);
	progress_end(j->progress, outcome_word(ret));
	return ret;
}

static int build_missing_tests(struct selftests_job *j, struct error *err)
{
	int lock, ret = find_key(j, err);

	if (ret || all_built(j))
		return ret;
	ret = kernel_work_lock(j->env, "selftests of", j->v.name, basename(j->dir), &lock, err);
	if (ret)
		return ret;
	if (!all_built(j)) /* unless another nestlab did meanwhile */
		ret = build_missing(j, err);
	close(lock);
	return ret;
}

static void list_programs(const struct selftests_job *j, struct kernel_selftests *out)
{
	out->paths = xcalloc(j->req->count + 1, sizeof(*out->paths));
	for (out->count = 0; out->count < j->req->count; out->count++)
		out->paths[out->count] = program_path(j, j->req->names[out->count]);
}

int kernel_selftests_build(const struct kernel_env *env, const struct kernel_selftests_request *req,
			   struct kernel_selftests *out, struct error *err)
{
	struct selftests_job j = {.env = env, .req = req};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = load_variant(&j, err);
	if (!ret)
		ret = find_source(&j, req->kernel, err);
	if (!ret)
		ret = build_missing_tests(&j, err);
	if (ret)
		error_prefix(err, ret, "selftests of %s", j.v.name ? j.v.name : req->variant);
	else
		list_programs(&j, out);
	free(j.dir);
	free(j.own);
	kernel_keys_free(&j.keys);
	kernel_variant_free(&j.v);
	return ret;
}

void kernel_selftests_free(struct kernel_selftests *s)
{
	fs_free_names(s->paths, s->count);
	memset(s, 0, sizeof(*s));
}
