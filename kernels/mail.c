// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/mail.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "kernels/patch.h"

#define MAX_MAIL_BYTES	 (16 << 20)
#define MAX_PATCH_NUMBER 9999

/* The user's git settings (scissors, encodings) must not change how a mail is read. */
static const char *const git_env[] = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
				      "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", NULL};

/* ---- subjects ---- */

/* A number of one to four digits at *s, which moves past it; -1 if there is none. */
static int take_number(const char **s)
{
	int value = 0, digits = 0;

	for (; isdigit((unsigned char)**s) && digits < 4; (*s)++, digits++)
		value = value * 10 + (**s - '0');
	if (!digits || isdigit((unsigned char)**s))
		return -1;
	return value;
}

/* "PATCH", "v2", "3/5", and run together: "PATCHv2", "PATCH3/5". */
static void take_tag(struct mail *mail, const char *s, const char *end)
{
	const char *at;
	int n, m;

	if (end - s >= 5 && !strncasecmp(s, "PATCH", 5)) {
		mail->patch = true;
		s += 5;
	} else if (end - s == 3 && !strncasecmp(s, "RFC", 3)) {
		mail->patch = true;
		return;
	}
	at = s + (s < end && (*s == 'v' || *s == 'V'));
	n = take_number(&at);
	if (n < 0 || at > end)
		return;
	if (at == end && at != s && (*s == 'v' || *s == 'V')) {
		mail->version = n;
	} else if (*at == '/' && isdigit((unsigned char)*s)) {
		at++;
		m = take_number(&at);
		if (m > 0 && at == end) {
			mail->n = n;
			mail->m = m;
		}
	}
}

/* The tags between @s and @end, the inside of one [...]. */
static void take_tags(struct mail *mail, const char *s, const char *end)
{
	while (s < end) {
		size_t len = strcspn(s, " ,;:-\t]");

		take_tag(mail, s, s + len);
		s += len + 1;
	}
}

void mail_parse_subject(struct mail *mail)
{
	const char *s = mail->subject, *end;

	mail->patch = false;
	mail->version = 1;
	mail->n = mail->m = 0;
	while (isspace((unsigned char)*s))
		s++;
	/* A reply's "Re:" is not a bracket, so a reply has no tags. */
	while (*s == '[' && (end = strchr(s, ']'))) {
		take_tags(mail, s + 1, end);
		s = end + 1;
		while (isspace((unsigned char)*s))
			s++;
	}
	if (!strncasecmp(s, "Re:", 3))
		mail->patch = false;
	mail->title = s;
}

/* ---- bodies ---- */

/* The line after @line, or NULL. */
static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	if (!line)
		return NULL;
	return line + 1;
}

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

/* ---- git mailsplit, git mailinfo ---- */

/* The value of "Name: value" in mailinfo's output; "" without. The caller frees. */
static char *info_value(const char *info, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = info; line; line = next_line(line))
		if (!strncmp(line, name, len) && !strncmp(line + len, ": ", 2))
			return strndup(line + len + 2, strcspn(line + len + 2, "\r\n"));
	return xstrdup("");
}

/* The Message-ID of a raw mail, whose value may be on the line after the header's name; "" if there
 * is none. */
static char *header_message_id(const char *raw)
{
	for (const char *line = raw; line && *line != '\n' && *line != '\r';
	     line = next_line(line)) {
		if (strncasecmp(line, "Message-ID:", 11))
			continue;
		line += 11 + strspn(line + 11, " \t\r\n");
		return strndup(line, strcspn(line, " \t\r\n"));
	}
	return xstrdup("");
}

static int read_text(const char *path, char **text, struct error *err)
{
	struct strbuf sb = STRBUF_INIT;
	int ret = fs_read_file(path, MAX_MAIL_BYTES, &sb, err);

	*text = strbuf_detach(&sb);
	return ret;
}

