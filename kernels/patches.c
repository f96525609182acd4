// SPDX-License-Identifier: GPL-2.0-only
/* Patch series: reads, hashes and applies them, and says which patch, file and hunk does not
 * apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "kernels/internal.h"
#include "kernels/patch.h"

/* The patch that a line of a series file names; NULL for a comment or an empty line. Cuts the line. */
static char *series_entry(char *line)
{
	line += strspn(line, " \t");
	line[strcspn(line, " \t\r\n")] = '\0';
	if (!*line || *line == '#')
		return NULL;
	return line;
}

static int add_patch(const char *dir, const char *name, int line, char ***paths, size_t *count,
		     struct error *err)
{
	char *path;

	if (strchr(name, '/') || name[0] == '.')
		return error_set(err, -EINVAL,
				 "%s/series:%d: \"%s\" must be a file in the same folder", dir,
				 line, name);
	path = xasprintf("%s/%s", dir, name);
	if (!fs_exists(path)) {
		free(path);
		return error_set(err, -ENOENT, "%s/series:%d: %s: no such patch", dir, line, name);
	}
	*paths = xrealloc(*paths, *count + 1, sizeof(**paths));
	(*paths)[(*count)++] = path;
	return 0;
}

int kernel_series_read(const char *dir, size_t limit, char ***paths, size_t *count,
		       struct error *err)
{
	__cleanup_free char *series = xasprintf("%s/series", dir);
	struct strbuf text = STRBUF_INIT;
	size_t added = 0;
	int number = 0, ret = fs_read_file(series, 1 << 20, &text, err);
	char *rest = text.buf, *line;

	while (!ret && (!limit || added < limit) && (line = strsep(&rest, "\n"))) {
		const char *name = series_entry(line);

		number++;
		if (!name)
			continue;
		ret = add_patch(dir, name, number, paths, count, err);
		added++;
	}
	strbuf_release(&text);
	return ret;
}

int kernel_patches_hash(char *const *paths, size_t count, char hex[SHA256_HEX], struct error *err)
{
	struct strbuf all = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		char one[SHA256_HEX];

		ret = sha256_file(paths[i], one, err);
		strbuf_addf(&all, "%s\n", one);
	}
	if (!ret)
		sha256_bytes(all.buf, all.len, hex);
	strbuf_release(&all);
	return ret;
}

/* ---- applying ---- */

/* What patch(1) says as it goes: the file it is at, and the first complaint. */
struct complaint {
	char file[256];
	char what[512];
	int limit; /* the limit of this machine that it met: a negative errno; 0: none */
};

/* "patching file kernel/fork.c", and what patch(1) says of files that it deletes or renames */
static void note_file(struct complaint *c, const char *line)
{
	char file[256];

	if (c->what[0])
		return;
	if (sscanf(line, "%*[a-z] file %255[^\n]", file) == 1 ||
	    sscanf(line, "%*[a-z] %*[a-z] file %255[^\n]", file) == 1)
		snprintf(c->file, sizeof(c->file), "%s", file);
}

