// SPDX-License-Identifier: GPL-2.0-only
#include "kernels/mail.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "common/subprocess.h"

#define MAX_MAIL_BYTES	 (16 << 20)
#define MAX_PATCH_NUMBER 9999

/* The user's git settings (scissors, encodings) must not change what a mail says. */
static const char *const git_env[] = {
	"LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
	"GIT_DIR",  "GIT_WORK_TREE",	     NULL};

/* ---- subjects ---- */

/* A number of one to four digits at *s, which moves past it; -1 if there is none. */
static int take_number(const char **s)
{
	int value = 0, digits = 0;

	for (; isdigit((unsigned char)**s) && digits < 4; (*s)++, digits++)
		value = value * 10 + (**s - '0');
	return digits && !isdigit((unsigned char)**s) ? value : -1;
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
	return line ? line + 1 : NULL;
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

	return found ? found : find_base_commit(mail->diff);
}

static bool leads_outside(const char *path)
{
	return path[0] == '/' || !strcmp(path, "..") || !strncmp(path, "../", 3) ||
	       strstr(path, "/../");
}

char *mail_outside_path(const struct mail *mail)
{
	static const char *const marks[] = {"--- ",	  "+++ ",	"rename from ",
					    "rename to ", "copy from ", "copy to "};

	for (const char *line = mail->diff; line; line = next_line(line)) {
		for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
			size_t len = strlen(marks[i]);
			char *path;

			if (strncmp(line, marks[i], len))
				continue;
			path = strndup(line + len, strcspn(line + len, "\t\r\n"));
			if (strcmp(path, "/dev/null") && leads_outside(path))
				return path;
			free(path);
		}
	}
	return NULL;
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

/* The Message-ID header of a raw mail, which may stand on a line of its own; "" without. */
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

static int read_mail(const char *dir, const char *name, struct mail *mail, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/%s", dir, name);
	__cleanup_free char *body = xasprintf("%s/body", dir);
	__cleanup_free char *diff = xasprintf("%s/diff", dir);
	const char *argv[] = {"git",	       "mailinfo",	    "-k", "-m", "--encoding=UTF-8",
			      "--no-scissors", "--quoted-cr=strip", body, diff, NULL};
	__cleanup_free char *raw = NULL;
	struct strbuf info = STRBUF_INIT;
	struct subprocess sp = {
		.argv = argv, .env = git_env, .cwd = dir, .stdin_path = path, .out = &info};
	int status, ret = subprocess_run(&sp, &status, err);

	if (!ret && status) {
		/* Was it one of the patches, then its number is missed later on. */
		log_warning("mail %s: git mailinfo cannot read it; left out", name);
		ret = -ENOMSG;
	}
	if (!ret)
		ret = read_text(path, &raw, err);
	if (!ret)
		ret = read_text(body, &mail->body, err);
	if (!ret)
		ret = read_text(diff, &mail->diff, err);
	if (!ret) {
		mail->author = info_value(info.buf, "Author");
		mail->email = info_value(info.buf, "Email");
		mail->date = info_value(info.buf, "Date");
		mail->subject = info_value(info.buf, "Subject");
		mail->message_id = header_message_id(raw);
		mail_parse_subject(mail);
	}
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

static int split(const char *path, const char *dir, struct error *err)
{
	__cleanup_free char *absolute = realpath(path, NULL);
	__cleanup_free char *out = xasprintf("-o%s", dir);
	const char *argv[] = {"git", "mailsplit", "-b", "--mboxrd", out, "--", absolute, NULL};
	struct strbuf count = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .env = git_env, .cwd = dir, .out = &count};
	int status, ret;

	if (!absolute)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	ret = subprocess_run(&sp, &status, err);
	if (!ret && (status || atoi(count.buf) < 1))
		ret = error_set(err, -EINVAL, "%s: git mailsplit finds no mail in it", path);
	strbuf_release(&count);
	return ret;
}

int mailbox_read(const char *path, const char *dir, struct mailbox *box, struct error *err)
{
	char **names = NULL;
	size_t count = 0;
	int ret;

	memset(box, 0, sizeof(*box));
	ret = split(path, dir, err);
	if (!ret)
		ret = fs_list(dir, NULL, &names, &count, err);
	for (size_t i = 0; !ret && i < count; i++) {
		struct mail mail = {.author = NULL};

		ret = read_mail(dir, names[i], &mail, err);
		if (ret) {
			free_mail(&mail);
			ret = ret == -ENOMSG ? 0 : ret;
			continue;
		}
		box->mails = xrealloc(box->mails, box->count + 1, sizeof(mail));
		box->mails[box->count++] = mail;
	}
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
