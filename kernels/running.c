// SPDX-License-Identifier: GPL-2.0-only
/* The kernel that this machine runs: nothing is built, it is described by what it says of itself. */
#include <archive.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "kernels/internal.h"

#define CONFIG_MAX (4u << 20)

/* PATH as seen from the machine's root; the caller frees. */
static char *machine_path(const struct kernel_env *env, const char *path)
{
	return xasprintf("%s%s", env->machine_root ? env->machine_root : "", path);
}

/* The first line of a file of /proc; the caller frees. */
static int read_line(const struct kernel_env *env, const char *path, char **out, struct error *err)
{
	__cleanup_free char *full = machine_path(env, path);
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(full, 0, &text, err);

	if (!ret)
		*out = strndup(text.buf, strcspn(text.buf, "\n"));
	strbuf_release(&text);
	return ret;
}

/* "Linux version R (user@host) (COMPILER, LINKER) #1 ...": what is in the second pair of brackets. */
static char *compiler_of(const char *version)
{
	const char *from = strstr(version, ") ("), *to = NULL;

	if (from)
		to = strstr(from += 3, ") #");
	if (!to)
		return xstrdup("");
	return strndup(from, to - from);
}

static void read_build_id(const struct kernel_env *env, char hex[41])
{
	__cleanup_free char *path = machine_path(env, "/sys/kernel/notes");
	struct strbuf notes = STRBUF_INIT;

	hex[0] = '\0';
	if (!fs_read_file(path, 0, &notes, NULL))
		kernel_notes_build_id(notes.buf, notes.len, hex);
	strbuf_release(&notes);
}

/* Hashes a configuration, compressed or not; false if there is none that can be read. */
static bool hash_config(const char *path, char hex[SHA256_HEX])
{
	struct archive *a = archive_read_new();
	__cleanup_free char *text = xcalloc(1, CONFIG_MAX);
	struct archive_entry *entry;
	ssize_t n = -1;

	archive_read_support_filter_gzip(a);
	archive_read_support_format_raw(a);
	if (!archive_read_open_filename(a, path, 65536) &&
	    archive_read_next_header(a, &entry) == ARCHIVE_OK)
		n = archive_read_data(a, text, CONFIG_MAX);
	archive_read_free(a);
	if (n > 0)
		sha256_bytes(text, n, hex);
	return n > 0;
}

/* "" where the kernel does not tell it (CONFIG_IKCONFIG_PROC) and no package has put it into /boot. */
static void find_config(const struct kernel_env *env, const char *release, char hex[SHA256_HEX])
{
	__cleanup_free char *own = machine_path(env, "/proc/config.gz");
	__cleanup_free char *boot = machine_path(env, "/boot/config-");
	__cleanup_free char *installed = xasprintf("%s%s", boot, release);

	hex[0] = '\0';
	if (!hash_config(own, hex))
		hash_config(installed, hex);
}

int kernel_running_describe(const struct kernel_env *env, const char *name,
			    struct kernel_build *out, struct error *err)
{
	__cleanup_free char *version = NULL;
	__cleanup_free char *what = NULL;
	int ret = read_line(env, "/proc/version", &version, err);

	if (ret)
		return ret;
	ret = read_line(env, "/proc/sys/kernel/osrelease", &out->release, err);
	if (ret)
		return ret;
	out->name = xstrdup(name);
	out->dir = xstrdup("");
	out->compiler = compiler_of(version);
	out->running = out->cached = true;
	read_build_id(env, out->build_id);
	find_config(env, out->release, out->config_hash);
	what = xasprintf("running\n%s\n%s\n%s\n", version, out->build_id, out->config_hash);
	sha256_bytes(what, strlen(what), out->key);
	return 0;
}
