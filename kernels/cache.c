// SPDX-License-Identifier: GPL-2.0-only
/* Keys, the index that finds them quickly, and entries. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "kernels/internal.h"

char *kernel_cache_path(const struct kernel_env *env, const char *folder, const char *name)
{
	return name ? xasprintf("%s/%s/%s", env->cache_dir, folder, name)
		    : xasprintf("%s/%s", env->cache_dir, folder);
}

/* ---- keys ---- */

static void hash_lines(char hex[SHA256_HEX], const char *const *lines, size_t count)
{
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&all, "%s\n", lines[i]);
	sha256_bytes(all.buf, all.len, hex);
	strbuf_release(&all);
}

int kernel_keys_find(const struct kernel_env *env, const struct kernel_variant *v, bool fetch,
		     struct kernel_keys *k, struct error *err)
{
	int ret;

	memset(k, 0, sizeof(*k));
	ret = kernel_source_identify(env, &v->source, fetch, &k->source, err);
	if (!ret)
		ret = kernel_patches_hash(v->patches, v->npatches, k->patches_hash, err);
	if (!ret)
		ret = kernel_config_hash_fragments(v, k->fragments_hash, err);
	if (!ret)
		ret = kernel_tool_version(v->compiler, &k->compiler, err);
	if (!ret)
		ret = kernel_tool_version("ld", &k->linker, err);
	if (ret) {
		kernel_keys_free(k);
		return ret;
	}
	memcpy(k->source_hash, k->source.hash, sizeof(k->source_hash));
	hash_lines(k->prekey,
		   (const char *[]){KERNEL_RECIPE, kernel_make_flags, k->source_hash,
				    k->patches_hash, k->fragments_hash, v->compiler, k->compiler,
				    k->linker},
		   8);
	return 0;
}

int kernel_keys_complete(struct kernel_keys *k, const char *config, struct error *err)
{
	int ret = sha256_file(config, k->config_hash, err);

	if (!ret)
		hash_lines(k->key,
			   (const char *[]){KERNEL_RECIPE, kernel_make_flags, k->source_hash,
					    k->patches_hash, k->config_hash, k->compiler,
					    k->linker},
			   7);
	return ret;
}

void kernel_keys_free(struct kernel_keys *k)
{
	kernel_source_id_free(&k->source);
	free(k->compiler);
	free(k->linker);
	memset(k, 0, sizeof(*k));
}

/* ---- the index ---- */

static int read_index(const struct kernel_env *env, const char *name, struct strbuf *out)
{
	__cleanup_free char *path = kernel_cache_path(env, "kernel-index", name);

	return fs_read_file(path, 256, out, NULL);
}

static int write_index(const struct kernel_env *env, const char *name, const char *text,
		       struct error *err)
{
	__cleanup_free char *dir = kernel_cache_path(env, "kernel-index", NULL);
	__cleanup_free char *path = kernel_cache_path(env, "kernel-index", name);
	int ret = fs_mkdir_p(dir, err);

	return ret ? ret : fs_write_file(path, text, strlen(text), err);
}

bool kernel_cache_lookup(const struct kernel_env *env, struct kernel_keys *k)
{
	struct strbuf key = STRBUF_INIT;
	bool found = !read_index(env, k->prekey, &key) && key.len == SHA256_HEX - 1;

	if (found) {
		__cleanup_free char *manifest =
			xasprintf("%s/kernels/%s/manifest.json", env->cache_dir, key.buf);

		memcpy(k->key, key.buf, SHA256_HEX);
		found = fs_exists(manifest);
	}
	strbuf_release(&key);
	return found;
}

int kernel_cache_remember(const struct kernel_env *env, const struct kernel_keys *k,
			  struct error *err)
{
	return write_index(env, k->prekey, k->key, err);
}

uint64_t kernel_cache_number(const struct kernel_env *env, const char *name)
{
	struct strbuf text = STRBUF_INIT;
	uint64_t n = read_index(env, name, &text) ? 0 : strtoull(text.buf, NULL, 10);

	strbuf_release(&text);
	return n;
}

