// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/mail.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "common/terminal.h"
#include "common/utf8.h"
#include "kernels/mailinfo.h"
#include "kernels/patch.h"
#include "kernels/unpack.h"

/* The line after @line, or NULL. */
static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	if (!line)
		return NULL;
	return line + 1;
}

/* ---- headers ---- */

static bool is_header_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	return !strncasecmp(line, name, len) && line[len] == ':';
}

/* Appends the line without its end. */
static void add_line(struct strbuf *out, const char *line)
{
	strbuf_add(out, line, strcspn(line, "\r\n"));
}

char *mail_header(const char *raw, const char *name)
{
	struct strbuf value = STRBUF_INIT;
	const char *line = raw;

	while (line && *line != '\n' && *line != '\r' && !is_header_of(line, name))
		line = next_line(line);
	if (line && is_header_of(line, name)) {
		line += strlen(name) + 1;
		do {
			add_line(&value, line + strspn(line, " \t"));
			line = next_line(line);
			if (line && (*line == ' ' || *line == '\t'))
				strbuf_addch(&value, ' ');
		} while (line && (*line == ' ' || *line == '\t'));
	}
	return strbuf_detach(&value);
}

/* Appends the "<...>" of @text, the last one first. */
static void add_ids(struct strbuf *out, const char *text)
{
	for (size_t at = strlen(text); at;) {
		size_t len;

		if (text[--at] != '<')
			continue;
		len = strcspn(text + at + 1, "<> \t") +
		      1; /* to the next one: a header of '<' alone is no work */
		if (text[at + len] == '>')
			strbuf_addf(out, "%.*s ", (int)len + 1, text + at);
	}
}

static char *find_id(const char *raw)
{
	__cleanup_free char *value = mail_header(raw, "Message-ID");
	const char *id = value + strspn(value, " \t");

	return strndup(id, strcspn(id, " \t"));
}

static char *find_replied(const char *raw)
{
	__cleanup_free char *parent = mail_header(raw, "In-Reply-To");
	__cleanup_free char *references = mail_header(raw, "References");
	struct strbuf ids = STRBUF_INIT;

	add_ids(&ids, parent);
	add_ids(&ids, references);
	return strbuf_detach(&ids);
}

/* "x@y" of "Name <x@y>" or "x@y (Name)". */
static char *find_sender(const char *raw)
{
	__cleanup_free char *from = mail_header(raw, "From");
	const char *at = strrchr(from, '<');

	if (at)
		return strndup(at + 1, strcspn(at + 1, "> \t"));
	at = from + strspn(from, " \t");
	return strndup(at, strcspn(at, " \t"));
}

/* The line that git format-patch puts above each mail: a commit, and a date that is always the same. */
static bool has_git_line(const char *raw)
{
	return !strncmp(raw, "From ", 5) && strspn(raw + 5, "0123456789abcdef") >= 40 &&
	       strstr(raw, " Mon Sep 17 00:00:00 2001") &&
	       strstr(raw, " Mon Sep 17 00:00:00 2001") < raw + 100;
}

void mail_parse_headers(struct mail *mail, const char *raw)
{
	mail->message_id = find_id(raw);
	mail->replies_to = find_replied(raw);
	mail->sender = find_sender(raw);
	mail->from_git = has_git_line(raw);
}

/* The charset of the mail's text as its header says it; "" without. The caller frees. */
static char *find_charset(const char *raw)
{
	__cleanup_free char *type = mail_header(raw, "Content-Type");
	const char *at = strcasestr(type, "charset=");

	if (!at)
		return xstrdup("");
	at += strlen("charset=");
	at += *at == '"';
	return strndup(at, strcspn(at, "\"; \t"));
}

/* ---- bytes to UTF-8 ---- */

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t n = utf8_length(text, UTF8_TO_NUL);

		if (!n)
			return false;
		text += n;
	}
	return true;
}

