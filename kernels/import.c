// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mailing-list mbox or patch files become a series and a variant, or nothing. In order: everything is
 * read (import_read.c), written to a folder of its own, tried on the base (import_try.c), and only then put
 * in its place: the series by a rename, the variant, which is read back. Whatever fails, both are removed; killed
 * between the two, an import leaves a series without a variant.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/log.h"
#include "common/scratch.h"
#include "common/shell.h"
#include "kernels/import.h"
#include "kernels/mailinfo.h"

#define SLUG_MAX 52

/* ---- writing it ---- */

/* "KVM: nVMX: Don't" -> "KVM-nVMX-Don-t": a plain file name. */
static void make_slug(const char *title, char slug[SLUG_MAX + 1])
{
	size_t n = 0;

	for (; *title && n < SLUG_MAX; title++) {
		if (isalnum((unsigned char)*title) || *title == '_')
			slug[n++] = *title;
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
}

static char *patch_name(int i, const struct mail *mail)
{
	char slug[SLUG_MAX + 1];

	make_slug(mail->title, slug);
	if (!slug[0])
		return xasprintf("%04d-patch.patch", i + 1);
	return xasprintf("%04d-%s.patch", i + 1, slug);
}

static int write_patch(const char *dir, int i, const struct thread *s, struct strbuf *list,
		       struct error *err)
{
	const struct mail *mail = s->patches[i];
	__cleanup_free char *name = patch_name(i, mail);
	__cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct strbuf text = STRBUF_INIT;
	int ret;

	strbuf_addf(&text,
		    "From: %s <%s>\nDate: %s\nSubject: [PATCH %d/%d] %s\nMIME-Version: 1.0\n"
		    "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n",
		    mail->author, mail->email, mail->date, i + 1, s->m, mail->title);
	strbuf_addstr(&text, mail->body);
	if (text.buf[text.len - 1] != '\n')
		strbuf_addch(&text, '\n');
	strbuf_addstr(&text, mail->diff);
	strbuf_addf(list, "%s\n", name);
	ret = fs_write_file(path, text.buf, text.len, err);
	strbuf_release(&text);
	return ret;
}

static int write_series(const char *dir, const struct thread *s, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/series", dir);
	struct strbuf list = STRBUF_INIT;
	int ret = 0;

	for (int i = 0; !ret && i < s->m; i++)
		ret = write_patch(dir, i, s, &list, err);
	if (!ret)
		ret = fs_write_file(path, list.buf, list.len, err);
	strbuf_release(&list);
	return ret;
}

/* The given paths, without their folders. */
static struct json_object *list_files(const struct kernel_import *what)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < what->npatches; i++)
		json_object_array_add(list, json_object_new_string(basename(what->patches[i])));
	return list;
}

/* Where the mails came from. */
static int describe_origin(const struct import *i, struct json_object *o, struct error *err)
{
	char hex[SHA256_HEX];
	struct stat st;
	int ret;

	if (i->what->message_id)
		json_add_string(o, "fetched", i->where);
	if (i->what->npatches)
		json_object_object_add(o, "files", list_files(i->what));
	if (!i->mbox)
		return 0;
	json_add_string(o, "mbox", i->piped ? "a pipe" : basename(i->where));
	if (!stat(i->mbox, &st) && S_ISDIR(st.st_mode)) /* a maildir */
		return 0;
	ret = sha256_file(i->mbox, hex, err);
	if (!ret)
		json_add_string(o, "mbox_sha256", hex);
	return ret;
}

/* For the variant's "import". */
static void describe_series(const struct import *i, struct json_object *o)
{
	const struct thread *s = &i->series;
	struct json_object *ids = json_object_new_array();
	__cleanup_free char *base_commit = thread_base_commit(s);

	json_object_object_add(o, "version", json_object_new_int(s->version));
	if (base_commit)
		json_add_string(o, "base_commit", base_commit);
	if (i->tried_on)
		json_add_string(o, "tried_on", i->tried_on);
	if (i->merged)
		json_object_object_add(o, "merged", json_object_new_boolean(true));
	if (s->cover) {
		json_add_string(o, "cover", s->cover->title);
		json_add_string(o, "cover_message_id", s->cover->message_id);
	}
	for (int n = 0; n < s->m; n++)
		json_object_array_add(ids, json_object_new_string(s->patches[n]->message_id));
	json_object_object_add(o, "message_ids", ids);
}

static int describe_variant(const struct import *i, struct json_object *o, struct error *err)
{
	const struct thread *s = &i->series;
	const struct mail *first = s->cover ? s->cover : s->patches[0];
	__cleanup_free char *patches = xasprintf("patches/%s", i->what->name);
	struct json_object *import = json_object_new_object();

	if (*first->title)
		json_add_string(o, "description", first->title);
	json_add_string(o, "base", i->base);
	json_add_string(o, "patches", patches);
	json_object_object_add(o, "import", import);
	describe_series(i, import);
	return describe_origin(i, import, err);
}

