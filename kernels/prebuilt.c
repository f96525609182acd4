// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel that somebody else built: { "kind": "built", "location": FOLDER or bzImage }. Its files are laid
 * out as make leaves them and become an entry of the cache like any other, under a key made of their
 * contents. What a build takes from its tree is taken from the bzImage here: the release and vmlinux
 * (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").
 */
#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "kernels/fragment.h"
#include "kernels/internal.h"

#define RECIPE	    "nestlab-built-1"
#define MAX_BZIMAGE (256UL << 20)
#define MAX_VMLINUX (1UL << 30)

enum { SETUP_SECTS = 0x1f1, MAGIC = 0x202, VERSION = 0x206, RELEASE = 0x20e };
enum { PAYLOAD_OFFSET = 0x248, PAYLOAD_LENGTH = 0x24c, HEADER_END = 0x250 };

struct prebuilt {
	char *bzimage, *system_map, *config; /* the user's files */
	struct kernel_keys keys;
};

static void free_prebuilt(struct prebuilt *p)
{
	free(p->bzimage);
	free(p->system_map);
	free(p->config);
	kernel_keys_free(&p->keys);
}

/* ---- which files ---- */

static int find_files(const struct kernel_source *s, struct prebuilt *p, struct error *err)
{
	struct stat st;

	if (stat(s->location, &st))
		return error_set(err, -errno, "%s: %s", s->location, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		p->bzimage = xasprintf("%s/arch/x86/boot/bzImage", s->location);
		p->system_map = xasprintf("%s/System.map", s->location);
		p->config = xasprintf("%s/.config", s->location);
	}
	if (!p->bzimage && (!s->system_map || !s->config))
		return error_set(
			err, -EINVAL,
			"%s: \"system_map\" and \"config\" have to be given with a bzImage (or "
			"\"location\" is the folder that it was built in)",
			s->location);
	if (!p->bzimage)
		p->bzimage = xstrdup(s->location);
	if (s->system_map) {
		free(p->system_map);
		p->system_map = xstrdup(s->system_map);
	}
	if (s->config) {
		free(p->config);
		p->config = xstrdup(s->config);
	}
	return 0;
}

/* What the agent cannot do without: the image has no modules. */
static int check_config(const char *path, struct error *err)
{
	static const char *const needed[] = {
		"CONFIG_BLK_DEV_INITRD", "CONFIG_DEVTMPFS", "CONFIG_KVM",
		"CONFIG_KVM_INTEL",	 "CONFIG_PROC_FS",  "CONFIG_SYSFS"};
	struct kernel_fragment f = {0};
	struct strbuf missing = STRBUF_INIT;
	int ret = kernel_fragment_read(&f, path, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(needed); i++) {
		const struct kernel_option *o = kernel_fragment_find(&f, needed[i]);

		if (!o || strcmp(o->value, "y"))
			strbuf_addf(&missing, " %s=y (has %s)", needed[i], o ? o->value : "n");
	}
	if (!ret && missing.len)
		ret = error_set(err, -EINVAL,
				"%s: nestlab boots a kernel without modules, so this one needs:%s",
				path, missing.buf);
	strbuf_release(&missing);
	kernel_fragment_free(&f);
	return ret;
}

/* "gcc (Debian 12.2.0-14) 12.2.0", as the configuration has it; the caller frees. */
static char *find_compiler(const char *config)
{
	struct kernel_fragment f = {0};
	const struct kernel_option *o;
	char *text = NULL;

	if (!kernel_fragment_read(&f, config, NULL)) {
		o = kernel_fragment_find(&f, "CONFIG_CC_VERSION_TEXT");
		if (o && o->value[0] == '"' && strlen(o->value) > 2)
			text = strndup(o->value + 1, strlen(o->value) - 2);
	}
	kernel_fragment_free(&f);
	return text ? text : xstrdup("unknown");
}

static int hash_files(const char *bzimage, const char *map, const char *config,
		      struct kernel_keys *k, struct error *err)
{
	char map_hash[SHA256_HEX];
	__cleanup_free char *all = NULL;
	int ret = sha256_file(bzimage, k->source_hash, err);

	if (!ret)
		ret = sha256_file(map, map_hash, err);
	if (!ret)
		ret = sha256_file(config, k->config_hash, err);
	if (ret)
		return ret;
	sha256_bytes("", 0, k->patches_hash);
	all = xasprintf("%s\n%s\n%s\n%s\n", RECIPE, k->source_hash, map_hash, k->config_hash);
	sha256_bytes(all, strlen(all), k->key);
	return 0;
}

static int find_prebuilt(const struct kernel_variant *v, struct prebuilt *p, struct error *err)
{
	int ret;

	*p = (struct prebuilt){0};
	ret = find_files(&v->source, p, err);
	if (!ret)
		ret = check_config(p->config, err);
	if (!ret)
		ret = hash_files(p->bzimage, p->system_map, p->config, &p->keys, err);
	if (ret)
		return ret;
	p->keys.source.place = xstrdup(p->bzimage);
	p->keys.compiler = find_compiler(p->config);
	p->keys.linker = xstrdup("unknown");
	return 0;
}

/* ---- what is in a bzImage ---- */

static uint32_t read_le32(const struct strbuf *image, size_t at)
{
	uint32_t value;

	memcpy(&value, image->buf + at, sizeof(value));
	return le32toh(value);
}

static uint16_t read_le16(const struct strbuf *image, size_t at)
{
	uint16_t value;

	memcpy(&value, image->buf + at, sizeof(value));
	return le16toh(value);
}

static int check_header(const struct strbuf *image, const char *path, struct error *err)
{
	if (image->len < HEADER_END || memcmp(image->buf + MAGIC, "HdrS", 4))
		return error_set(err, -EINVAL, "%s: not a bzImage", path);
	if (read_le16(image, VERSION) < 0x208)
		return error_set(err, -EINVAL, "%s: a bzImage older than 2.6.26", path);
	return 0;
}

/* "6.12.9-mine (me@there) #1 SMP ...": the first word; the caller frees. */
static char *read_release(const struct strbuf *image)
{
	size_t at = read_le16(image, RELEASE) + 0x200U;
	size_t len = 0;

	if (!read_le16(image, RELEASE) || at >= image->len)
		return NULL;
	while (at + len < image->len && image->buf[at + len] > ' ' && len < 64)
		len++;
	if (!len)
		return NULL;
	return strndup(image->buf + at, len);
}

static int unpack_bytes(const char *bytes, size_t len, struct strbuf *out)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char block[65536];
	la_ssize_t n = -1;

	if (!a)
		return -ENOMEM;
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (!archive_read_open_memory(a, bytes, len) && !archive_read_next_header(a, &entry))
		while ((n = archive_read_data(a, block, sizeof(block))) > 0 &&
		       out->len < MAX_VMLINUX)
			strbuf_add(out, block, (size_t)n);
	archive_read_free(a);
	return n ? -EINVAL : 0;
}

