// SPDX-License-Identifier: GPL-2.0-only
/* Turns a mailing-list mbox into a series and a variant. On an error it writes nothing. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/json.h"
#include "common/sha256.h"
#include "kernels/internal.h"
#include "kernels/mail.h"

#define MAX_SERIES 1000
#define SLUG_MAX   52

/* The one series of a mailbox. */
struct series {
	int version, m;
	const struct mail *cover;    /* NULL: none */
	const struct mail **patches; /* m of them */
};

/* ---- finding the series ---- */

/* Numbers of a patch mail; a lone "[PATCH]" is 1/1. */
static int number_of(const struct mail *mail)
{
	if (!mail->m)
		return 1;
	return mail->n;
}

static int total_of(const struct mail *mail)
{
	if (!mail->m)
		return 1;
	return mail->m;
}

/* Is the mail a patch, or a series' cover letter? */
static bool is_of_series(const struct mail *mail)
{
	return mail->patch && (mail->m || mail->diff[0]);
}

/* All patch mails must be of one series: same version, same count. */
static int choose_series(const struct mailbox *box, const char *mbox, struct series *s,
			 struct error *err)
{
	for (size_t i = 0; i < box->count; i++) {
		const struct mail *mail = &box->mails[i];

		if (!is_of_series(mail))
			continue;
		if (!s->m) {
			s->version = mail->version;
			s->m = total_of(mail);
		} else if (s->version != mail->version || s->m != total_of(mail)) {
			return error_set(
				err, -EINVAL,
				"%s: holds more than one series: v%d with %d patches, and v%d with %d (\"%s\"); leave only one in it",
				mbox, s->version, s->m, mail->version, total_of(mail),
				mail->subject);
		}
	}
	if (!s->m)
		return error_set(
			err, -EINVAL,
			"%s: no patch in it (looked for subjects with [PATCH n/m] in %zu mails)",
			mbox, box->count);
	if (s->m > MAX_SERIES)
		return error_set(err, -EINVAL,
				 "%s: a series of %d patches; at most %d can be imported", mbox,
				 s->m, MAX_SERIES);
	s->patches = xcalloc(s->m, sizeof(*s->patches));
	return 0;
}

/* A mail that arrived through two lists counts once. */
static bool same_mail(const struct mail *a, const struct mail *b)
{
	return a->message_id[0] && !strcmp(a->message_id, b->message_id) &&
	       !strcmp(a->diff, b->diff);
}

static int place_mail(const struct mail *mail, const char *mbox, struct series *s,
		      struct error *err)
{
	int n = number_of(mail);
	const struct mail **slot = &s->cover;
	__cleanup_free char *outside = mail_outside_path(mail);

	if (n > s->m)
		return error_set(err, -EINVAL, "%s: \"%s\": impossible number: patch %d of %d",
				 mbox, mail->subject, n, s->m);
	if (n && !mail->diff[0])
		return error_set(err, -EINVAL, "%s: \"%s\": the mail has no diff", mbox,
				 mail->subject);
	if (outside)
		return error_set(err, -EINVAL,
				 "%s: \"%s\": changes a file outside of the kernel's tree: %s",
				 mbox, mail->subject, outside);
	if (n)
		slot = &s->patches[n - 1];
	if (*slot && !same_mail(*slot, mail))
		return error_set(
			err, -EINVAL,
			"%s: two different mails are patch %d/%d: %s and %s; leave only one of them",
			mbox, n, s->m, (*slot)->message_id, mail->message_id);
	*slot = mail;
	return 0;
}

static int check_complete(const struct series *s, const char *mbox, struct error *err)
{
	struct strbuf missing = STRBUF_INIT;
	int ret = 0;

	for (int i = 0; i < s->m; i++)
		if (!s->patches[i])
			strbuf_addf(&missing, " %d/%d", i + 1, s->m);
	if (missing.len)
		ret = error_set(err, -EINVAL, "%s: patches are missing:%s (nothing was imported)",
				mbox, missing.buf);
	strbuf_release(&missing);
	return ret;
}

static int find_series(const struct mailbox *box, const char *mbox, struct series *s,
		       struct error *err)
{
	int ret = choose_series(box, mbox, s, err);

	for (size_t i = 0; !ret && i < box->count; i++)
		if (is_of_series(&box->mails[i]))
			ret = place_mail(&box->mails[i], mbox, s, err);
	if (ret)
		return ret;
	return check_complete(s, mbox, err);
}

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

static int write_patch(const char *dir, int i, const struct series *s, struct strbuf *list,
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
	strbuf_addstr(&text, mail->diff);
	strbuf_addf(list, "%s\n", name);
	ret = fs_write_file(path, text.buf, text.len, err);
	strbuf_release(&text);
	return ret;
}

static int write_series(const char *dir, const struct series *s, struct error *err)
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

static char *base_commit_of(const struct series *s)
{
	char *found = NULL;

	if (s->cover)
		found = mail_base_commit(s->cover);
	for (int i = 0; !found && i < s->m; i++)
		found = mail_base_commit(s->patches[i]);
	return found;
}