static int write_variant(const char *path, const struct import *i, struct error *err)
{
	struct json_object *o = json_object_new_object();
	__cleanup_free char *text = NULL;
	int ret = describe_variant(i, o, err);

	text = xasprintf("%s\n", json_object_to_json_string_ext(
					 o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
						    JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!ret)
		ret = fs_write_file(path, text, strlen(text), err);
	json_object_put(o);
	return ret;
}

/* Writes the variant and reads it as everybody else will. */
static int add_variant(const char *path, const struct import *i, struct error *err)
{
	struct kernel_variant v;
	int ret = write_variant(path, i, err);

	if (!ret)
		ret = kernel_variant_load(i->env, i->what->name, &v, err);
	if (ret) {
		unlink(path);
		return ret;
	}
	kernel_variant_free(&v);
	return 0;
}

/* The series appears by one rename, then the variant. */
static int publish(const char *half, const struct import *i, struct error *err)
{
	const char *top = i->what->dir, *name = i->what->name;
	__cleanup_free char *dir = xasprintf("%s/patches/%s", top, name);
	__cleanup_free char *variant = xasprintf("%s/%s.json", top, name);
	int ret;

	ret = fs_publish(half, dir, err);
	if (ret)
		return ret;
	ret = add_variant(variant, i, err);
	if (ret)
		fs_remove_tree(dir, NULL);
	return ret;
}

static int try_series(const char *half, struct import *i, const struct kernel_variant *onto,
		      struct error *err)
{
	char **paths = NULL;
	size_t count = 0;
	int ret = kernel_series_read(half, 0, &paths, &count, err);

	if (!ret)
		ret = import_try(i, onto, paths, err);
	fs_free_names(paths, count);
	return ret;
}

/* The series in the folder @half, tried; with diffs that were merged it is written again. */
static int write_tried(const char *half, struct import *i, const struct kernel_variant *onto,
		       struct error *err)
{
	int ret = fs_mkdir_p(half, err);

	if (!ret)
		ret = write_series(half, &i->series, err);
	if (!ret)
		ret = try_series(half, i, onto, err);
	if (!ret && i->merged)
		ret = write_series(half, &i->series, err);
	return ret;
}

static int write_all(struct import *i, const struct kernel_variant *onto, struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/patches", i->what->dir), *half = NULL;
	struct scratch scratch;
	int ret = fs_mkdir_p(top, err);

	if (!ret)
		ret = scratch_begin(top, "." SCRATCH_PREFIX, &scratch, err);
	if (ret)
		return ret;
	half = xasprintf("%s/series", scratch.dir);
	ret = write_tried(half, i, onto, err);
	if (!ret)
		ret = publish(half, i, err);
	scratch_end(&scratch);
	return ret;
}

/* ---- */

/* One of the variants that come with nestlab must not be hidden unnoticed. */
static int check_new(const struct kernel_env *env, const struct kernel_import *what,
		     struct error *err)
{
	const char *name = what->name;
	__cleanup_free char *dir = xasprintf("%s/patches/%s", what->dir, name);
	__cleanup_free char *variant = folders_find(&env->variants, name, ".json");

	if (!fs_is_plain_name(name))
		return error_set(
			err, -EINVAL,
			"\"%s\" cannot be the name of a variant (use letters, digits and ._+-)",
			name);
	if (variant)
		return error_set(err, -EEXIST, "%s: exists already; choose another name", variant);
	if (fs_exists(dir))
		return error_set(
			err, -EEXIST,
			"%s: exists already, and no variant %s.json is there (an import that was killed leaves it so): remove it, or choose another name",
			dir, name);
	return 0;
}

/* What the new variant's file says as "base": a name, or an absolute path. The caller frees. */
static char *name_base(const char *onto, const struct kernel_variant *v)
{
	if (fs_is_plain_name(onto) && !fs_has_suffix(onto, ".json"))
		return xstrdup(v->name);
	return xstrdup(v->path);
}

static int import_onto(struct import *i, const struct kernel_variant *onto, struct error *err)
{
	int ret = scratch_begin(NULL, NULL, &i->scratch, err);

	if (ret)
		return ret;
	ret = import_read(i, err);
	if (!ret)
		ret = write_all(i, onto, err);
	scratch_end(&i->scratch);
	return ret;
}

static void free_import(struct import *i)
{
	thread_free(&i->series);
	mailbox_free(&i->box);
	free(i->where);
	free(i->mbox);
	free(i->base);
	free(i->tried_on);
}

int kernel_import(const struct kernel_env *env, const struct kernel_import *what, struct error *err)
{
	struct import i = {.env = env, .what = what};
	struct kernel_variant onto;
	int ret = check_new(env, what, err);

	if (ret)
		return ret;
	ret = kernel_variant_load(env, what->onto, &onto, err);
	if (ret)
		return error_prefix(err, ret, "--onto");
	i.base = name_base(what->onto, &onto);
	ret = import_onto(&i, &onto, err);
	if (!ret && !i.tried_on)
		log_info(
			"not tried: the sources of %s are not unpacked here; %s kernel build %s will apply the patches",
			onto.name, shell_program(), what->name);
	free_import(&i);
	kernel_variant_free(&onto);
	return ret;
}