void kernel_cache_set_number(const struct kernel_env *env, const char *name, uint64_t value)
{
	__cleanup_free char *text = xasprintf("%llu", (unsigned long long)value);

	write_index(env, name, text, NULL); /* only an ETA hangs on it */
}

/* ---- entries ---- */

/* What an entry holds, and where make leaves it. */
static const struct kept {
	const char *name, *in_tree;
	size_t path; /* the member of struct kernel_build */
} kept[] = {
	{"bzImage", "arch/x86/boot/bzImage", offsetof(struct kernel_build, bzimage)},
	{"vmlinux", "vmlinux", offsetof(struct kernel_build, vmlinux)},
	{"System.map", "System.map", offsetof(struct kernel_build, system_map)},
	{"config", ".config", offsetof(struct kernel_build, config)},
	{"log", NULL, offsetof(struct kernel_build, log)},
	{"manifest.json", NULL, offsetof(struct kernel_build, manifest)},
};

/* Strings of fixed size that the manifest keeps. */
static const struct fixed {
	const char *key;
	size_t offset, size;
} fixed[] = {
#define FIXED(member)                                                 \
	{                                                             \
#member, offsetof(struct kernel_build, member),       \
			sizeof(((struct kernel_build *)NULL)->member) \
	}
	FIXED(key),	    FIXED(build_id),	 FIXED(bzimage_sha256), FIXED(vmlinux_sha256),
	FIXED(source_hash), FIXED(patches_hash), FIXED(config_hash),
#undef FIXED
};

static void set_paths(const struct kernel_env *env, struct kernel_build *b)
{
	b->dir = kernel_cache_path(env, "kernels", b->key);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		*(char **)((char *)b + kept[i].path) = xasprintf("%s/%s", b->dir, kept[i].name);
}

static int read_manifest(struct kernel_build *b, struct error *err)
{
	struct json_object *doc;
	struct json_node root, n;
	const char *s;
	int ret = json_load(b->manifest, &doc, &root, err);

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(fixed); i++) {
		ret = json_member(&root, fixed[i].key, true, &n, err);
		if (!ret)
			ret = json_as_string(&n, &s, err);
		if (!ret)
			snprintf((char *)b + fixed[i].offset, fixed[i].size, "%s", s);
	}
	if (!ret && !(ret = json_member(&root, "release", true, &n, err)) &&
	    !(ret = json_as_string(&n, &s, err)))
		b->release = xstrdup(s);
	if (!ret && !(ret = json_member(&root, "compiler", true, &n, err)) &&
	    !(ret = json_as_string(&n, &s, err)))
		b->compiler = xstrdup(s);
	json_object_put(doc);
	return ret;
}

int kernel_cache_load(const struct kernel_env *env, const struct kernel_variant *v,
		      const struct kernel_keys *k, struct kernel_build *out, struct error *err)
{
	char now[SHA256_HEX];
	int ret;

	memset(out, 0, sizeof(*out));
	out->name = xstrdup(v->name);
	memcpy(out->key, k->key, sizeof(out->key));
	set_paths(env, out);
	ret = read_manifest(out, err);
	if (!ret)
		ret = sha256_file(out->bzimage, now, err);
	if (!ret && strcmp(now, out->bzimage_sha256))
		ret = error_set(err, -EBADMSG, "%s: not what its manifest says", out->bzimage);
	if (ret)
		kernel_build_free(out);
	return ret;
}

void kernel_build_free(struct kernel_build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		free(*(char **)((char *)b + kept[i].path));
	free(b->name);
	free(b->dir);
	free(b->release);
	free(b->compiler);
	memset(b, 0, sizeof(*b));
}

/* ---- publishing ---- */

static struct json_object *patch_list(const struct kernel_variant *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->npatches; i++) {
		char hex[SHA256_HEX] = "";
		struct json_object *one = json_object_new_object();

