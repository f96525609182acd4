// SPDX-License-Identifier: GPL-2.0-only
/* What is imported: a mailbox, patch files or folders of them, or a thread that b4 fetches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/subprocess.h"
#include "kernels/import.h"

size_t import_max_mbox = 1UL << 30;

/* ---- files that are given ---- */

/* A device never ends. A pipe can be read once only, so what it gives becomes a file; that has the limit,
 * too. *path is replaced then. */
static int make_readable(struct import *i, char **path, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	struct stat st;
	int ret;

	if (stat(*path, &st))
		return error_set(err, -errno, "%s: %s", *path, strerror(errno));
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return error_set(err, -EINVAL, "%s: a device, not a mailbox", *path);
	if (S_ISREG(st.st_mode) && (size_t)st.st_size > import_max_mbox)
		return error_set(err, -EFBIG, "%s: larger than %zu bytes, which is no thread",
				 *path, import_max_mbox);
	if (!S_ISFIFO(st.st_mode))
		return 0;
	i->piped = true;
	ret = fs_read_file(*path, import_max_mbox, &text, err);
	if (ret == -EFBIG)
		error_append(err, ret, ", which is no thread");
	if (!ret) {
		free(*path);
		*path = xasprintf("%s/piped.mbox", i->scratch.dir);
		ret = fs_write_file(*path, text.buf, text.len, err);
	}
	strbuf_release(&text);
	return ret;
}

/* ---- patch files ---- */

/* A patch without a subject (quilt's have none) is called like its file. */
static void name_mails(struct mailbox *box, size_t first, const char *path)
{
	const char *name = basename(path), *dot = strrchr(name, '.');

	for (size_t i = first; i < box->count; i++) {
		struct mail *mail = &box->mails[i];

		if (*mail->subject)
			continue;
		free(mail->subject);
		mail->subject = dot && dot > name ? strndup(name, dot - name) : xstrdup(name);
		mail_parse_subject(mail);
	}
}

static int add_file(struct import *i, const char *path, struct error *err)
{
	__cleanup_free char *readable = xstrdup(path);
	size_t before = i->box.count;
	int ret = make_readable(i, &readable, err);

	if (!ret)
		ret = mailbox_read(readable, i->scratch.dir, &i->box, err);
	if (!ret)
		name_mails(&i->box, before, path);
	return ret;
}

static bool is_patch_name(const char *name)
{
	static const char *const suffixes[] = {".patch", ".diff", ".mbox", ".eml", ".txt"};
	__cleanup_free char *plain = fs_stem(name, ".gz");

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (fs_has_suffix(plain ? plain : name, suffixes[i]))
			return name[0] != '.';
	return false;
}

/* A quilt folder: what its file "series" says. */
static int add_quilt_folder(struct import *i, const char *dir, struct error *err)
{
	char **paths = NULL;
	size_t count = 0;
	int ret = kernel_series_read(dir, 0, &paths, &count, err);

	for (size_t n = 0; !ret && n < count; n++)
		ret = add_file(i, paths[n], err);
	fs_free_names(paths, count);
	return ret;
}

/* Without a "series": its patch files in the order of their names, as git format-patch numbers them. */
static int add_folder(struct import *i, const char *dir, struct error *err)
{
	__cleanup_free char *series = xasprintf("%s/series", dir);
	char **names;
	size_t count;
	int ret;

	if (fs_exists(series))
		return add_quilt_folder(i, dir, err);
	ret = fs_list(dir, NULL, &names, &count, err);
	if (ret)
		return ret;
	for (size_t n = 0; !ret && n < count; n++) {
		__cleanup_free char *path = xasprintf("%s/%s", dir, names[n]);

		if (is_patch_name(names[n]))
			ret = add_file(i, path, err);
	}
	fs_free_names(names, count);
	return ret;
}

static int add_path(struct import *i, const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_folder(i, path, err);
	return add_file(i, path, err);
}

static int read_patches(struct import *i, struct error *err)
{
	const struct kernel_import *what = i->what;
	int ret = 0;

	i->where = xstrdup(what->patches[0]);
	for (size_t n = 0; !ret && n < what->npatches; n++)
		ret = add_path(i, what->patches[n], err);
	if (ret)
		return ret;
	return thread_in_order(&i->box, i->where, &i->series, err);
}

/* ---- a mailbox ---- */

static int read_mbox(struct import *i, const char *mbox, const char *where, struct error *err)
{
	int ret;

	i->where = xstrdup(where);
	i->mbox = xstrdup(mbox);
	ret = make_readable(i, &i->mbox, err);
	if (ret)
		return ret;
	ret = mailbox_read(i->mbox, i->scratch.dir, &i->box, err);
	if (ret)
		return ret;
	return thread_find(&i->box, i->where, i->what->version, &i->series, err);
}

/* "<x@y>", "x@y" or an archive's address of the mail: "x@y" of it, which the caller frees. */
static char *plain_id(const char *given)
{
	const char *start = given;
	size_t len;

	if (strstr(start, "://")) {
		size_t end = strlen(start);

		while (end && start[end - 1] == '/')
			end--;
		while (end && start[end - 1] != '/')
			end--;
		start += end;
	}
	start += *start == '<';
	len = strcspn(start, "/>");
	return strndup(start, len);
}

static int run_b4(struct import *i, const char *id, struct error *err)
{
	const char *const argv[] = {"b4", "mbox", "-o", i->scratch.dir, "-n", "thread",
				    "--", id,	  NULL};
	struct strbuf errors = STRBUF_INIT, out = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .out = &out, .errors = &errors};
	int status, ret = subprocess_run(&sp, &status, err);

	if (!ret && status) {
		while (errors.len && errors.buf[errors.len - 1] == '\n')
			errors.buf[--errors.len] = '\0';
		ret = error_set(err, -EREMOTEIO, "b4 mbox %s failed with status %d: %s", id, status,
				errors.len ? errors.buf : "it did not say why");
	}
	strbuf_release(&out);
	strbuf_release(&errors);
	return ret;
}

/* b4 adds a suffix of its own to the name. */
static int find_fetched(struct import *i, const char *id, char **path, struct error *err)
{
	char **names;
	size_t count;
	int ret = fs_list(i->scratch.dir, NULL, &names, &count, err);

	*path = NULL;
	if (ret)
		return ret;
	for (size_t n = 0; n < count && !*path; n++)
		if (!strncmp(names[n], "thread", strlen("thread")))
			*path = xasprintf("%s/%s", i->scratch.dir, names[n]);
	fs_free_names(names, count);
	if (!*path)
		return error_set(err, -ENOENT, "b4 mbox %s: found no such mail", id);
	return 0;
}

static int read_message_id(struct import *i, struct error *err)
{
	__cleanup_free char *id = plain_id(i->what->message_id);
	__cleanup_free char *path = NULL;
	int ret;

	if (!strchr(id, '@') || *id == '-' || strpbrk(id, " \t\n"))
		return error_set(err, -EINVAL, "\"%s\" is no message-id (NAME@HOST)",
				 i->what->message_id);
	if (!subprocess_have("b4"))
		return error_set(
			err, -ENOENT,
			"b4: is missing; apt-get install b4, or save the thread's mbox and give it with --mbox");
	ret = run_b4(i, id, err);
	if (!ret)
		ret = find_fetched(i, id, &path, err);
	if (ret)
		return ret;
	return read_mbox(i, path, id, err);
}

int import_read(struct import *i, struct error *err)
{
	if (i->what->npatches)
		return read_patches(i, err);
	if (i->what->message_id)
		return read_message_id(i, err);
	return read_mbox(i, i->what->mbox, i->what->mbox, err);
}