/* The kernel's own vmlinux, without symbols. Behind what is not gzip the build appends the length, four
 * bytes (scripts/Makefile.lib, size_append). */
static int extract_vmlinux(const struct strbuf *image, const char *path, struct strbuf *out,
			   struct error *err)
{
	size_t sectors = (unsigned char)image->buf[SETUP_SECTS];
	size_t at = ((sectors ? sectors : 4) + 1) * 512UL + read_le32(image, PAYLOAD_OFFSET);
	size_t len = read_le32(image, PAYLOAD_LENGTH);
	const char *payload = image->buf + at;

	if (at > image->len || len > image->len - at || len < 8)
		return error_set(err, -EINVAL, "%s: a damaged bzImage (its payload is cut)", path);
	if (!memcmp(payload, "\177ELF", 4)) {
		strbuf_add(out, payload, len);
		return 0;
	}
	if (memcmp(payload, "\x1f\x8b", 2) != 0)
		len -= 4;
	if (unpack_bytes(payload, len, out) || out->len < 4 || memcmp(out->buf, "\177ELF", 4) != 0)
		return error_set(
			err, -EINVAL,
			"%s: its kernel cannot be unpacked (compressed with LZO, or damaged)",
			path);
	return 0;
}

/* ---- as make leaves it ---- */

static int put_file(const char *tree, const char *name, const void *data, size_t len,
		    struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s", tree, name);

	return fs_write_file(path, data, len, err);
}