/* NULL if @charset is not known or the text is not of it. */
static char *convert(const char *text, const char *charset)
{
	size_t left = strlen(text), room = left * 4 + 16, size = room;
	char *out = xcalloc(room + 1, 1), *to = out, *from = (char *)(uintptr_t)text;
	iconv_t cd = iconv_open("UTF-8", charset);
	bool good = false;

	if (cd != (iconv_t)-1) {
		good = iconv(cd, &from, &left, &to, &room) != (size_t)-1 && !left;
		iconv_close(cd);
	}
	out[good ? size - room : 0] = '\0';
	if (good && is_utf8(out))
		return out;
	free(out);
	return NULL;
}

/* Takes @text and returns it as UTF-8: as it is, or from the charset, or with its bytes shown. */
static char *make_utf8(char *text, const char *charset)
{
	struct strbuf shown = STRBUF_INIT;
	char *converted = NULL;

	if (is_utf8(text))
		return text;
	if (*charset)
		converted = convert(text, charset);
	if (!converted) {
		for (const char *s = text; *s;) {
			size_t n = utf8_length(s, UTF8_TO_NUL);

			if (n)
				strbuf_add(&shown, s, n);
			else
				strbuf_addf(&shown, "\\x%02x", (unsigned char)*s);
			s += n + !n;
		}
		converted = strbuf_detach(&shown);
	}
	free(text);
	return converted;
}

/* ---- bodies ---- */

static char *find_base_commit(const char *text)
{
	for (const char *line = text; line; line = next_line(line)) {
		size_t len;

		if (strncmp(line, "base-commit: ", 13))
			continue;
		len = strspn(line + 13, "0123456789abcdef");
		if (len >= 7 && len <= 64)
			return strndup(line + 13, len);
	}
	return NULL;
}

char *mail_base_commit(const struct mail *mail)
{
	char *found = find_base_commit(mail->body);

	if (found)
		return found;
	return find_base_commit(mail->diff);
}

static bool leads_outside(const char *path)
{
	return path[0] == '/' || !strcmp(path, "..") || !strncmp(path, "../", 3) ||
	       strstr(path, "/../");
}

static int find_outside(const struct patch_path *p, void *arg)
{
	char **found = arg;

	if (!leads_outside(p->raw))
		return 0;
	*found = xstrdup(p->raw);
	return 1;
}

char *mail_outside_path(const struct mail *mail)
{
	char *found = NULL;

	patch_each_path(mail->diff, find_outside, &found);
	return found;
}

char *mail_name(const struct mail *mail)
{
	if (mail->message_id[0])
		return xstrdup(mail->message_id);
	return xasprintf("\"%s\"", mail->subject);
}

/* ---- one mail ---- */

/* Subject and id as they stand there, for a mail that is not read any further. The caller frees. */
static char *name_raw(const char *raw)
{
	__cleanup_free char *subject = mail_header(raw, "Subject");
	__cleanup_free char *id = find_id(raw);
	__cleanup_free char *shown = make_utf8(xstrdup(subject), "");

	if (*id)
		return xasprintf("\"%s\" %s", shown, id);
	return xasprintf("\"%s\"", shown);
}

static int refuse_mail(const char *path, const char *raw, const char *why, struct error *err)
{
	__cleanup_free char *name = name_raw(raw);

	return error_set(err, -EINVAL, "%s: mail %s: %s", path, name, why);
}

static void take_info(struct mail *mail, struct mailinfo *m, const char *raw)
{
	__cleanup_free char *charset = find_charset(raw);

	mail->author = make_utf8(mailinfo_value(m, "Author"), charset);
	mail->email = make_utf8(mailinfo_value(m, "Email"), charset);
	mail->date = make_utf8(mailinfo_value(m, "Date"), charset);
	mail->subject = make_utf8(mailinfo_value(m, "Subject"), charset);
	mail->body = m->message;
	mail->quoted_cr = m->quoted_cr;
	mail->diff = strbuf_detach(&m->patch);
	mail->diff_len = patch_length(mail->diff);
	m->message = NULL;
	mail_parse_headers(mail, raw);
	mail->message_id = make_utf8(mail->message_id, charset);
	mail->sender = make_utf8(mail->sender, charset);
	mail_parse_subject(mail);
}