static void watch_line(const char *line, void *arg)
{
	// clang-format off
	static const char *const signs[] = {
		"FAILED", "can't find file", "malformed patch", "already applied", "already exists",
		"Ignoring", "Only garbage", "not found", "unexpected end of file", "doesn't exist",
	};
	// clang-format on
	struct complaint *c = arg;

	note_file(c, line);
	if (!c->limit) {
		c->limit = subprocess_find_limit(line);
		if (c->limit)
			snprintf(c->what, sizeof(c->what), "%s", line);
	}
	for (size_t i = 0; !c->what[0] && i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			snprintf(c->what, sizeof(c->what), "%s", line);
}

static int judge_patch(const char *tree, const char *name, int status, struct complaint *c,
		       struct error *err)
{
	const char *separator = "";

	if (c->limit == -ENOSPC)
		return error_set(err, -ENOSPC, "%s: disk full while applying %s", tree, name);
	if (c->limit)
		return error_set(err, c->limit, "applying %s: %s", name, c->what);
	if (status > 128)
		return error_set(err, -ENOMEM, "applying %s: patch(1) was killed by signal %d",
				 name, status - 128);
	if (!status && !strstr(c->what, "Ignoring"))
		return 0;
	if (c->file[0])
		separator = ": ";
	if (!c->what[0])
		snprintf(c->what, sizeof(c->what), "patch(1) failed with status %d", status);
	return error_set(err, -EBADMSG, "patch %s does not apply: %s%s%s", name, c->file, separator,
			 c->what);
}

/* No fuzz: a hunk whose context differs is a different patch, and a person has to look at it. */
static int run_patch(const char *tree, const char *patch, const char *log, struct error *err)
{
	const char *argv[] = {"patch",
			      "-p1",
			      "--batch",
			      "--forward",
			      "--fuzz=0",
			      "--no-backup-if-mismatch",
			      "--reject-file=-",
			      "-i",
			      patch,
			      NULL};
	const char *const env[] = {"LC_ALL=C", "POSIXLY_CORRECT", "PATCH_GET=0", NULL};
	struct complaint c = {.file = ""};
	struct subprocess sp = {.argv = argv,
				.env = env,
				.cwd = tree,
				.log_path = log,
				.on_line = watch_line,
				.arg = &c};
	int status, ret = subprocess_run(&sp, &status, err);

	if (ret)
		return ret;
	return judge_patch(tree, basename(patch), status, &c, err);
}

/* A patch on its way into a tree, for patch_file_each_path(). */
struct applying {
	const char *tree, *patch;
	struct error *err;
};

/* A built tree also has files that make generated. A patch for one of them applies here but not to
 * fresh sources, so whether it applies would depend on the cache: it is refused. */
static int refuse_generated(const struct patch_path *p, void *arg)
{
	struct applying *a = arg;
	bool generated;
	int ret = kernel_tree_is_generated(a->tree, p->path, &generated, a->err);

	if (ret || !generated)
		return ret;
	return error_set(
		a->err, -EBADMSG,
		"patch %s does not apply to the sources: make generates %s; remove it from the patch",
		basename(a->patch), p->path);
}

static int note_source(const struct patch_path *p, void *arg)
{
	struct applying *a = arg;

	if (p->old)
		return 0;
	return kernel_tree_note_source(a->tree, p->path, a->err);
}

/* The patched files are younger than the mark although they are sources. They are noted as such, so
 * that a later patch to the same file is not refused. */
static int apply_patch(const char *tree, const char *patch, const char *log, struct error *err)
{
	struct applying a = {tree, patch, err};
	int ret = patch_file_each_path(patch, refuse_generated, &a, err);

	if (ret)
		return ret;
	ret = run_patch(tree, patch, log, err);
	if (ret)
		return ret;
	return patch_file_each_path(patch, note_source, &a, err);
}

int kernel_patches_apply(const char *tree, char *const *paths, size_t count, const char *log,
			 struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int ret = apply_patch(tree, paths[i], log, err);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what patches are about ---- */

static bool starts_with(const char *path, const char *start)
{
	return !strncmp(path, start, strlen(start));
}

static bool is_userspace_path(const char *path)
{
	const char *name = basename(path);

	return starts_with(path, "tools/") || starts_with(path, "scripts/") ||
	       starts_with(path, "usr/") || strstr(path, "/uapi/") || strstr(path, "/syscalls/") ||
	       !strcmp(name, "Makefile") || !strcmp(name, "Kbuild");
}

/* As strace(1) shows for 6.12: all of Kconfig, scripts/, the two makefiles, the fragments of tinyconfig. No
 * makefile of a folder is read, and no scripts/ but the top one. */
bool kernel_is_config_path(const char *path)
{
	return starts_with(basename(path), "Kconfig") || starts_with(path, "scripts/") ||
	       !strcmp(path, "Makefile") || starts_with(path, "arch/x86/Makefile") ||
	       strstr(path, "/configs/");
}

static int is_userspace(const struct patch_path *p, void *arg)
{
	(void)arg;
	return is_userspace_path(p->path);
}

static int is_config(const struct patch_path *p, void *arg)
{
	(void)arg;
	return kernel_is_config_path(p->path);
}

/* Does @patch name a path for which @is returns true? */
static int patch_has_path(const char *patch, int (*is)(const struct patch_path *p, void *arg),
			  bool *has, struct error *err)
{
	int ret = patch_file_each_path(patch, is, NULL, err);

	*has = ret == 1;
	if (ret == 1)
		return 0;
	return ret;
}

int kernel_patches_hash_userspace(char *const *paths, size_t count, char hex[SHA256_HEX],
				  struct error *err)
{
	__cleanup_free char **chosen = xcalloc(count + 1, sizeof(*chosen));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		bool seen;
		int ret = patch_has_path(paths[i], is_userspace, &seen, err);

		if (ret)
			return ret;
		if (seen)
			chosen[n++] = paths[i];
	}
	return kernel_patches_hash(chosen, n, hex, err);
}

int kernel_patches_touch_config(char *const *paths, size_t count, bool *touch, struct error *err)
{
	*touch = false;
	for (size_t i = 0; !*touch && i < count; i++) {
		int ret = patch_has_path(paths[i], is_config, touch, err);

		if (ret)
			return ret;
	}
	return 0;
}
