// SPDX-License-Identifier: GPL-2.0-only
/* Patch series: reads, hashes and applies them, and says which patch, file and hunk does not
 * apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/sha256.h"
#include "common/git.h"
#include "kernels/internal.h"
#include "kernels/mailinfo.h"
#include "kernels/patch.h"

/* Cuts "# a remark" and the blanks in front of it. */
static void cut_remark(char *text)
{
	size_t len = strcspn(text, "#");

	while (len && strchr(" \t", text[len - 1]))
		len--;
	text[len] = '\0';
}

/* The patch that a line of a series file names; NULL for a comment or an empty line. Cuts the line.
 * *options: quilt's behind the name, "" without. */
static char *series_entry(char *line, char **options)
{
	char *name;

	line[strcspn(line, "\r\n")] = '\0';
	name = strtok_r(line, " \t", options);
	if (!name || *name == '#')
		return NULL;
	*options += strspn(*options, " \t");
	cut_remark(*options);
	return name;
}

/* "-p1", and "-pab" which differs from it only in what quilt writes. */
static bool are_plain_options(const char *options)
{
	return !*options || !strcmp(options, "-p1") || !strcmp(options, "-pab");
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
		char *options = NULL;
		const char *name = series_entry(line, &options);

		number++;
		if (!name)
			continue;
		if (!are_plain_options(options)) {
			ret = error_set(err, -EINVAL,
					"%s:%d: \"%s\": patches are applied with -p1 alone", series,
					number, options);
			break;
		}
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

/* The number at the end of "FILE:LINE", which is cut off; 0: there is none. */
static long cut_line_number(char *place)
{
	char *colon = strrchr(place, ':');

	if (!colon)
		return 0;
	*colon = '\0';
	return atol(colon + 1);
}

int kernel_patch_refused(const char *name, const char *complaints, struct error *err)
{
	static const char failed[] = "error: patch failed: ";
	const char *at = strstr(complaints, failed), *why = strstr(complaints, "error: ");
	__cleanup_free char *text = NULL;

	if (at) {
		at += strlen(failed);
		text = strndup(at, strcspn(at, "\n"));
		long line = cut_line_number(text);

		return error_set(
			err, -EBADMSG,
			"patch %s does not apply: %s: the hunk for line %ld does not match", name,
			text, line);
	}
	if (!why)
		why = complaints;
	else
		why += strlen("error: ");
	text = strndup(why, strcspn(why, "\n"));
	return error_set(err, -EBADMSG, "patch %s does not apply: %s", name, text);
}

static void append_log(const char *log, const char *text)
{
	FILE *f;

	if (!log)
		return;
	f = fopen(log, "ae");
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

/* A failure is told by `git apply` before it writes anything. Its complaints go to the log as well. */
static int run_apply(const char *tree, const char *name, const char *diff, const char *log,
		     struct error *err)
{
	const char *const args[] = {"apply", "-p1", "--whitespace=nowarn", NULL};
	struct strbuf complaints = STRBUF_INIT;
	struct git_command cmd = {.dir = tree,
				  .args = args,
				  .env = mailinfo_env,
				  .stdin_path = diff,
				  .complaints = &complaints};
	int status, ret = git_run(&cmd, &status, NULL, err);

	if (!ret && status) {
		append_log(log, complaints.buf);
		ret = kernel_patch_refused(name, complaints.buf, err);
	}
	strbuf_release(&complaints);
	return ret;
}

/* No fuzz: a hunk whose context differs is a different patch, and a person has to look at it. git looks
 * for no repository (mailinfo_env), replaces a file that it changes and does not write into it. */
static int apply_diff(const char *tree, const char *patch, const struct strbuf *diff,
		      const char *log, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s.diff", tree);
	int ret = fs_write_file(path, diff->buf, diff->len, err);

	if (ret)
		return ret;
	ret = run_apply(tree, basename(patch), path, log, err);
	unlink(path);
	return ret;
}

/* A patch on its way into a tree, for patch_each_path(). */
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
	struct strbuf diff = STRBUF_INIT;
	int ret = patch_read(patch, &diff, err);

	if (ret)
		goto out;
	if (!patch_length(diff.buf)) {
		ret = error_set(
			err, -EBADMSG,
			"patch %s does not apply: it has no diff that git apply knows (unified, or git's own)",
			basename(patch));
		goto out;
	}
	ret = patch_each_path(diff.buf, refuse_generated, &a);
	if (ret)
		goto out;
	ret = apply_diff(tree, patch, &diff, log, err);
	if (ret)
		goto out;
	ret = patch_each_path(diff.buf, note_source, &a);
out:
	strbuf_release(&diff);
	return ret;
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

bool kernel_is_userspace_path(const char *path)
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
	return kernel_is_userspace_path(p->path);
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
	struct strbuf diff = STRBUF_INIT;
	int ret = patch_read(patch, &diff, err);

	*has = false;
	if (!ret)
		*has = patch_each_path(diff.buf, is, NULL) == 1;
	strbuf_release(&diff);
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