static bool is_raw_reply(const char *raw)
{
	__cleanup_free char *subject = mail_header(raw, "Subject");

	return !strncasecmp(subject, "Re:", 3);
}

/* 1: the mail is a reply that git cannot read, and was left out. Any other may be a patch, without which
 * the series would be another. */
static int read_mail(const char *path, const char *dir, const char *name, struct mail *mail,
		     struct error *err)
{
	__cleanup_free char *file = xasprintf("%s/%s", dir, name);
	struct mailinfo m = {.patch = STRBUF_INIT};
	struct strbuf raw = STRBUF_INIT;
	struct error why;
	int ret = fs_read_file(file, MAILINFO_MAX_BYTES, &raw, err);

	if (ret)
		goto out;
	ret = mailinfo_read(file, dir, &m, &why);
	if (ret == -ENOMSG && is_raw_reply(raw.buf)) {
		log_warning("%s: a reply was left out: %s", path, why.text);
		ret = 1;
	} else if (ret == -ENOMSG) {
		ret = refuse_mail(path, raw.buf, why.text, err);
	} else if (ret) {
		error_set(err, ret, "%s", why.text);
	} else if (strlen(raw.buf) != raw.len || strlen(m.patch.buf) != m.patch.len) {
		ret = refuse_mail(
			path, raw.buf,
			"has a NUL byte: a damaged mail, or a diff of a binary file that was not made with git diff --binary",
			err);
	} else {
		take_info(mail, &m, raw.buf);
	}
out:
	mailinfo_free(&m);
	strbuf_release(&raw);
	return ret;
}

static void free_mail(struct mail *mail)
{
	free(mail->author);
	free(mail->email);
	free(mail->date);
	free(mail->subject);
	free(mail->message_id);
	free(mail->replies_to);
	free(mail->sender);
	free(mail->body);
	free(mail->diff);
	memset(mail, 0, sizeof(*mail));
}

/* ---- a mailbox ---- */

static int add_mail(struct mailbox *box, const char *path, const char *dir, const char *name,
		    struct error *err)
{
	struct mail mail = {.author = NULL};
	int ret = read_mail(path, dir, name, &mail, err);

	if (ret) {
		free_mail(&mail);
		if (ret == 1)
			return 0;
		return ret;
	}
	box->mails = xrealloc(box->mails, box->count + 1, sizeof(mail));
	box->mails[box->count++] = mail;
	return 0;
}

/* The mails of @plain, which is @path without its compression. */
static int add_mails(struct mailbox *box, const char *path, const char *plain, const char *dir,
		     struct error *err)
{
	int count, ret = mailinfo_split(plain, dir, "--mboxrd", &count, err);

	for (int i = 1; !ret && i <= count; i++) {
		__cleanup_free char *name = xasprintf("%04d", i);

		ret = add_mail(box, path, dir, name, err);
	}
	return ret;
}

int mailbox_read(const char *path, const char *dir, struct mailbox *box, struct error *err)
{
	__cleanup_free char *mails = xasprintf("%s/mails", dir);
	__cleanup_free char *plain = NULL;
	int ret = unpack_file(path, dir, &plain, err);

	if (ret)
		return ret;
	ret = fs_mkdir_p(mails, err);
	if (ret)
		return ret;
	ret = add_mails(box, path, plain, mails, err);
	fs_remove_tree(mails, NULL);
	return ret;
}

void mailbox_free(struct mailbox *box)
{
	for (size_t i = 0; i < box->count; i++)
		free_mail(&box->mails[i]);
	free(box->mails);
	memset(box, 0, sizeof(*box));
}