		sha256_file(v->patches[i], hex, NULL);
		json_object_object_add(one, "name",
				       json_object_new_string(strrchr(v->patches[i], '/') + 1));
		json_object_object_add(one, "sha256", json_object_new_string(hex));
		json_object_array_add(list, one);
	}
	return list;
}

static int write_manifest(const struct kernel_variant *v, const struct kernel_keys *k,
			  const struct kernel_build *b, uint64_t steps, const char *path,
			  struct error *err)
{
	struct json_object *m = json_object_new_object();
	const char *text;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		json_object_object_add(m, fixed[i].key,
				       json_object_new_string((char *)b + fixed[i].offset));
	json_object_object_add(m, "release", json_object_new_string(b->release));
	json_object_object_add(m, "compiler", json_object_new_string(k->compiler));
	json_object_object_add(m, "linker", json_object_new_string(k->linker));
	json_object_object_add(m, "recipe", json_object_new_string(KERNEL_RECIPE));
	json_object_object_add(m, "flags", json_object_new_string(kernel_make_flags));
	json_object_object_add(m, "source", json_object_new_string(k->source.place));
	if (k->source.commit)
		json_object_object_add(m, "commit", json_object_new_string(k->source.commit));
	json_object_object_add(m, "patches", patch_list(v));
	json_object_object_add(m, "steps", json_object_new_int64(steps));
	text = json_object_to_json_string_ext(m, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = fs_write_file(path, text, strlen(text), err);
	json_object_put(m);
	return ret;
}

static int collect(const struct kernel_work *w, struct kernel_build *b, struct error *err)
{
	__cleanup_free char *release = xasprintf("%s/include/config/kernel.release", w->tree);
	__cleanup_free char *bzimage = xasprintf("%s/bzImage", w->entry);
	__cleanup_free char *vmlinux = xasprintf("%s/vmlinux", w->entry);
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(kept); i++) {
		__cleanup_free char *to = xasprintf("%s/%s", w->entry, kept[i].name);
		__cleanup_free char *from =
			kept[i].in_tree ? xasprintf("%s/%s", w->tree, kept[i].in_tree) : NULL;

		if (from)
			ret = fs_copy_file(from, to, err);
	}
	if (!ret)
		ret = fs_read_file(release, 256, &text, err);
	text.buf[strcspn(text.buf, "\n")] = '\0';
	b->release = xstrdup(text.buf);
	strbuf_release(&text);
	if (!ret)
		ret = kernel_elf_build_id(vmlinux, b->build_id, err);
	if (!ret)
		ret = sha256_file(vmlinux, b->vmlinux_sha256, err);
	return ret ? ret : sha256_file(bzimage, b->bzimage_sha256, err);
}

int kernel_cache_publish(const struct kernel_env *env, const struct kernel_variant *v,
			 const struct kernel_keys *k, const struct kernel_work *w, uint64_t steps,
			 struct error *err)
{
	__cleanup_free char *top = kernel_cache_path(env, "kernels", NULL);
	__cleanup_free char *entry = kernel_cache_path(env, "kernels", k->key);
	__cleanup_free char *manifest = xasprintf("%s/manifest.json", w->entry);
	__cleanup_free char *log = xasprintf("%s/log", w->entry);
	struct kernel_build b = {.release = NULL};
	int ret;

	memcpy(b.key, k->key, sizeof(b.key));
	memcpy(b.source_hash, k->source_hash, sizeof(b.source_hash));
	memcpy(b.patches_hash, k->patches_hash, sizeof(b.patches_hash));
	memcpy(b.config_hash, k->config_hash, sizeof(b.config_hash));
	ret = collect(w, &b, err);
	if (!ret)
		ret = write_manifest(v, k, &b, steps, manifest, err);
	if (!ret)
		ret = fs_copy_file(w->log, log, err);
	if (!ret)
		ret = fs_mkdir_p(top, err);
	if (!ret && rename(w->entry, entry) && errno != ENOTEMPTY && errno != EEXIST)
		ret = error_set(err, -errno, "%s: %s", entry, strerror(errno));
	kernel_build_free(&b);
	return ret;
}