/* @name: of the user's file, for messages. */
static int put_contents(const char *tree, const char *bzimage, const char *name, struct error *err)
{
	struct strbuf image = STRBUF_INIT, vmlinux = STRBUF_INIT;
	__cleanup_free char *release = NULL;
	int ret = fs_read_file(bzimage, MAX_BZIMAGE, &image, err);

	if (!ret)
		ret = check_header(&image, name, err);
	if (!ret)
		ret = extract_vmlinux(&image, name, &vmlinux, err);
	if (ret)
		goto out;
	release = read_release(&image);
	if (!release)
		release = xstrdup("unknown");
	ret = put_file(tree, "vmlinux", vmlinux.buf, vmlinux.len, err);
	if (!ret)
		ret = put_file(tree, "include/config/kernel.release", release, strlen(release),
			       err);
out:
	strbuf_release(&image);
	strbuf_release(&vmlinux);
	return ret;
}

static int copy_into(const char *from, const char *tree, const char *name, char **to,
		     struct error *err)
{
	*to = xasprintf("%s/%s", tree, name);
	return fs_copy_file(from, *to, err);
}

static int make_folders(const struct kernel_work *w, struct error *err)
{
	__cleanup_free char *boot = xasprintf("%s/arch/x86/boot", w->tree);
	__cleanup_free char *config = xasprintf("%s/include/config", w->tree);
	int ret = fs_mkdir_p(boot, err);

	if (!ret)
		ret = fs_mkdir_p(config, err);
	if (!ret)
		ret = fs_mkdir_p(w->entry, err);
	return ret;
}

/* Copies the files, and makes sure that the copies are what the key says. */
static int lay_out(const struct prebuilt *p, const struct kernel_work *w, struct error *err)
{
	__cleanup_free char *bzimage = NULL, *map = NULL, *config = NULL;
	__cleanup_free char *note = xasprintf("taken from %s\n", p->bzimage);
	struct kernel_keys now = {0};
	int ret = make_folders(w, err);

	if (!ret)
		ret = copy_into(p->bzimage, w->tree, "arch/x86/boot/bzImage", &bzimage, err);
	if (!ret)
		ret = copy_into(p->system_map, w->tree, "System.map", &map, err);
	if (!ret)
		ret = copy_into(p->config, w->tree, ".config", &config, err);
	if (!ret)
		ret = hash_files(bzimage, map, config, &now, err);
	if (!ret && strcmp(now.key, p->keys.key) != 0)
		ret = error_set(err, -ESTALE,
				"%s: changed while it was read; try again when it is built",
				p->bzimage);
	if (!ret)
		ret = put_contents(w->tree, bzimage, p->bzimage, err);
	if (!ret)
		ret = fs_write_file(w->log, note, strlen(note), err);
	return ret;
}

static int publish(const struct kernel_env *env, const struct kernel_variant *v,
		   const struct prebuilt *p, struct error *err)
{
	__cleanup_free char *damaged = kernel_cache_path(env, "kernels", p->keys.key);
	struct kernel_work work;
	int lock = -1, ret = kernel_work_begin(env, &work, err);

	if (ret)
		return ret;
	ret = kernel_work_lock(env, "kernel", v->name, p->keys.key, &lock, err);
	if (!ret)
		ret = fs_remove_tree(damaged, err);
	if (!ret)
		ret = lay_out(p, &work, err);
	if (!ret)
		ret = kernel_cache_publish(env, v, &p->keys, &work, 0, err);
	if (lock >= 0)
		close(lock);
	kernel_work_end(&work);
	return ret;
}

/* Without a build-id nobody can say that this kernel is the one that booted. */
static int load(const struct kernel_env *env, const struct kernel_variant *v,
		const struct prebuilt *p, struct kernel_build *out, struct error *err)
{
	int ret = kernel_cache_load(env, v, &p->keys, out, err);

	if (ret || out->build_id[0])
		return ret;
	kernel_build_free(out);
	return error_set(err, -EINVAL, "%s: has no build-id (ld's --build-id)", p->bzimage);
}

int kernel_prebuilt_build(const struct kernel_env *env, const struct kernel_variant *v,
			  struct kernel_build *out, struct error *err)
{
	double started = clock_seconds();
	struct prebuilt p;
	bool cached = true;
	int ret = find_prebuilt(v, &p, err);

	if (ret)
		goto out;
	ret = load(env, v, &p, out, err);
	if (ret == -EUCLEAN) { /* not there yet, or damaged */
		cached = false;
		ret = publish(env, v, &p, err);
		if (!ret)
			ret = load(env, v, &p, out, err);
	}
	if (!ret) {
		out->cached = cached;
		out->seconds = clock_seconds() - started;
	}
out:
	free_prebuilt(&p);
	return ret;
}
