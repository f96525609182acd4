// SPDX-License-Identifier: GPL-2.0-only
/* Patch series: reading, hashing, applying; what exactly did not apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

#define MAX_PATCH_BYTES (64 << 20)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The patch that a line of a series file names: NULL for a comment or an empty line. */
static char *series_entry(char *line)
{
	line += strspn(line, " \t");
	line[strcspn(line, " \t\r\n")] = '\0';
	return *line && *line != '#' ? line : NULL;
}

static int add_patch(const char *dir, const char *name, int line, char ***paths, size_t *count,
		     struct error *err)
{
	char *path;

	if (strchr(name, '/') || name[0] == '.')
		return error_set(err, -EINVAL, "%s/series:%d: \"%s\" is not a file of that folder",
				 dir, line, name);
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
	char *save = NULL;
	int number = 0, ret;

	ret = fs_read_file(series, 1 << 20, &text, err);
	for (char *line = text.buf; !ret && *line && (!limit || added < limit);) {
		char *next = line + strcspn(line, "\n"), *name;

		save = *next ? next + 1 : next;
		*next = '\0';
		number++;
		name = series_entry(line);
		if (name)
			ret = add_patch(dir, name, number, paths, count, err);
		added += name != NULL;
		line = save;
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
};

static void watch(const char *line, void *arg)
{
	static const char *const signs[] = {
		"FAILED",	  "can't find file",	    "malformed patch", "already applied",
		"already exists", "No space left",	    "Ignoring",	       "Only garbage",
		"not found",	  "unexpected end of file", "doesn't exist",
	};
	struct complaint *c = arg;
	char file[256];

	if (sscanf(line, "%*[a-z] file %255[^\n]", file) == 1 ||
	    sscanf(line, "%*[a-z] %*[a-z] file %255[^\n]", file) == 1) {
		if (!c->what[0])
			snprintf(c->file, sizeof(c->file), "%s", file);
	}
	for (size_t i = 0; !c->what[0] && i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			snprintf(c->what, sizeof(c->what), "%s", line);
}

static int apply_one(const char *tree, const char *patch, const char *log, struct error *err)
{
	/* No fuzz: a hunk whose context differs is a different patch, and wants a human. */
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
	struct complaint c = {"", ""};
	struct subprocess sp = {.argv = argv,
				.env = env,
				.cwd = tree,
				.log_path = log,
				.on_line = watch,
				.arg = &c};
	int status, ret;

	ret = subprocess_run(&sp, &status, err);
	if (ret)
		return ret;
	if (strstr(c.what, "No space left"))
		return error_set(err, -ENOSPC, "%s: disk full while applying %s", tree,
				 base_name(patch));
	if (status || strstr(c.what, "Ignoring"))
		return error_set(err, -EBADMSG, "patch %s does not apply: %s%s%s", base_name(patch),
				 c.file, c.file[0] ? ": " : "",
				 c.what[0] ? c.what : "patch(1) failed");
	return 0;
}

/* Calls @each with the name ("dir/file") of every file that @patch changes or adds. */
static int for_each_file(const char *patch, int (*each)(const char *name, void *arg), void *arg,
			 struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(patch, MAX_PATCH_BYTES, &text, err);

	for (const char *line = text.buf; !ret && line && *line;) {
		__cleanup_free char *name = strndup(line, strcspn(line, "\t\r\n"));
		const char *slash = strchr(name, '/');

		if (!strncmp(name, "+++ ", 4) && slash && strcmp(name + 4, "/dev/null"))
			ret = each(slash + 1, arg);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	strbuf_release(&text);
	return ret;
}

struct applying {
	const char *tree, *patch;
	struct error *err;
};

/* In a tree that was built there are more files to patch than there are sources. */
static int refuse_generated(const char *name, void *arg)
{
	struct applying *a = arg;

	bool generated;
	int ret = kernel_tree_is_generated(a->tree, name, &generated, a->err);

	if (ret || !generated)
		return ret;
	return error_set(a->err, -EBADMSG,
			 "patch %s does not apply to the sources: %s is made by make; leave it out "
			 "of the patch",
			 base_name(a->patch), name);
}

static int note_source(const char *name, void *arg)
{
	struct applying *a = arg;

	return kernel_tree_note_source(a->tree, name, a->err);
}

int kernel_patches_apply(const char *tree, char *const *paths, size_t count, const char *log,
			 struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		struct applying a = {tree, paths[i], err};

		ret = for_each_file(paths[i], refuse_generated, &a, err);
		if (!ret)
			ret = apply_one(tree, paths[i], log, err);
		if (!ret)
			ret = for_each_file(paths[i], note_source, &a, err);
	}
	return ret;
}

/* The file that a line of a patch's headers names, without its first folder; else NULL. */
static char *header_name(const char *line)
{
	static const char *const signs[] = {"+++ ", "--- ", "rename from ", "rename to "};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		size_t len = strlen(signs[i]);
		const char *name = line + len, *slash;

		if (strncmp(line, signs[i], len))
			continue;
		slash = i < 2 ? memchr(name, '/', strcspn(name, "\t\r\n")) : NULL;
		name = slash ? slash + 1 : name;
		return strndup(name, strcspn(name, "\t\r\n"));
	}
	return NULL;
}

static bool is_userspace(const char *name)
{
	return !strncmp(name, "tools/", 6) || !strncmp(name, "scripts/", 8) ||
	       !strncmp(name, "usr/", 4) || strstr(name, "/uapi/") || strstr(name, "/syscalls/") ||
	       !strcmp(base_name(name), "Makefile") || !strcmp(base_name(name), "Kbuild");
}

static int touches_userspace(const char *patch, bool *touch, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(patch, MAX_PATCH_BYTES, &text, err);

	*touch = false;
	for (const char *line = text.buf; !ret && !*touch && line && *line;) {
		__cleanup_free char *name = header_name(line);

		*touch = name && is_userspace(name);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	strbuf_release(&text);
	return ret;
}

int kernel_patches_hash_userspace(char *const *paths, size_t count, char hex[SHA256_HEX],
				  struct error *err)
{
	__cleanup_free char **chosen = xcalloc(count + 1, sizeof(*chosen));
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		bool touch;

		ret = touches_userspace(paths[i], &touch, err);
		if (!ret && touch)
			chosen[n++] = paths[i];
	}
	return ret ? ret : kernel_patches_hash(chosen, n, hex, err);
}

bool kernel_is_config_path(const char *path)
{
	return strstr(path, "Kconfig") || strstr(path, "configs/") || strstr(path, "kconfig/") ||
	       !strcmp(base_name(path), "Makefile") || strstr(path, "scripts/");
}

/* Is @line ("b/dir/file") a file that `make olddefconfig` reads? */
static bool is_config_file(const char *line)
{
	static const char *const tops[] = {"Makefile", "arch/x86/Makefile", "scripts/"};
	__cleanup_free char *path = strndup(line, strcspn(line, "\t\r\n"));
	const char *slash = strchr(path, '/'), *inside = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (!strncmp(inside, tops[i], strlen(tops[i])))
			return true;
	return !strncmp(base_name(path), "Kconfig", 7) || strstr(path, "/configs/");
}

int kernel_patches_touch_config(char *const *paths, size_t count, bool *touch, struct error *err)
{
	int ret = 0;

	*touch = false;
	for (size_t i = 0; !ret && !*touch && i < count; i++) {
		struct strbuf text = STRBUF_INIT;

		ret = fs_read_file(paths[i], MAX_PATCH_BYTES, &text, err);
		for (const char *line = text.buf; !ret && line && *line && !*touch;) {
			*touch = (!strncmp(line, "+++ ", 4) || !strncmp(line, "--- ", 4)) &&
				 is_config_file(line + 4);
			line = strchr(line, '\n');
			line = line ? line + 1 : NULL;
		}
		strbuf_release(&text);
	}
	return ret;
}