/* git mailinfo's output; body and diff go into the files @body and @diff. -ENOMSG: not a mail. */
static int run_mailinfo(const char *dir, const char *path, const char *body, const char *diff,
			struct strbuf *info, struct error *err)
{
	const char *const args[] = {
		"mailinfo", "-k", "-m", "--encoding=UTF-8", "--no-scissors", "--quoted-cr=strip",
		body,	    diff, NULL};
	struct git_command cmd = {.dir = dir, .args = args, .env = git_env, .stdin_path = path};
	int status, ret = git_run(&cmd, &status, info, err);

	if (ret || !status)
		return ret;
	/* if it was a patch, check_complete() reports its number */
	log_warning("mail %s: git mailinfo cannot read it; it was left out", basename(path));
	return -ENOMSG;
}

static void take_headers(struct mail *mail, const char *info, const char *raw)
{
	mail->author = info_value(info, "Author");
	mail->email = info_value(info, "Email");
	mail->date = info_value(info, "Date");
	mail->subject = info_value(info, "Subject");
	mail->message_id = header_message_id(raw);
	mail_parse_subject(mail);
}

static int read_mail(const char *dir, const char *name, struct mail *mail, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s", dir, name);
	__cleanup_free char *body = xasprintf("%s/body", dir);
	__cleanup_free char *diff = xasprintf("%s/diff", dir);
	__cleanup_free char *raw = NULL;
	struct strbuf info = STRBUF_INIT;
	int ret = run_mailinfo(dir, path, body, diff, &info, err);

	if (ret)
		goto out;
	ret = read_text(path, &raw, err);
	if (ret)
		goto out;
	ret = read_text(body, &mail->body, err);
	if (ret)
		goto out;
	ret = read_text(diff, &mail->diff, err);
	if (ret)
		goto out;
	take_headers(mail, info.buf, raw);
out:
	strbuf_release(&info);
	return ret;
}

static void free_mail(struct mail *mail)
{
	free(mail->author);
	free(mail->email);
	free(mail->date);
	free(mail->subject);
	free(mail->message_id);
	free(mail->body);
	free(mail->diff);
	memset(mail, 0, sizeof(*mail));
}

/* Writes each mail of the mbox @path to a file of its own in @dir. */
static int split_mailbox(const char *path, const char *dir, struct error *err)
{
	__cleanup_free char *absolute = realpath(path, NULL);
	__cleanup_free char *out = xasprintf("-o%s", dir);
	const char *const args[] = {"mailsplit", "-b", "--mboxrd", out, "--", absolute, NULL};
	struct git_command cmd = {.dir = dir, .args = args, .env = git_env};
	struct strbuf count = STRBUF_INIT;
	int status, ret;

	if (!absolute)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	ret = git_run(&cmd, &status, &count, err);
	if (!ret && (status || atoi(count.buf) < 1))
		ret = error_set(err, -EINVAL, "%s: git mailsplit finds no mail in it", path);
	strbuf_release(&count);
	return ret;
}

/* Adds the mail in the file @name of @dir to the box; one that git cannot read is left out. */
static int add_mail(struct mailbox *box, const char *dir, const char *name, struct error *err)
{
	struct mail mail = {.author = NULL};
	int ret = read_mail(dir, name, &mail, err);

	if (ret) {
		free_mail(&mail);
		if (ret == -ENOMSG)
			return 0;
		return ret;
	}
	box->mails = xrealloc(box->mails, box->count + 1, sizeof(mail));
	box->mails[box->count++] = mail;
	return 0;
}

int mailbox_read(const char *path, const char *dir, struct mailbox *box, struct error *err)
{
	char **names;
	size_t count;
	int ret;

	memset(box, 0, sizeof(*box));
	ret = split_mailbox(path, dir, err);
	if (ret)
		return ret;
	ret = fs_list(dir, NULL, &names, &count, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++)
		ret = add_mail(box, dir, names[i], err);
	fs_free_names(names, count);
	if (ret)
		mailbox_free(box);
	return ret;
}

void mailbox_free(struct mailbox *box)
{
	for (size_t i = 0; i < box->count; i++)
		free_mail(&box->mails[i]);
	free(box->mails);
	memset(box, 0, sizeof(*box));
}