/* Where the series came from, for the variant's "import". */
static struct json_object *describe_import(const struct series *s, const char *mbox,
					   const char *hex)
{
	struct json_object *o = json_object_new_object(), *ids = json_object_new_array();
	__cleanup_free char *base_commit = base_commit_of(s);

	json_add_string(o, "mbox", basename(mbox));
	json_add_string(o, "mbox_sha256", hex);
	json_object_object_add(o, "version", json_object_new_int(s->version));
	if (base_commit)
		json_add_string(o, "base_commit", base_commit);
	if (s->cover) {
		json_add_string(o, "cover", s->cover->title);
		json_add_string(o, "cover_message_id", s->cover->message_id);
	}
	for (int i = 0; i < s->m; i++)
		json_object_array_add(ids, json_object_new_string(s->patches[i]->message_id));
	json_object_object_add(o, "message_ids", ids);
	return o;
}

static int write_variant(const char *path, const char *onto, const char *name,
			 const struct series *s, const char *mbox, struct error *err)
{
	const struct mail *first = s->cover ? s->cover : s->patches[0];
	__cleanup_free char *patches = xasprintf("patches/%s", name);
	__cleanup_free char *text = NULL;
	struct json_object *o;
	char hex[SHA256_HEX];
	int ret = sha256_file(mbox, hex, err);

	if (ret)
		return ret;
	o = json_object_new_object();
	json_add_string(o, "description", first->title);
	json_add_string(o, "base", onto);
	json_add_string(o, "patches", patches);
	json_object_object_add(o, "import", describe_import(s, mbox, hex));
	text = xasprintf("%s\n", json_object_to_json_string_ext(
					 o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
						    JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	ret = fs_write_file(path, text, strlen(text), err);
	json_object_put(o);
	return ret;
}

/* Writes the series to the folder @half, then renames that to @dir. */
static int write_folder(const char *half, const char *dir, const struct series *s,
			struct error *err)
{
	int ret = fs_mkdir_p(half, err);

	if (ret)
		return ret;
	ret = write_series(half, s, err);
	if (ret)
		return ret;
	if (rename(half, dir))
		return error_set(err, -errno, "%s: cannot move the series here: %s", dir,
				 strerror(errno));
	return 0;
}

/* The series appears by one rename, then the variant; if that fails, the series is removed again. */
static int write_all(const struct kernel_env *env, const struct series *s, const char *mbox,
		     const char *onto, const char *name, struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/patches", env->variants_dir);
	__cleanup_free char *dir = xasprintf("%s/%s", top, name);
	__cleanup_free char *half = xasprintf("%s/.%s.%d", top, name, getpid());
	__cleanup_free char *variant = xasprintf("%s/%s.json", env->variants_dir, name);
	int ret = write_folder(half, dir, s, err);

	if (ret) {
		fs_remove_tree(half, NULL);
		return ret;
	}
	ret = write_variant(variant, onto, name, s, mbox, err);
	if (ret)
		fs_remove_tree(dir, NULL);
	return ret;
}

/* ---- */

static int check_new(const struct kernel_env *env, const char *name, struct error *err)
{
	__cleanup_free char *dir = xasprintf("%s/patches/%s", env->variants_dir, name);
	__cleanup_free char *variant = xasprintf("%s/%s.json", env->variants_dir, name);

	if (!fs_is_plain_name(name))
		return error_set(
			err, -EINVAL,
			"\"%s\" cannot be the name of a variant (use letters, digits and ._+-)",
			name);
	if (fs_exists(variant))
		return error_set(err, -EEXIST, "%s: exists already; choose another name", variant);
	if (fs_exists(dir))
		return error_set(err, -EEXIST, "%s: exists already; choose another name", dir);
	return 0;
}

/* What the new variant's file says as "base": a name, or an absolute path. */
static int check_onto(const struct kernel_env *env, const char *onto, char **base,
		      struct error *err)
{
	struct kernel_variant v;
	int ret = kernel_variant_load(env, onto, &v, err);

	if (ret)
		return error_prefix(err, ret, "--onto");
	if (fs_is_plain_name(onto) && !fs_has_suffix(onto, ".json"))
		*base = xstrdup(v.name);
	else
		*base = xstrdup(v.path);
	kernel_variant_free(&v);
	return 0;
}

/* @dir: for temporary files. */
static int import_mailbox(const struct kernel_env *env, const char *mbox, const char *dir,
			  const char *base, const char *name, struct error *err)
{
	struct series s = {.m = 0};
	struct mailbox box;
	int ret = mailbox_read(mbox, dir, &box, err);

	if (ret)
		return ret;
	ret = find_series(&box, mbox, &s, err);
	if (!ret)
		ret = write_all(env, &s, mbox, base, name, err);
	free(s.patches);
	mailbox_free(&box);
	return ret;
}

/* A template for mkdtemp(3); the caller frees. */
static char *temporary_template(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp)
		tmp = "/tmp";
	return xasprintf("%s/nestlab-import.XXXXXX", tmp);
}

int kernel_import(const struct kernel_env *env, const char *mbox, const char *onto,
		  const char *name, struct error *err)
{
	__cleanup_free char *dir = temporary_template();
	__cleanup_free char *base = NULL;
	int ret = check_new(env, name, err);

	if (ret)
		return ret;
	ret = check_onto(env, onto, &base, err);
	if (ret)
		return ret;
	if (!mkdtemp(dir))
		return error_set(err, -errno, "%s: cannot make a folder: %s", dir, strerror(errno));
	ret = import_mailbox(env, mbox, dir, base, name, err);
	fs_remove_tree(dir, NULL);
	return ret;
}
