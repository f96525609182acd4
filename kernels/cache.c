// SPDX-License-Identifier: GPL-2.0-only
/* The index that finds builds quickly, and the entries that it leads to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/json.h"
#include "kernels/internal.h"

/* ---- the index: small files that map a name to a key or a number ---- */

/* 0 with *found false if there is no such file. */
static int read_index(const struct kernel_env *env, const char *name, struct strbuf *out,
		      bool *found, struct error *err)
{
	__cleanup_free char *path = kernel_cache_path(env, "kernel-index", name);
	int ret = fs_read_file(path, 256, out, err);

	*found = !ret;
	if (ret == -ENOENT)
		return 0;
	return ret;
}

static int write_index(const struct kernel_env *env, const char *name, const char *text,
		       struct error *err)
{
	__cleanup_free char *dir = kernel_cache_path(env, "kernel-index", NULL);
	__cleanup_free char *path = kernel_cache_path(env, "kernel-index", name);
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		return ret;
	return fs_write_file(path, text, strlen(text), err);
}

static bool has_manifest(const struct kernel_env *env, const char *key)
{
	__cleanup_free char *entry = kernel_cache_path(env, "kernels", key);
	__cleanup_free char *manifest = xasprintf("%s/manifest.json", entry);

	return fs_exists(manifest);
}

int kernel_cache_lookup(const struct kernel_env *env, struct kernel_keys *k, bool *found,
			struct error *err)
{
	struct strbuf key = STRBUF_INIT;
	int ret = read_index(env, k->prekey, &key, found, err);

	/* the index may name an entry that was deleted since */
	if (!ret && *found && key.len == SHA256_HEX - 1) {
		memcpy(k->key, key.buf, SHA256_HEX);
		*found = has_manifest(env, k->key);
	} else {
		*found = false;
	}
	strbuf_release(&key);
	return ret;
}

int kernel_cache_remember(const struct kernel_env *env, const struct kernel_keys *k,
			  struct error *err)
{
	return write_index(env, k->prekey, k->key, err);
}

uint64_t kernel_cache_number(const struct kernel_env *env, const char *name)
{
	struct strbuf text = STRBUF_INIT;
	uint64_t n = 0;
	bool found;

	if (!read_index(env, name, &text, &found, NULL) && found)
		n = strtoull(text.buf, NULL, 10);
	strbuf_release(&text);
	return n;
}

void kernel_cache_set_number(const struct kernel_env *env, const char *name, uint64_t value)
{
	__cleanup_free char *text = xasprintf("%llu", (unsigned long long)value);

	write_index(env, name, text, NULL); /* only an estimate depends on it */
}

/* ---- entries ---- */

/* The files of an entry, and where make leaves them. */
static const struct kept_file {
	const char *name, *in_tree;
	size_t path; /* the member of struct kernel_build */
} kept_files[] = {
	{"bzImage", "arch/x86/boot/bzImage", offsetof(struct kernel_build, bzimage)},
	{"vmlinux", "vmlinux", offsetof(struct kernel_build, vmlinux)},
	{"System.map", "System.map", offsetof(struct kernel_build, system_map)},
	{"config", ".config", offsetof(struct kernel_build, config)},
	{"log", NULL, offsetof(struct kernel_build, log)},
	{"manifest.json", NULL, offsetof(struct kernel_build, manifest)},
};

/* Strings of the manifest that are arrays in struct kernel_build. */
// clang-format off
#define ARRAY_MEMBER(member) \
	{#member, offsetof(struct kernel_build, member), sizeof(((struct kernel_build *)NULL)->member)}
// clang-format on
static const struct array_member {
	const char *key;
	size_t offset, size;
} array_members[] = {
	ARRAY_MEMBER(key),
	ARRAY_MEMBER(build_id),
	ARRAY_MEMBER(bzimage_sha256),
	ARRAY_MEMBER(vmlinux_sha256),
	ARRAY_MEMBER(source_hash),
	ARRAY_MEMBER(patches_hash),
	ARRAY_MEMBER(config_hash),
};

static char *member_array(struct kernel_build *b, const struct array_member *m)
{
	return (char *)b + m->offset;
}

static char **member_path(struct kernel_build *b, const struct kept_file *f)
{
	return (char **)((char *)b + f->path);
}

static void set_paths(const struct kernel_env *env, struct kernel_build *b)
{
	b->dir = kernel_cache_path(env, "kernels", b->key);
	for (size_t i = 0; i < ARRAY_SIZE(kept_files); i++)
		*member_path(b, &kept_files[i]) = xasprintf("%s/%s", b->dir, kept_files[i].name);
}

static int read_string(const struct json_node *root, const char *key, const char **s,
		       struct error *err)
{
	struct json_node n;
	int ret = json_member(root, key, true, &n, err);

	if (ret)
		return ret;
	return json_as_string(&n, s, err);
}

static int read_members(const struct json_node *root, struct kernel_build *b, struct error *err)
{
	const char *s;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(array_members); i++) {
		const struct array_member *m = &array_members[i];

		ret = read_string(root, m->key, &s, err);
		if (ret)
			return ret;
		snprintf(member_array(b, m), m->size, "%s", s);
	}
	ret = read_string(root, "release", &s, err);
	if (ret)
		return ret;
	b->release = xstrdup(s);
	ret = read_string(root, "compiler", &s, err);
	if (ret)
		return ret;
	b->compiler = xstrdup(s);
	return 0;
}

static int read_manifest(struct kernel_build *b, struct error *err)
{
	struct json_object *doc;
	struct json_node root;
	int ret = json_load(b->manifest, &doc, &root, err);

	if (ret)
		return ret;
	ret = read_members(&root, b, err);
	json_object_put(doc);
	return ret;
}

static int check_bzimage(const struct kernel_build *b, struct error *err)
{
	char now[SHA256_HEX];
	int ret = sha256_file(b->bzimage, now, err);

	if (ret)
		return ret;
	if (strcmp(now, b->bzimage_sha256))
		return error_set(err, -EUCLEAN, "%s: its SHA-256 differs from the manifest's",
				 b->bzimage);
	return 0;
}

int kernel_cache_load(const struct kernel_env *env, const struct kernel_variant *v,
		      const struct kernel_keys *k, struct kernel_build *out, struct error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->name = xstrdup(v->name);
	memcpy(out->key, k->key, sizeof(out->key));
	set_paths(env, out);
	ret = read_manifest(out, err);
	if (!ret)
		ret = check_bzimage(out, err);
	if (ret)
		kernel_build_free(out);
	/* a manifest that is no JSON or lacks a member, a file that is not there */
	if (ret == -EINVAL || ret == -ENOENT)
		return error_prefix(err, -EUCLEAN, "damaged build");
	return ret;
}

void kernel_build_free(struct kernel_build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept_files); i++)
		free(*member_path(b, &kept_files[i]));
	free(b->name);
	free(b->dir);
	free(b->release);
	free(b->compiler);
	memset(b, 0, sizeof(*b));
}

/* ---- publishing ---- */

static int describe_patches(const struct kernel_variant *v, struct json_object *list,
			    struct error *err)
{
	for (size_t i = 0; i < v->npatches; i++) {
		char hex[SHA256_HEX];
		struct json_object *one;
		int ret = sha256_file(v->patches[i], hex, err);

		if (ret)
			return ret;
		one = json_object_new_object();
		json_add_string(one, "name", basename(v->patches[i]));
		json_add_string(one, "sha256", hex);
		json_object_array_add(list, one);
	}
	return 0;
}

static int write_manifest(const struct kernel_variant *v, const struct kernel_keys *k,
			  struct kernel_build *b, uint64_t steps, const char *path,
			  struct error *err)
{
	struct json_object *m = json_object_new_object(), *patches = json_object_new_array();
	const char *text;
	int ret = describe_patches(v, patches, err);

	for (size_t i = 0; i < ARRAY_SIZE(array_members); i++)
		json_add_string(m, array_members[i].key, member_array(b, &array_members[i]));
	json_add_string(m, "release", b->release);
	json_add_string(m, "compiler", k->compiler);
	json_add_string(m, "linker", k->linker);
	json_add_string(m, "recipe", KERNEL_RECIPE);
	json_add_string(m, "flags", KERNEL_MAKE_FLAGS);
	json_add_string(m, "source", k->source.place);
	if (k->source.commit)
		json_add_string(m, "commit", k->source.commit);
	json_object_object_add(m, "patches", patches);
	json_object_object_add(m, "steps", json_object_new_int64(steps));
	if (ret)
		goto out;
	text = json_object_to_json_string_ext(m, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = fs_write_file(path, text, strlen(text), err);
out:
	json_object_put(m);
	return ret;
}

static int copy_files(const struct kernel_work *w, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept_files); i++) {
		const struct kept_file *f = &kept_files[i];
		__cleanup_free char *to = xasprintf("%s/%s", w->entry, f->name);
		__cleanup_free char *from = NULL;
		int ret;

		if (!f->in_tree)
			continue;
		from = xasprintf("%s/%s", w->tree, f->in_tree);
		ret = fs_copy_file(from, to, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* What `uname -r` will say; the caller frees. */
static int read_release(const struct kernel_work *w, char **release, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/include/config/kernel.release", w->tree);
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(path, 256, &text, err);

	if (!ret)
		*release = strndup(text.buf, strcspn(text.buf, "\n"));
	strbuf_release(&text);
	return ret;
}

/* Copies what make left into the entry-to-be, and fills in what the manifest says of it. */
static int collect_build(const struct kernel_work *w, struct kernel_build *b, struct error *err)
{
	__cleanup_free char *bzimage = xasprintf("%s/bzImage", w->entry);
	__cleanup_free char *vmlinux = xasprintf("%s/vmlinux", w->entry);
	__cleanup_free char *log = xasprintf("%s/log", w->entry);
	__cleanup_free char *functions = xasprintf("%s/functions", w->entry);
	int ret = copy_files(w, err);

	if (ret)
		return ret;
	ret = fs_copy_file(w->log, log, err);
	if (ret)
		return ret;
	ret = kernel_functions_write(w->tree, functions, err);
	if (ret)
		return ret;
	ret = read_release(w, &b->release, err);
	if (ret)
		return ret;
	ret = kernel_elf_build_id(vmlinux, b->build_id, err);
	if (ret)
		return ret;
	ret = sha256_file(vmlinux, b->vmlinux_sha256, err);
	if (ret)
		return ret;
	return sha256_file(bzimage, b->bzimage_sha256, err);
}

/* The caller holds the key's lock. An entry without a manifest is the rest of a deletion that was
 * interrupted. A complete one has the same key and so the same content: it stays. */
static int install_entry(const struct kernel_env *env, const char *key, const char *from,
			 struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "kernels", NULL);
	__cleanup_free char *entry = kernel_cache_path(env, "kernels", key);
	int ret = fs_mkdir_p(top, err);

	if (ret)
		return ret;
	if (!has_manifest(env, key)) {
		ret = fs_remove_tree(entry, err);
		if (ret)
			return ret;
	}
	ret = fs_publish(from, entry, err);
	if (ret == -ENOTEMPTY || ret == -EEXIST)
		return 0;
	return ret;
}

int kernel_cache_publish(const struct kernel_env *env, const struct kernel_variant *v,
			 const struct kernel_keys *k, const struct kernel_work *w, uint64_t steps,
			 struct error *err)
{
	__cleanup_free char *manifest = xasprintf("%s/manifest.json", w->entry);
	struct kernel_build b = {.release = NULL};
	int ret;

	memcpy(b.key, k->key, sizeof(b.key));
	memcpy(b.source_hash, k->source_hash, sizeof(b.source_hash));
	memcpy(b.patches_hash, k->patches_hash, sizeof(b.patches_hash));
	memcpy(b.config_hash, k->config_hash, sizeof(b.config_hash));
	ret = collect_build(w, &b, err);
	if (ret)
		goto out;
	ret = write_manifest(v, k, &b, steps, manifest, err);
	if (ret)
		goto out;
	ret = install_entry(env, k->key, w->entry, err);
out:
	kernel_build_free(&b);
	return ret;
}
